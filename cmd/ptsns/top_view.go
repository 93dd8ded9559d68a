package main

import (
	"fmt"
	"strings"
	"time"
)

// topView is what is on the screen of top, and what its keys change. It does nothing but
// that, and is for one goroutine.
type topView struct {
	every    time.Duration
	sample   topSample // sorted
	order    topOrder
	selected string // the ID of a terminal, "" for none
	first    int    // the terminal at the top of the list
	page     int    // terminals that the last frame had room for
	help     bool
	status   string // what happened last
}

// topAction is what a key asks for beside another frame.
type topAction int

const (
	topNothing topAction = iota
	topQuit
	topJoin         // the selected terminal
	topJoinReadOnly // likewise
)

// topLine is a line of a frame: no wider than the screen, without control characters.
type topLine struct {
	text string
	look string // the SGR attributes that it has, "" for none
}

const (
	lookBold    = "1"
	lookReverse = "7"
)

// update takes a new sample.
func (v *topView) update(s topSample) {
	s.sort(v.order)
	at := v.index()
	v.sample = s
	if v.selected != "" && v.index() < 0 { // it has ended: whoever is in its place
		v.selectAt(at)
	}
}

// index is where the selected terminal is in the list, -1 for nowhere.
func (v *topView) index() int {
	for i, t := range v.sample.Terminals {
		if t.ID == v.selected {
			return i
		}
	}
	return -1
}

// selectAt selects the terminal in that place, or the nearest.
func (v *topView) selectAt(i int) {
	v.selected = ""
	if n := len(v.sample.Terminals); n > 0 {
		v.selected = v.sample.Terminals[min(max(i, 0), n-1)].ID
	}
}

// move selects another terminal, so many lines away. Without a selected one the first of
// those on the screen is selected.
func (v *topView) move(by int) {
	if i := v.index(); i >= 0 {
		v.selectAt(i + by)
		return
	}
	v.selectAt(v.first)
}

// key does what a key asks for.
func (v *topView) key(k topKey) topAction {
	v.status = ""
	if v.help {
		v.help = false
		if k == "q" || k == keyInterrupt {
			return topQuit
		}
		return topNothing
	}
	switch k {
	case "q", keyInterrupt:
		return topQuit
	case "?", "h":
		v.help = true
	case keyUp, "k":
		v.move(-1)
	case keyDown, "j":
		v.move(1)
	case keyPageUp:
		v.move(-max(v.page, 1))
	case keyPageDown:
		v.move(max(v.page, 1))
	case keyHome, "g":
		v.selectAt(0)
	case keyEnd, "G":
		v.selectAt(len(v.sample.Terminals) - 1)
	case keyEscape:
		v.selected, v.first = "", 0
	case keyEnter, "r":
		if v.selected == "" {
			v.status = "no terminal is selected: the arrow keys do that"
			return topNothing
		}
		if k == "r" {
			return topJoinReadOnly
		}
		return topJoin
	}
	for _, o := range topOrders {
		if k == topKey(o.key) {
			v.order = o
			v.sample.sort(o)
		}
	}
	return topNothing
}

// topHelp is shown by "?".
var topHelp = []string{
	"up, down, k, j        select a terminal; page up, page down, home and end too",
	"escape                select none",
	"enter                 join the selected terminal; ctrl-p ctrl-q comes back",
	"r                     join it to see, not to type",
	"b i o v l n           sort by bytes/s, in/s, out/s, viewers, bytes lost, name",
	"? h                   this",
	"q ctrl-c              leave",
	"",
	"IN is what is typed at a terminal, OUT what is on it, in bytes a second; K is 1024.",
	"LOST is what viewers missed because they did not read in time, since the beginning.",
	"REFUSED is how often there was no room for another terminal (ENOSPC).",
}

// frame is what is on a screen of that size, no more lines than that.
func (v *topView) frame(rows, cols int) []topLine {
	if rows < 1 || cols < 1 {
		return nil
	}
	lines := []topLine{{v.headline(), lookBold}}
	if v.help {
		lines = append(lines, topLine{})
		for _, h := range topHelp {
			lines = append(lines, topLine{text: h})
		}
	} else {
		lines = append(lines, v.namespaces(rows, cols)...)
		lines = append(lines, topLine{})
		lines = append(lines, v.terminals(rows-1-len(lines), cols)...)
	}
	for i := range lines {
		lines[i].text = cut(lines[i].text, cols)
	}
	lines = lines[:min(len(lines), max(rows-1, 1))]
	for len(lines) < rows-1 {
		lines = append(lines, topLine{})
	}
	if rows > 1 {
		lines = append(lines, topLine{cut(v.footer(), cols), ""})
	}
	return lines
}

// known tells whether the sample has rates.
func (v *topView) known() bool { return v.sample.Seconds > 0 }

func (v *topView) headline() string {
	if v.sample.Time.IsZero() {
		return "ptsns top"
	}
	sum := v.sample.total()
	return fmt.Sprintf("ptsns top  %s  %s  %s  %s  in %s/s  out %s/s", v.sample.Time.Format(time.TimeOnly),
		count(len(v.sample.Namespaces), "namespace"), count(sum.Terminals, "terminal"), count(sum.Viewers, "viewer"),
		rate(sum.In, v.known()), rate(sum.Out, v.known()))
}

// namespaces are the lines of the namespaces, as many as have room in a third of the
// screen.
func (v *topView) namespaces(rows, cols int) []topLine {
	all := v.sample.Namespaces
	if len(all) == 0 {
		return nil
	}
	room := max(1, rows/3-1)
	var more string
	if len(all) > room {
		room = max(1, room-1)
		more = fmt.Sprintf("... and %d more", len(all)-room)
		all = all[:room]
	}
	cells := make([][]string, len(all))
	for i, n := range all {
		cells[i] = n.cells(v.known())
	}
	lines := v.lines(topNamespaceColumns, cells, cols)
	if more != "" {
		lines = append(lines, topLine{text: more})
	}
	return lines
}

// terminals are the lines of the terminals, no more than rows. It scrolls to the selected
// one.
func (v *topView) terminals(rows, cols int) []topLine {
	all := v.sample.Terminals
	switch {
	case v.sample.Time.IsZero():
		return []topLine{{text: "asking the servers ..."}}
	case len(all) == 0:
		return []topLine{{text: "no terminals; ptsns run -- bash opens one"}}
	}
	v.page = max(rows-1, 1)
	at := v.index()
	if at >= 0 {
		v.first = min(max(v.first, at-v.page+1), at)
	}
	v.first = max(0, min(v.first, len(all)-v.page))
	last := min(v.first+v.page, len(all))
	cells := make([][]string, last-v.first)
	for i, t := range all[v.first:last] {
		cells[i] = t.cells(v.known())
	}
	lines := v.lines(topTerminalColumns, cells, cols)
	if at >= 0 {
		row := &lines[1+at-v.first]
		row.text += strings.Repeat(" ", max(0, cols-topWidths.StringWidth(row.text)))
		row.look = lookReverse
	}
	return lines
}

// lines are a table's.
func (v *topView) lines(columns []topColumn, cells [][]string, cols int) []topLine {
	head, rows := topTable(columns, cells, cols)
	lines := []topLine{{head, lookBold}}
	for _, row := range rows {
		lines = append(lines, topLine{text: row})
	}
	return lines
}

func (v *topView) footer() string {
	if v.status != "" {
		return printable(v.status)
	}
	if v.help {
		return "any key goes back"
	}
	return fmt.Sprintf("q quit  enter join  r read only  ? help  sorted by %s (b i o v l n)  every %v", v.order.name, v.every)
}

// count is so many of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

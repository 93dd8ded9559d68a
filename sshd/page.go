package sshd

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
)

// isPrint tells whether a character only shows itself: none that controls a terminal or
// turns the direction of text.
func isPrint(r rune) bool { return unicode.IsPrint(r) }

// row is a line of the list, and what choosing it means.
type row struct {
	id     pts.ID // the index is -1 for the namespace itself
	serial string // of the terminal
	cells  [len(columns)]string
	dead   bool   // there is nothing to choose
	noNew  string // why no terminal can be opened in its namespace, "" when one can
}

// columns are the list's headings.
var columns = [...]string{"#", "TERMINAL", "SIZE", "RUNS", "VIEWERS", "TITLE"}

// page is namespaces and terminals as a list.
type page struct{ rows []row }

// newPage numbers what there is: each namespace and its terminals below it.
func newPage(list []Namespace) page {
	var p page
	for _, ns := range list {
		head := row{id: pts.ID{Namespace: ns.Name, Index: -1}}
		head.cells[1] = ns.Name
		head.cells[3] = "new terminal"
		switch {
		case ns.Error != "":
			head.dead, head.noNew = true, "that namespace does not answer"
			head.cells[3] = ns.Error
		case ns.Kind == server.KindVirtual:
			head.dead, head.noNew = true, "terminals of "+ns.Name+" are opened by its programs alone"
			head.cells[3] = "virtual terminals"
		}
		p.add(head)
		for i := range ns.Terminals {
			r := terminalRow(ns.Name, &ns.Terminals[i])
			r.noNew = head.noNew
			p.add(r)
		}
	}
	return p
}

func (p *page) add(r row) {
	r.cells[0] = strconv.Itoa(len(p.rows) + 1)
	for i, cell := range r.cells {
		r.cells[i] = printable(cell)
	}
	p.rows = append(p.rows, r)
}

func terminalRow(name string, t *server.Terminal) row {
	id := pts.ID{Namespace: name, Index: t.Index}
	r := row{id: id, serial: t.Serial}
	r.cells[1] = "  " + id.String()
	if t.Rows > 0 || t.Cols > 0 {
		r.cells[2] = fmt.Sprintf("%dx%d", t.Rows, t.Cols)
	}
	if r.cells[3] = t.Foreground.Comm; r.cells[3] == "" {
		r.cells[3] = t.Opener.Comm
	}
	if len(t.Viewers) > 0 {
		r.cells[4] = strconv.Itoa(len(t.Viewers))
	}
	r.cells[5] = t.Title
	return r
}

// find is the line of id, -1 when it is not there.
func (p page) find(id pts.ID) int {
	for i := range p.rows {
		if p.rows[i].id == id {
			return i
		}
	}
	return -1
}

// lines are the headings and the list in columns, each as long as it is.
func (p page) lines() []string {
	var widths [len(columns)]int
	for i, heading := range columns {
		widths[i] = len(heading)
		for _, r := range p.rows {
			if i < len(columns)-1 && !r.dead {
				widths[i] = max(widths[i], min(runewidth.StringWidth(r.cells[i]), maxColumn))
			}
		}
	}
	lines := make([]string, 0, 1+len(p.rows))
	lines = append(lines, joinCells(columns, widths, false))
	for _, r := range p.rows {
		lines = append(lines, joinCells(r.cells, widths, r.dead))
	}
	return lines
}

// maxColumn is the widest that a column gets; only the last may be wider.
const maxColumn = 2 + pts.MaxNameLen + 8

// joinCells makes a line; of a row without anything to choose the fourth cell is all that
// follows.
func joinCells(cells [len(columns)]string, widths [len(columns)]int, dead bool) string {
	var b strings.Builder
	for i, cell := range cells {
		if i == len(cells)-1 || dead && i == 3 {
			b.WriteString(cell)
			break
		}
		cell = fit(cell, widths[i])
		if i == 0 {
			cell = strings.Repeat(" ", widths[i]-runewidth.StringWidth(strings.TrimSpace(cell))) + strings.TrimSpace(cell)
		}
		b.WriteString(cell + "  ")
	}
	return strings.TrimRight(b.String(), " ")
}

// fit makes s so many columns wide.
func fit(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if runewidth.StringWidth(s) > width {
		s = runewidth.Truncate(s, width, "~")
	}
	return runewidth.FillRight(s, width)
}

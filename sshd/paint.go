package sshd

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/ptsns/ptsns/pty"
)

// Colours and styles of the picker.
const (
	stylePlain    = "\x1b[m"
	styleBar      = "\x1b[1;7m"
	styleHeading  = "\x1b[1m"
	styleSelected = "\x1b[7m"
	styleFaint    = "\x1b[2m"
	styleMessage  = "\x1b[1;33m"
)

const (
	help         = "arrows choose   enter joins   r looks on   n new terminal   q leaves"
	helpNarrow   = "enter joins  r looks on  n opens  q leaves"
	helpReadOnly = "arrows choose   enter looks on   q leaves"
	helpLines    = "NUMBER joins, r NUMBER looks on, n NUMBER opens a new terminal, q leaves, nothing lists again: "
)

// around are the lines that are not rows: the bar, the headings, and below an empty one,
// the message and the help, with empty ones between.
const around = 6

// paint shows the picker as it is now, if that differs from what is shown.
func (p *picker) paint(tty *pty.PTS) {
	frame := ""
	if p.dumb {
		frame = p.text()
	} else {
		size, err := tty.Winsize()
		if err != nil {
			return // closed, which run hears of
		}
		if frame = p.frame(int(size.Row), int(size.Col)); frame == p.shown {
			return
		}
	}
	p.shown = frame
	_, _ = io.WriteString(tty, frame) // the same
}

// frame is a whole screen.
func (p *picker) frame(rows, cols int) string {
	lines := p.page.lines()
	at := p.page.find(p.selected)
	height := max(rows-around, 1)
	p.top = min(p.top, max(len(p.page.rows)-height, 0))
	p.top = max(min(p.top, max(at, 0)), at-height+1)

	screen := make([]string, 0, rows)
	add := func(style, line string) {
		line = fit(line, cols)
		if style != "" {
			line = style + line + stylePlain
		}
		screen = append(screen, line)
	}
	left, right := " ptsns", p.name+" "
	gap := cols - runewidth.StringWidth(left) - runewidth.StringWidth(right)
	add(styleBar, left+strings.Repeat(" ", max(gap, 1))+right)
	add("", "")
	add(styleFaint, "  "+lines[0])
	for i := p.top; i < min(p.top+height, len(p.page.rows)); i++ {
		switch line := lines[i+1]; {
		case i == at:
			add(styleSelected, "> "+line)
		case p.page.rows[i].dead:
			add(styleFaint, "  "+line)
		case p.page.rows[i].id.Index < 0:
			add(styleHeading, "  "+line)
		default:
			add("", "  "+line)
		}
	}
	if len(p.page.rows) == 0 {
		add(styleFaint, "  "+p.nothing())
	}
	for len(screen) < rows-2 {
		add("", "")
	}
	notice := p.notice()
	if notice == "" && len(p.page.rows) > height {
		notice = fmt.Sprintf("%d of %d", at+1, len(p.page.rows))
	}
	add(styleMessage, "  "+notice)
	add(styleFaint, "  "+p.help(cols))
	screen = screen[:min(len(screen), max(rows, 1))]
	return "\x1b[H" + strings.Join(screen, "\n") // the terminal returns the carriage
}

func (p *picker) help(cols int) string {
	switch {
	case p.readOnly:
		return helpReadOnly
	case cols < len(help)+2:
		return helpNarrow
	}
	return help
}

// nothing is what stands in place of an empty list.
func (p *picker) nothing() string {
	switch {
	case p.known:
		return "no namespaces; ptsns run makes one"
	case p.failed != "":
		return ""
	}
	return "looking ..."
}

// notice is what is to be said in one line.
func (p *picker) notice() string {
	switch {
	case p.message != "":
		return printable(p.message)
	case p.failed != "":
		return p.failed
	case p.number > 0:
		return strconv.Itoa(p.number)
	}
	return ""
}

// text is the picker in lines, for who has no screen.
func (p *picker) text() string {
	var b strings.Builder
	for _, line := range p.page.lines() {
		b.WriteString(line + "\n")
	}
	if len(p.page.rows) == 0 {
		b.WriteString(p.nothing() + "\n")
	}
	if notice := p.notice(); notice != "" {
		b.WriteString(notice + "\n")
	}
	b.WriteString(helpLines)
	return b.String()
}

// takeLine deals with a line that was typed in answer to text.
func (p *picker) takeLine(line string) (c choice, done bool) {
	p.message = ""
	words := strings.Fields(line)
	verb := ""
	if len(words) > 0 && (words[0] == "r" || words[0] == "n" || words[0] == "q") {
		verb, words = words[0], words[1:]
	}
	switch {
	case verb == "q":
		return choice{}, true
	case verb == "" && len(words) == 0:
		return choice{}, false
	}
	n := 0
	if len(words) == 1 {
		n, _ = strconv.Atoi(words[0]) // 0 is no row
	}
	if n < 1 || n > len(p.page.rows) {
		p.message = "which number?"
		return choice{}, false
	}
	p.move(n - 1)
	if verb == "n" {
		return p.open(n - 1)
	}
	return p.pick(n-1, verb == "r")
}

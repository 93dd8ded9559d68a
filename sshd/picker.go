package sshd

import (
	"context"
	"io"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/termios"
)

// choice is what somebody picked: a terminal to join, or a namespace to open one in.
type choice struct {
	id       pts.ID // the index is -1 for a new terminal
	serial   string // of the terminal that was shown, and that no other is joined for
	readOnly bool
}

// picker is a program on a terminal: it shows what there is, as it changes, and has one
// of it chosen. What is selected stays from one run to the next. It belongs to one
// goroutine.
type picker struct {
	list     func(context.Context) ([]Namespace, error)
	every    time.Duration // between looks
	name     string        // of who picks
	host     string        // whose terminals these are; may be empty
	readOnly bool          // who picks may only look on
	dumb     bool          // no cursor moves: lines in place of keys
	message  string        // what happened last

	page     page
	known    bool   // page is something
	failed   string // why it is not up to date
	selected pts.ID
	at       int // where that was last
	top      int // first row shown
	number   int // being typed
	keys     keyParser
	shown    string // the last frame
}

// listing is an answer of list.
type listing struct {
	list []Namespace
	err  error
}

// run shows the picker on tty until something is picked. ok is false when nothing is
// to be: the keys say so, or typed or ctx has ended.
func (p *picker) run(ctx context.Context, tty *pty.PTS, typed <-chan []byte) (c choice, ok bool) {
	quit, resized := make(chan struct{}, 1), make(chan struct{}, 1)
	tty.HandleSignals(func(s pts.Signal) {
		signal := quit
		if s == pts.SIGWINCH {
			signal = resized
		}
		select {
		case signal <- struct{}{}:
		default:
		}
	})
	defer tty.HandleSignals(nil)
	if !p.dumb {
		defer p.takeScreen(tty)()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listings := make(chan listing, 1)
	looking := false
	look := func() {
		if looking {
			return
		}
		looking = true
		go func() { // ends with ctx at the latest
			list, err := p.list(ctx)
			listings <- listing{list, err}
		}()
	}
	look()
	again := time.NewTimer(p.every)
	again.Stop()
	defer again.Stop()
	for {
		select {
		case l := <-listings:
			looking = false
			p.update(l)
			p.paint(tty)
			if !p.dumb { // whose numbers stay as long as they are shown
				again.Reset(p.every)
			}
		case <-again.C:
			look()
		case <-resized:
			p.paint(tty)
		case b, open := <-typed:
			if !open {
				return choice{}, false
			}
			c, done := p.takeKeys(b)
			if done {
				return c, c.id.Namespace != ""
			}
			if p.dumb {
				look()
			} else {
				p.paint(tty)
			}
		case <-quit:
			return choice{}, false
		case <-ctx.Done():
			return choice{}, false
		}
	}
}

// takeScreen makes tty one for a program of keys: the alternate screen, and each key as it
// comes. It returns what undoes that.
func (p *picker) takeScreen(tty *pty.PTS) (restore func()) {
	p.shown, p.keys, p.number = "", keyParser{}, 0
	old, err := tty.Termios()
	if err == nil {
		t := old
		t.Lflag &^= termios.ICANON | termios.ECHO
		t.Iflag &^= termios.IXON
		t.Cc[termios.VMIN], t.Cc[termios.VTIME] = 1, 0
		err = tty.SetTermios(pty.TCSANOW, t)
	}
	if err != nil {
		return func() {} // it is closed, which the loop hears of
	}
	_, _ = io.WriteString(tty, "\x1b[?1049h\x1b[?25l\x1b[2J") // the same
	return func() {
		_, _ = io.WriteString(tty, "\x1b[m\x1b[?25h\x1b[?1049l") // the same
		_ = tty.SetTermios(pty.TCSANOW, old)
	}
}

// update takes over what there is now. What was selected stays so while it is there; after it
// the next in its place is.
func (p *picker) update(l listing) {
	if l.err != nil {
		p.failed = printable(l.err.Error())
		return
	}
	p.page, p.known, p.failed = newPage(l.list), true, ""
	if at := p.page.find(p.selected); at >= 0 {
		p.at = at
		return
	}
	p.move(p.at)
}

// move selects row at, or the nearest that there is.
func (p *picker) move(at int) {
	p.selected, p.at = pts.ID{}, 0
	if n := len(p.page.rows); n > 0 {
		p.at = min(max(at, 0), n-1)
		p.selected = p.page.rows[p.at].id
	}
}

// takeKeys deals with what was typed. done means that it is over, with a choice that may be
// none.
func (p *picker) takeKeys(b []byte) (c choice, done bool) {
	if p.dumb {
		return p.takeLine(string(b))
	}
	for _, char := range b {
		key := p.keys.next(char)
		if key == keyNone {
			continue
		}
		p.message = ""
		if c, done := p.takeKey(key); done {
			return c, true
		}
	}
	return choice{}, false
}

const endOfText = 'D' & 0x1f

func (p *picker) takeKey(key keyCode) (c choice, done bool) {
	if key >= '0' && key <= '9' {
		p.takeDigit(int(key - '0'))
		return choice{}, false
	}
	p.number = 0
	at := p.page.find(p.selected)
	switch key {
	case keyUp, 'k', 'P' & 0x1f:
		p.move(at - 1)
	case keyDown, 'j', 'N' & 0x1f:
		p.move(at + 1)
	case keyPageUp:
		p.move(at - pageStep)
	case keyPageDown, ' ':
		p.move(at + pageStep)
	case keyHome, 'g':
		p.move(0)
	case keyEnd, 'G':
		p.move(len(p.page.rows) - 1)
	case '\r', '\n':
		return p.pick(at, false)
	case 'r', 'R':
		return p.pick(at, true)
	case 'n', 'N':
		return p.open(at)
	case 'q', 'Q', endOfText:
		return choice{}, true
	}
	return choice{}, false
}

const pageStep = 10

// takeDigit selects by a number of one digit or more: another digit goes on with the
// number as long as there is such a row.
func (p *picker) takeDigit(d int) {
	if p.number = p.number*10 + d; p.number > len(p.page.rows) {
		p.number = d
	}
	if p.number > 0 && p.number <= len(p.page.rows) {
		p.move(p.number - 1)
	}
}

// pick chooses a row. It says why, when that cannot be.
func (p *picker) pick(at int, readOnly bool) (c choice, done bool) {
	if at < 0 || at >= len(p.page.rows) {
		p.message = "there is nothing to choose"
		return choice{}, false
	}
	r := &p.page.rows[at]
	switch {
	case r.id.Index >= 0:
		return choice{r.id, r.serial, readOnly || p.readOnly}, true
	case readOnly:
		p.message = "choose a terminal to look on"
		return choice{}, false
	}
	return p.open(at)
}

// open chooses a new terminal in the namespace of a row.
func (p *picker) open(at int) (c choice, done bool) {
	switch {
	case at < 0 || at >= len(p.page.rows):
		p.message = "there is no namespace to open a terminal in"
	case p.readOnly:
		p.message = "this key looks on: it may join terminals and open none"
	case p.page.rows[at].noNew != "":
		p.message = p.page.rows[at].noNew
	default:
		return choice{id: pts.ID{Namespace: p.page.rows[at].id.Namespace, Index: -1}}, true
	}
	return choice{}, false
}

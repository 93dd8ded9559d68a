package main

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// outer is the terminal that this process runs on, as far as there is one. The
// fds are the process's own 0, 1 and 2, used by number: (*os.File).Fd would make
// them blocking for everybody who shares them.
type outer struct {
	in   bool // stdin is a terminal
	out  bool // stdout is
	size int  // the fd whose window counts; -1 when there is none

	mu    sync.Mutex
	saved *term.State // guarded by mu; what stdin was before it was made raw, nil when it is that now

	showing   sync.Mutex // held while a program's output is written to a terminal
	alternate alternate  // guarded by showing
	calmed    bool       // guarded by showing: no more of it is to be seen
}

const (
	stdin  = 0
	stdout = 1
	stderr = 2
)

func newOuter() *outer {
	o := &outer{in: term.IsTerminal(stdin), out: term.IsTerminal(stdout), size: -1}
	for _, fd := range []int{stdin, stdout, stderr} {
		if term.IsTerminal(fd) {
			o.size = fd
			break
		}
	}
	return o
}

// window is the size of the window, 0, 0 when there is none.
func (o *outer) window() (rows, cols uint16) {
	if o.size < 0 {
		return 0, 0
	}
	ws, err := unix.IoctlGetWinsize(o.size, unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return ws.Row, ws.Col
}

// raw makes stdin raw if it is a terminal. It may be called again when somebody
// else may have changed the terminal meanwhile.
func (o *outer) raw() error {
	if !o.in {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	saved, err := term.MakeRaw(stdin)
	if err != nil {
		return err
	}
	if o.saved == nil {
		o.saved = saved
	}
	return nil
}

// calming undoes what a program may have done to the terminal that showed it: the mouse,
// other reports and keys, margins, a hidden or other cursor, colours, character sets, an
// unfinished update. The cursor stays where it is.
const calming = "\x1b[?2026l\x1b[?9;1000;1001;1002;1003;1004;1005;1006;1015;1016;2004;2031;2048l" +
	"\x1b[<9u\x1b[>4;0m\x1b[?1l\x1b>\x1b[4l\x1b[20l\x1b[?5;45;69l\x1b[?7h\x1b7\x1b[?6l\x1b[r\x1b8\x1b[m\x1b(B\x1b)B\x0f\x1b[0 q\x1b[?25h"

// show writes a program's output to stdout, and nothing once the terminal is calm.
func (o *outer) show(p []byte) error {
	if !o.out {
		return writeAll(os.Stdout, stdout, p)
	}
	o.showing.Lock()
	defer o.showing.Unlock()
	if o.calmed {
		return nil
	}
	o.alternate.note(p)
	return writeAll(os.Stdout, stdout, p)
}

// calm brings a terminal back from a program that will not, and takes it off the alternate
// screen. The program shows nothing any more.
func (o *outer) calm() { o.calmThen("") }

// leave is calm for those who leave a program that goes on. What is said next begins a line,
// with nothing of what the program shows below.
func (o *outer) leave() { o.calmThen("\r\n\x1b[J") }

func (o *outer) calmThen(end string) {
	if !o.out {
		return
	}
	o.showing.Lock()
	defer o.showing.Unlock()
	if o.calmed {
		return
	}
	o.calmed = true
	if o.alternate.on {
		end = "\x1b[?1049l" + calming + end
	} else {
		end = calming + end
	}
	_, _ = os.Stdout.WriteString(end) // whoever leaves does not care
}

// restore undoes raw. It is for every way out.
func (o *outer) restore() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.saved == nil {
		return
	}
	_ = term.Restore(stdin, o.saved) // a terminal that has gone needs no modes
	o.saved = nil
}

// restoreOnPanic is deferred by every goroutine while the terminal is raw.
func (o *outer) restoreOnPanic() {
	if p := recover(); p != nil {
		o.restore()
		panic(p)
	}
}

// newline is what ends a line on stderr now: on a raw terminal that takes a return.
func (o *outer) newline() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.saved != nil && term.IsTerminal(stderr) {
		return "\r\n"
	}
	return "\n"
}

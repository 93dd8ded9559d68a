package main

import (
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

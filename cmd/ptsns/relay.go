package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/pts"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// relay joins this process's stdin, stdout and window to a terminal.
type relay struct {
	id       pts.ID
	stream   *control.Stream
	outer    *outer
	keys     []byte // that detach; only a terminal's are looked at
	owner    bool   // we started the program: the end of our input is the end of its, our signals are its
	readOnly bool
	painted  bool // the server paints the screen again where we missed output
	ended    bool // set by run: the terminal has ended

	missed atomic.Uint64 // bytes, where the screen was painted
}

// gone is why the input side gave up.
type gone int

const (
	detached gone = iota // the detach keys
	hungUp               // the outer terminal has gone
)

// outputEnd is why the output side gave up.
type outputEnd struct {
	err   error
	known bool // the terminal has ended
}

// run relays until the terminal ends or somebody leaves it. The result is nil,
// the exitStatus of the program, or what went wrong. The outer terminal is as
// before.
//
// It starts two goroutines: one ends with the stream, one reads stdin and may
// stay in that read until the process exits.
func (r *relay) run() (err error) {
	defer r.stream.Close()
	defer r.outer.restoreOnPanic()

	signals := make(chan os.Signal, 16)
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE} {
		if !signal.Ignored(sig) { // as nohup and shells' & want it
			signal.Notify(signals, sig)
		}
	}
	defer func() {
		if err != exitHungUp { // else a SIGHUP may still be on its way, and must not end us before we say how
			signal.Stop(signals)
		}
	}()
	window := make(chan os.Signal, 1) // several changes are one
	signal.Notify(window, syscall.SIGWINCH, syscall.SIGCONT)
	defer signal.Stop(window)
	if err := r.outer.raw(); err != nil {
		return fmt.Errorf("make the terminal raw: %w", err)
	}
	defer r.outer.restore()

	over := make(chan outputEnd, 1)
	go func() {
		defer r.outer.restoreOnPanic()
		over <- r.relayOutput()
	}()
	left := make(chan gone, 1)
	go func() {
		defer r.outer.restoreOnPanic()
		r.relayInput(left)
	}()

	r.resize() // the window may have changed since it was asked for
	for {
		select {
		case end := <-over:
			r.ended = end.known
			var status exitStatus
			switch killed := errors.As(end.err, &status) && status > exitSignal; {
			case !r.ended:
				r.outer.leave()
			case killed || !r.owner: // it could not clean up, or that was not for us
				r.outer.calm()
			}
			return end.err
		case why := <-left:
			if why == hungUp {
				return exitHungUp
			}
			r.outer.leave()
			r.outer.restore()
			r.sayDetached()
			return nil
		case <-window:
			err := r.outer.raw() // after a stop, somebody else's modes are set
			if errors.Is(err, syscall.EIO) {
				return exitHungUp
			}
			if err != nil {
				return fmt.Errorf("make the terminal raw: %w", err)
			}
			r.resize()
		case s := <-signals:
			if sig := s.(syscall.Signal); !r.pass(sig) {
				r.outer.leave()
				return exitStatus(exitSignal + int(sig))
			}
		}
	}
}

// pass deals with a signal to this process; false means that it ends us.
func (r *relay) pass(sig syscall.Signal) bool {
	switch {
	case sig == syscall.SIGPIPE:
		return true // the write that failed tells
	case r.owner && !r.outer.in && sig != syscall.SIGHUP:
		_ = r.stream.Signal(sig) // a server that has gone is heard of elsewhere
		return true
	}
	return false
}

func (r *relay) resize() {
	if rows, cols := r.outer.window(); rows != 0 || cols != 0 {
		_ = r.stream.Resize(rows, cols) // a server that has gone is heard of elsewhere
	}
}

// relayOutput copies output to stdout until the terminal ends, and tells how that
// was.
func (r *relay) relayOutput() outputEnd {
	for {
		e, err := r.stream.Next()
		if err != nil {
			return outputEnd{err: fmt.Errorf("%v: %w", r.id, err)}
		}
		switch e.Kind {
		case control.Output:
			if err := r.outer.show(e.Output); err != nil {
				return outputEnd{err: r.brokenOutput(err)}
			}
		case control.Lost:
			r.sayLost(e.Lost)
		case control.Refused:
			r.sayRefused()
		case control.Exit:
			if e.Code == 0 {
				return outputEnd{known: true}
			}
			return outputEnd{err: exitStatus(e.Code), known: true}
		case control.Ended:
			return outputEnd{known: true}
		}
	}
}

// exitHungUp is our end when the outer terminal has gone, whether that is heard of
// as SIGHUP, as an end of input, or as an error.
const exitHungUp = exitStatus(exitSignal + int(syscall.SIGHUP))

// brokenOutput says what becomes of us when stdout fails: as SIGPIPE would have
// it when nobody reads it any more.
func (r *relay) brokenOutput(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return exitStatus(exitSignal + int(syscall.SIGPIPE))
	}
	if r.outer.out && errors.Is(err, syscall.EIO) {
		return exitHungUp
	}
	return fmt.Errorf("%v: write its output: %w", r.id, err)
}

// relayInput types what comes from stdin, until that ends or somebody leaves.
func (r *relay) relayInput(left chan<- gone) {
	scanner := keyScanner{}
	if r.outer.in {
		scanner.keys = r.keys
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := os.Stdin.Read(buf)
		if errors.Is(err, syscall.EAGAIN) {
			err = awaitFD(stdin, unix.POLLIN)
		}
		pass, found := scanner.scan(buf[:n])
		if len(pass) > 0 && !r.readOnly {
			if _, err := r.stream.Write(pass); err != nil {
				return // relayOutput tells why
			}
		}
		if found {
			left <- detached
			return
		}
		if err == nil {
			continue
		}
		if r.outer.in {
			left <- hungUp
			return
		}
		if r.owner {
			_ = r.stream.EndInput() // the same
		}
		return
	}
}

// sayDetached is for a terminal that is as before.
func (r *relay) sayDetached() {
	if !r.outer.out && term.IsTerminal(stderr) {
		fmt.Fprintln(os.Stderr) // the program was in the middle of a line, perhaps
	}
	missed := ""
	if n := r.missed.Load(); n > 0 {
		missed = fmt.Sprintf("; %d bytes missed", n)
	}
	fmt.Fprintf(os.Stderr, "ptsns: detached from %v%s; ptsns attach %v comes back\n", r.id, missed, r.id)
}

// sayLost tells of output that went by on stderr. Where the screen is painted anew, which
// shows how things are, it is told at the end: a notice would stand in the middle of it.
func (r *relay) sayLost(n uint64) {
	if r.painted {
		r.missed.Add(n)
		return
	}
	fmt.Fprintf(os.Stderr, "ptsns: %d bytes missed%s", n, r.outer.newline())
}

// sayRefused tells that what was typed was not let in: somebody has the input for
// himself. That is a bell where a notice would stand in the middle of a screen.
func (r *relay) sayRefused() {
	if r.outer.out {
		_, _ = os.Stdout.WriteString("\a") // the next output tells of errors
		return
	}
	fmt.Fprintf(os.Stderr, "ptsns: input refused: another viewer has it for itself%s", r.outer.newline())
}

// writeAll writes p to f, which is fd.
func writeAll(f *os.File, fd int, p []byte) error {
	for {
		n, err := f.Write(p)
		if !errors.Is(err, syscall.EAGAIN) {
			return err
		}
		p = p[n:]
		if err := awaitFD(fd, unix.POLLOUT); err != nil {
			return err
		}
	}
}

// awaitFD waits until fd is ready. It is for one of our three that another process
// has made nonblocking under us: Go's poller does not know.
func awaitFD(fd int, events int16) error {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, -1)
		if err != unix.EINTR {
			return err
		}
	}
}

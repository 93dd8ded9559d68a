package sshd

import (
	"context"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/termios"
)

// pick shows the picker, and what is picked there, until the client has enough.
func (v *visit) pick(ctx context.Context) int {
	p := &picker{
		list: v.namespaces, every: v.c.s.limits.look, name: printable(v.c.key.name), host: printable(v.c.s.cfg.Host),
		readOnly: v.c.key.readOnly, dumb: v.tty.dumb(),
	}
	for {
		c, ok := v.choose(ctx, p)
		switch {
		case ctx.Err() != nil:
			return v.fail("the door is closing")
		case !ok:
			return 0
		}
		var e ending
		if c.id.Index < 0 {
			e = v.open(ctx, c.id.Namespace, "")
		} else {
			e = v.join(ctx, target{name: c.id.Namespace, index: c.id.Index, serial: c.serial}, c.readOnly)
		}
		if ctx.Err() != nil {
			return v.end(ctx, e)
		}
		v.tidy()
		if !p.dumb {
			_, _ = io.WriteString(v.ch, "\x1b[H\x1b[2J") // what was there is not the client's; it may have gone
		}
		p.message = e.String()
		if e.detached {
			p.selected = e.id // which may be new
		}
	}
}

// String says how a stay ended.
func (e ending) String() string {
	switch {
	case e.detached:
		return fmt.Sprintf("left %v, which goes on", e.id)
	case e.err != nil:
		return e.err.Error()
	case e.status != 0:
		return fmt.Sprintf("%v has ended, with status %d", e.id, e.status)
	}
	return fmt.Sprintf("%v has ended", e.id)
}

// choose runs the picker on a virtual pair between it and the client. The pair has the
// client's modes and window.
func (v *visit) choose(ctx context.Context, p *picker) (c choice, ok bool) {
	ptm, tty := pty.Open()
	w := v.window()
	_ = ptm.SetWinsize(termios.Winsize{Row: w.rows, Col: w.cols}) // it is open
	t := termios.Default()
	_ = t.TakeModes(v.tty.modes) // were looked at when they came
	t.Iflag, t.Oflag = t.Iflag|termios.ICRNL, t.Oflag|termios.OPOST|termios.ONLCR
	t.Lflag |= termios.ISIG | termios.ICANON | termios.ECHO
	_ = tty.SetTermios(pty.TCSANOW, t) // it is open

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	shown := make(chan struct{})
	go func() { // ends when tty is closed and all is shown, or the client has gone
		defer close(shown)
		if _, err := io.Copy(v.ch, onlyReader{ptm}); err != nil {
			cancel()
		}
		_ = ptm.Close() // ends who writes
	}()
	running.Go(func() { v.typePair(ctx, ptm) })
	typed := make(chan []byte)
	running.Go(func() { // ends when tty is closed
		defer close(typed)
		readPair(ctx, tty, typed)
	})
	v.aimAt(pairAim{ptm})
	c, ok = p.run(ctx, tty, typed)
	v.aimAt(nil)
	cancel()
	_ = tty.Close() // the picker was the last to use it
	<-shown
	running.Wait()
	return c, ok
}

// onlyReader has nothing that io.Copy would rather use.
type onlyReader struct{ io.Reader }

// typePair types what comes from the client into the pair; its end is an end of file.
func (v *visit) typePair(ctx context.Context, ptm *pty.PTM) {
	eof := v.eof
	for {
		p := []byte{endOfText}
		select {
		case p = <-v.chunks:
		case <-eof:
			eof = nil
		case <-ctx.Done():
			return
		}
		if _, err := ptm.Write(p); err != nil {
			return
		}
	}
}

// readPair reads what is typed, as the terminal gives it to its program.
func readPair(ctx context.Context, tty *pty.PTS, typed chan<- []byte) {
	for {
		b := make([]byte, 256)
		n, err := tty.Read(b)
		if n > 0 {
			select {
			case typed <- b[:n]:
			case <-ctx.Done():
				return
			}
		}
		if err != nil || n == 0 {
			return
		}
	}
}

// pairAim has resizes of the client's window arrive in the pair.
type pairAim struct{ ptm *pty.PTM }

func (a pairAim) Resize(rows, cols uint16) error {
	return a.ptm.SetWinsize(termios.Winsize{Row: rows, Col: cols})
}

func (a pairAim) Signal(syscall.Signal) error { return syscall.ESRCH }

package hub

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// Terminal is one open terminal. It implements pts.End for the door through which a
// tapped one was opened.
type Terminal struct {
	hub     *Hub      // immutable
	end     pts.End   // immutable
	index   int       // immutable
	owned   bool      // immutable: the hub reads it
	created time.Time // immutable

	in, out atomic.Uint64
	watched atomic.Bool   // there are viewers
	done    chan struct{} // closed when the terminal has ended

	mu      sync.Mutex
	viewers map[*Viewer]struct{} // guarded by mu
	packet  bool                 // guarded by mu: reads begin with a packet mode status
	ended   bool                 // guarded by mu
	opener  Opener               // guarded by mu
	owner   *Viewer              // guarded by mu; nil when nobody's pace counts
	pump    pump                 // guarded by mu; only for owned terminals
	input   endOfInput           // guarded by mu; only for owned terminals
}

func newTerminal(h *Hub, end pts.End, index int, opener Opener) *Terminal {
	return &Terminal{hub: h, end: end, index: index, opener: opener, created: time.Now(),
		done: make(chan struct{}), viewers: make(map[*Viewer]struct{})}
}

// Index is the terminal's number in its instance.
func (t *Terminal) Index() int { return t.index }

// Opener is the process that opened the terminal, as it was then.
func (t *Terminal) Opener() Opener {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opener
}

// SetOpener tells more about the opener than Tap knew.
func (t *Terminal) SetOpener(o Opener) {
	t.mu.Lock()
	t.opener = o
	t.mu.Unlock()
}

// Owned tells whether ptsns opened the terminal.
func (t *Terminal) Owned() bool { return t.owned }

// Created is when the terminal was opened.
func (t *Terminal) Created() time.Time { return t.created }

// Done is closed when the terminal has ended.
func (t *Terminal) Done() <-chan struct{} { return t.done }

// Counts tells what has passed through so far.
func (t *Terminal) Counts() Counts {
	t.mu.Lock()
	n := len(t.viewers)
	t.mu.Unlock()
	return Counts{In: t.in.Load(), Out: t.out.Load(), Viewers: n}
}

// Read is the opener's: what it gets, the viewers see.
func (t *Terminal) Read(p []byte) (int, error) {
	n, err := t.end.Read(p)
	if n > 0 {
		t.out.Add(uint64(n))
		if t.watched.Load() {
			t.mu.Lock()
			t.showLocked(p[:n])
			t.mu.Unlock()
		}
	}
	return n, err
}

// showLocked gives every viewer a copy of one read's output.
func (t *Terminal) showLocked(b []byte) {
	if t.packet {
		if b[0] != 0 {
			return // a status byte, alone
		}
		b = b[1:]
	}
	for v := range t.viewers {
		v.put(b)
	}
}

// Write is the opener's input.
func (t *Terminal) Write(p []byte) (int, error) {
	n, err := t.end.Write(p)
	if n > 0 {
		t.in.Add(uint64(n))
	}
	return n, err
}

// Ioctl passes the opener's request on, and learns from it whether reads are packets.
func (t *Terminal) Ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	n, err := t.end.Ioctl(c, req, arg)
	if err == nil && req == pts.TIOCPKT {
		t.mu.Lock()
		t.packet = binary.LittleEndian.Uint32(arg) != 0
		t.mu.Unlock()
	}
	return n, err
}

// Poll tells the readiness now.
func (t *Terminal) Poll() wait.Events { return t.end.Poll() }

// Notify calls f whenever readiness may have changed.
func (t *Terminal) Notify(mask wait.Events, f func(wait.Events)) (stop func()) {
	return t.end.Notify(mask, f)
}

// Close ends the terminal: its ptm is closed and its viewers get the end after what
// they have not read yet.
func (t *Terminal) Close() error {
	t.mu.Lock()
	if t.ended {
		t.mu.Unlock()
		return unix.EBADF
	}
	t.ended = true
	t.pump.stopLocked()
	for v := range t.viewers {
		v.finish()
	}
	t.mu.Unlock()
	err := t.end.Close()
	t.hub.remove(t)
	close(t.done)
	t.hub.ended()
	return err
}

// Size asks for the window size, 0, 0 when it cannot be told.
func (t *Terminal) Size() (rows, cols uint16) {
	var b [8]byte
	if _, err := t.end.Ioctl(nil, pts.TIOCGWINSZ, b[:]); err != nil {
		return 0, 0
	}
	return binary.LittleEndian.Uint16(b[:]), binary.LittleEndian.Uint16(b[2:])
}

// Foreground is the foreground process group in our pid namespace, 0 when there is none.
func (t *Terminal) Foreground() int {
	var b [4]byte
	if _, err := t.end.Ioctl(nil, pts.TIOCGPGRP, b[:]); err != nil {
		return 0
	}
	return int(int32(binary.LittleEndian.Uint32(b[:])))
}

// setSize sets the window size; the foreground group learns of a change by SIGWINCH.
func (t *Terminal) setSize(rows, cols uint16) {
	var b [8]byte
	binary.LittleEndian.PutUint16(b[:], rows)
	binary.LittleEndian.PutUint16(b[2:], cols)
	_, _ = t.end.Ioctl(nil, pts.TIOCSWINSZ, b[:]) // fails only once the terminal has ended
}

// repaint makes programs that draw on the terminal do so again.
func (t *Terminal) repaint() {
	if group := t.Foreground(); group > 0 {
		_ = unix.Kill(-group, unix.SIGWINCH) // the group may have ended
	}
}

// typeAll writes all of p and waits for room where there is none.
func (t *Terminal) typeAll(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		n, err := t.Write(p)
		p = p[n:]
		switch {
		case err == unix.EAGAIN || err == nil && n == 0:
			if err := t.waitFor(ctx, wait.Out); err != nil {
				return err
			}
		case err != nil:
			return ErrEnded
		}
	}
	return nil
}

// waitFor blocks until the end reports any of mask, the terminal ends, or ctx does.
func (t *Terminal) waitFor(ctx context.Context, mask wait.Events) error {
	look := make(chan struct{}, 1)
	stop := t.end.Notify(mask|wait.Err|wait.Hup, func(wait.Events) {
		select {
		case look <- struct{}{}:
		default:
		}
	})
	defer stop()
	for t.end.Poll()&mask == 0 {
		select {
		case <-look:
		case <-t.done:
			return ErrEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

package pty

import (
	"io"
	"io/fs"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// end is what an open ptm and an open pts share.
type end struct {
	p          *pair
	caller     pts.Caller // who has it open; immutable
	times      *deadlines // guarded by p.mu; nil: none were set
	generation uint32     // of the side when it was opened; immutable
	ptm        bool       // immutable
	readable   bool       // immutable
	writable   bool       // immutable
	nonblock   bool       // immutable
	closed     bool       // guarded by p.mu
}

type deadlines struct {
	read, write           time.Time
	readTimer, writeTimer *time.Timer
}

func (e *end) sideLocked() *side {
	if e.ptm {
		return &e.p.m
	}
	return &e.p.s
}

func (e *end) hungUpLocked() bool { return e.generation != e.sideLocked().generation }

func (e *end) name() string {
	if e.ptm {
		return "ptm"
	}
	return "pts"
}

// wrap makes of an errno what a Go program expects: the operation, and fs.ErrClosed.
func (e *end) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if err == error(pts.EBADF) && e.isClosed() {
		err = closedError{}
	}
	return &fs.PathError{Op: op, Path: e.name(), Err: err}
}

func (e *end) isClosed() bool {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	return e.closed
}

// closedError is both EBADF and fs.ErrClosed.
type closedError struct{}

func (closedError) Error() string        { return "already closed" }
func (closedError) Is(target error) bool { return target == fs.ErrClosed || target == pts.EBADF }

// Read waits for input and takes what one read(2) takes. io.EOF is the end that a
// terminal gives: VEOF typed at the start of a line, the end of VTIME without a byte
// (with VMIN 0), and every read after a hangup. A ptm whose last pts was closed gives
// EIO after the last of the output.
func (e *end) Read(b []byte) (int, error) {
	e.p.mu.Lock()
	if e.hasLineLocked(e.caller) && len(b) > 0 {
		if n := e.readLine(b); n > 0 {
			return n, nil
		}
		return 0, io.EOF
	}
	n, err := e.readAny(b, e.caller, !e.nonblock)
	if err != nil {
		return n, e.wrap("read", err)
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write writes all of b, waiting for room. A hangup cuts it short with EIO.
func (e *end) Write(b []byte) (int, error) {
	x := op{buf: b, caller: e.caller, write: true, block: !e.nonblock}
	n, err := e.run(&x)
	if err == nil && n < len(b) {
		err = e.cut()
	}
	return n, e.wrap("write", err)
}

// cut is why a write ended early.
func (e *end) cut() error {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	switch {
	case e.closed:
		return pts.EBADF
	case e.hungUpLocked():
		return pts.EIO
	case e.nonblock:
		return pts.EAGAIN
	}
	return errDeadline
}

// Close gives the end up; blocked calls on it return fs.ErrClosed. Of a pts that is
// open several times the others stay.
func (e *end) Close() error { return e.wrap("close", e.close()) }

// Poll tells the readiness now, as poll(2) would with every event asked for.
func (e *end) Poll() wait.Events {
	p := e.p
	var o owed
	p.mu.Lock()
	defer p.unlock(&o)
	p.catchUpLocked(&o)
	const dead = wait.In | wait.Out | wait.Err | wait.Hup | wait.RdNorm | wait.WrNorm
	s := e.sideLocked()
	switch {
	case e.closed:
		return wait.Err
	case e.hungUpLocked():
		return dead
	case s.null:
		return 0
	}
	var ev wait.Events
	in, out := false, false
	if e.ptm {
		in, out = p.out.Len() > 0, !p.mStopped && p.back.Len() < backLimit
		if p.packet && p.status != 0 {
			in, ev = true, wait.Pri
		}
		if p.leftPts {
			ev |= wait.Hup
		}
	} else {
		in, out = p.disc.ReadableBy(), p.disc.CanWrite(&p.out)
	}
	if in {
		ev |= wait.In | wait.RdNorm
	}
	if out && !s.writing {
		ev |= wait.Out | wait.WrNorm
	}
	return ev
}

// Notify calls f whenever readiness within mask may have changed, until stop is
// called; Hup and Err are in every mask. f runs on the goroutine that caused the
// change, with no lock held; it must not block. It may be spurious and is never lost:
// register, look with Poll, then wait.
func (e *end) Notify(mask wait.Events, f func(wait.Events)) (stop func()) {
	p := e.p
	p.mu.Lock()
	s := e.sideLocked()
	if s.queue == nil {
		s.queue = new(wait.Queue)
	}
	q := s.queue
	p.mu.Unlock()
	return q.Notify(mask, f)
}

// End is the end as others than Go programs see it, acting for c: nothing in it
// blocks, errors are plain pts.Errno, and 0 bytes without an error are the end of
// file. A nil c is this program: job control does not apply and everything is
// allowed. Closing it closes the end.
func (e *end) End(c pts.Caller) pts.End {
	if c == nil {
		return (*plain)(e)
	}
	return &view{e, c}
}

// plain is an end for this program; it is the end itself, so making one costs
// nothing.
type plain end

func (v *plain) Read(b []byte) (int, error)  { return (&view{(*end)(v), nil}).Read(b) }
func (v *plain) Write(b []byte) (int, error) { return (&view{(*end)(v), nil}).Write(b) }
func (v *plain) Ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	return (*end)(v).ioctl(c, req, arg)
}
func (v *plain) Poll() wait.Events { return (*end)(v).Poll() }
func (v *plain) Notify(mask wait.Events, f func(wait.Events)) (stop func()) {
	return (*end)(v).Notify(mask, f)
}
func (v *plain) Close() error { return (*end)(v).close() }

// view is an end for a process.
type view struct {
	*end
	c pts.Caller
}

func (v *view) Read(b []byte) (int, error) {
	v.p.mu.Lock()
	if v.hasLineLocked(v.c) && len(b) > 0 {
		return v.readLine(b), nil
	}
	return v.readAny(b, v.c, false)
}

func (v *view) Write(b []byte) (int, error) {
	x := op{buf: b, caller: v.c, write: true}
	return v.run(&x)
}

func (v *view) Ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	if c == nil {
		c = v.c
	}
	return v.ioctl(c, req, arg)
}

func (v *view) Close() error { return v.close() }

package pty

import (
	"io/fs"
	"os"
	"time"
)

var errDeadline = os.ErrDeadlineExceeded

// SetDeadline sets both deadlines.
func (e *end) SetDeadline(t time.Time) error {
	if err := e.SetReadDeadline(t); err != nil {
		return err
	}
	return e.SetWriteDeadline(t)
}

// SetReadDeadline has reads that began or begin fail with os.ErrDeadlineExceeded from
// t on; the zero time means never.
func (e *end) SetReadDeadline(t time.Time) error { return e.setDeadline(t, false) }

// SetWriteDeadline does the same for writes. One that is cut short returns how much
// was written.
func (e *end) SetWriteDeadline(t time.Time) error { return e.setDeadline(t, true) }

func (e *end) setDeadline(t time.Time, write bool) error {
	p := e.p
	var o owed
	p.mu.Lock()
	defer p.unlock(&o)
	if e.closed {
		return &fs.PathError{Op: "set deadline", Path: e.name(), Err: closedError{}}
	}
	if e.times == nil {
		if t.IsZero() {
			return nil
		}
		e.times = new(deadlines)
	}
	at, timer := &e.times.read, &e.times.readTimer
	if write {
		at, timer = &e.times.write, &e.times.writeTimer
	}
	if *timer != nil {
		(*timer).Stop()
		*timer = nil
	}
	*at = t
	if !t.IsZero() {
		*timer = time.AfterFunc(time.Until(t), func() {
			var o owed
			p.mu.Lock()
			defer p.unlock(&o)
			e.wakeLocked(write, &o)
		})
	}
	e.wakeLocked(write, &o)
	return nil
}

// wakeLocked has everybody parked at this end look again.
func (e *end) wakeLocked(write bool, o *owed) {
	s := e.sideLocked()
	c, which := s.read, kickRead
	if write {
		c, which = s.write, kickWrite
	}
	if c != nil {
		c.Broadcast()
	}
	o.kick(e.ptm, s.kicksLocked(which))
}

// expired tells whether a deadline has passed.
func (e *end) expired(write bool) bool {
	if e.times == nil {
		return false
	}
	t := e.times.read
	if write {
		t = e.times.write
	}
	return !t.IsZero() && !time.Now().Before(t)
}

package pty

import (
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
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.closed {
		return e.wrap("set deadline", closedError{})
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
			p.mu.Lock()
			defer p.mu.Unlock()
			e.wakeLocked(write)
		})
	}
	e.wakeLocked(write)
	return nil
}

// wakeLocked has everybody parked at this end look again.
func (e *end) wakeLocked(write bool) {
	c := e.sideLocked().read
	if write {
		c = e.sideLocked().write
	}
	if c != nil {
		c.Broadcast()
	}
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

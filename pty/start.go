package pty

import (
	"slices"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// started is a read or a write that waits with nobody waiting: it goes on, on whatever
// goroutine has changed something, where a blocked caller would have woken up. All of
// it is guarded by the pair's lock but what is immutable.
type started struct {
	op
	e       *end             // immutable
	done    func(int, error) // immutable
	going   bool             // somebody advances it
	again   bool             // and shall look once more
	waiting bool             // it is in its side's list
	over    bool
}

// starteds are those that wait at one side, in the order in which they came.
type starteds struct{ reads, writes []*started }

func (l *starteds) of(write bool) *[]*started {
	if write {
		return &l.writes
	}
	return &l.reads
}

// kicks are sets of lists whose waiting reads or writes shall look again.
type kicks uint8

const (
	kickRead kicks = 1 << iota
	kickWrite
	kickPts // shifts the two above from the ptm to the pts
)

// kicksLocked tells whether anything waits at s that which is about.
func (s *side) kicksLocked(which kicks) (k kicks) {
	if s.started == nil {
		return 0
	}
	if len(s.started.reads) > 0 {
		k |= which & kickRead
	}
	if len(s.started.writes) > 0 {
		k |= which & kickWrite
	}
	return k
}

// owe adds kicks of one side.
func (o *owed) kick(ptm bool, k kicks) {
	if !ptm {
		k *= kickPts
	}
	o.kicks |= k
}

// advance has those look again whom k is about. No lock is held.
func (p *pair) advance(k kicks) {
	var list []*started
	p.mu.Lock()
	for _, s := range []*side{&p.m, &p.s} {
		if s.started != nil && k&kickRead != 0 {
			list = append(list, s.started.reads...)
		}
		if s.started != nil && k&kickWrite != 0 {
			list = append(list, s.started.writes...)
		}
		k /= kickPts
	}
	p.mu.Unlock()
	for _, x := range list {
		x.advance()
	}
}

// StartRead begins a read for c as pts.Starter says.
func (v *view) StartRead(c pts.Caller, b []byte, done func(n int, err error)) pts.Pending {
	return v.start(c, b, false, done)
}

// StartWrite begins a write for c as pts.Starter says.
func (v *view) StartWrite(c pts.Caller, b []byte, done func(n int, err error)) pts.Pending {
	return v.start(c, b, true, done)
}

// StartRead begins a read for c as pts.Starter says.
func (v *plain) StartRead(c pts.Caller, b []byte, done func(n int, err error)) pts.Pending {
	return (*end)(v).start(c, b, false, done)
}

// StartWrite begins a write for c as pts.Starter says.
func (v *plain) StartWrite(c pts.Caller, b []byte, done func(n int, err error)) pts.Pending {
	return (*end)(v).start(c, b, true, done)
}

func (v *view) start(c pts.Caller, b []byte, write bool, done func(n int, err error)) pts.Pending {
	if c == nil {
		c = v.c
	}
	return v.end.start(c, b, write, done)
}

func (e *end) start(c pts.Caller, b []byte, write bool, done func(n int, err error)) pts.Pending {
	x := &started{op: op{buf: b, caller: c, write: write, block: true, whole: true}, e: e, done: done}
	x.advance()
	return x
}

// advance goes on with x as far as that goes. It is run without its waits.
func (x *started) advance() {
	e, p := x.e, x.e.p
	var o owed
	p.mu.Lock()
	if x.over || x.going {
		x.again = true
		p.mu.Unlock()
		return
	}
	x.going = true
	for {
		x.again = false
		done := false
		if x.write {
			done = e.stepWriteLocked(&x.op, &o)
		} else {
			done = e.stepReadLocked(&x.op, &o)
		}
		if done {
			break
		}
		x.waitLocked()
		if o.any() {
			p.unlock(&o)
			p.mu.Lock()
			if x.over { // interrupted meanwhile
				p.mu.Unlock()
				return
			}
			continue // what was delivered may have changed everything
		}
		if !x.again {
			x.going = false
			p.mu.Unlock()
			return
		}
	}
	x.end(&o)
}

// waitLocked puts x among those who wait, and sets the clock for it.
func (x *started) waitLocked() {
	s := x.e.sideLocked()
	if !x.waiting {
		if s.started == nil {
			s.started = new(starteds)
		}
		l := s.started.of(x.write)
		*l = append(*l, x)
		x.waiting = true
	}
	if !x.expires.IsZero() {
		s.armLocked(x.e.p, time.Until(x.expires))
	}
}

// end ends x, whose result is in op, and releases the lock.
func (x *started) end(o *owed) {
	s := x.e.sideLocked()
	x.over = true
	if x.waiting {
		l := s.started.of(x.write)
		i := slices.Index(*l, x)
		*l = slices.Delete(*l, i, i+1)
	}
	if x.entered {
		x.e.leaveLocked(&x.op, o)
	}
	if x.ticket != 0 {
		x.e.forgetLocked(&x.op)
		x.e.wakeLocked(x.write, o) // the next may be first now
	}
	x.e.p.unlock(o)
	x.done(x.n, x.err)
}

// Interrupt ends x as a signal does, if it is not over.
func (x *started) Interrupt() {
	p := x.e.p
	p.mu.Lock()
	if x.over {
		p.mu.Unlock()
		return
	}
	x.finish(pts.EINTR)
	var o owed
	x.end(&o)
}

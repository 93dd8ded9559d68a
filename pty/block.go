package pty

import (
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// op is one read or write, on its caller's stack.
type op struct {
	buf     []byte
	n       int // done so far
	err     error
	caller  pts.Caller
	write   bool
	block   bool // wait rather than fail with EAGAIN
	yielded bool // others have had a chance to run since x last parked
	entered bool // the checks are behind it, and the turn is its own

	// A noncanonical read's VMIN and VTIME, as they were when it began.
	minimum int
	between time.Duration // how long after the last byte it goes on; 0: for ever
	expires time.Time     // when it gives up; zero: never
	limited bool          // expires is meant, also when it is zero: give up at once
}

func (e *end) run(x *op) (int, error) {
	e.p.mu.Lock()
	return e.runLocked(x)
}

// runLocked is the waiting loop, the only one. Each turn of it tries what can be done now;
// what is owed to others is delivered before it parks. It releases the lock.
func (e *end) runLocked(x *op) (int, error) {
	p := e.p
	var o owed
	for {
		var done bool
		switch {
		case x.write:
			done = e.stepWriteLocked(x, &o)
		default:
			done = e.stepReadLocked(x, &o)
		}
		if done {
			break
		}
		if o.any() {
			p.unlock(&o)
			p.mu.Lock()
			continue // what was delivered may have changed everything
		}
		if !x.yielded && !x.write && !e.ptm {
			// Who types may be at work: to let it run once, and find more than a line,
			// costs less than to park and be woken for each.
			x.yielded = true
			p.mu.Unlock()
			runtime.Gosched()
			p.mu.Lock()
			continue
		}
		e.parkLocked(x)
		x.yielded = false
	}
	if x.entered && x.block {
		e.leaveLocked(x, &o)
	}
	p.unlock(&o)
	return x.n, x.err
}

// parkLocked waits until somebody says that the end may have changed, or that a time
// has come.
func (e *end) parkLocked(x *op) {
	p, s := e.p, e.sideLocked()
	cond, parked := &s.read, &s.readers
	if x.write {
		cond, parked = &s.write, &s.writers
	}
	if *cond == nil {
		*cond = sync.NewCond(&p.mu)
	}
	if !x.expires.IsZero() {
		s.armLocked(p, time.Until(x.expires))
	}
	*parked++
	(*cond).Wait()
	*parked--
}

// armLocked has the readers at s look at the time once d has passed.
func (s *side) armLocked(p *pair, d time.Duration) {
	if s.timer == nil {
		s.timer = time.AfterFunc(d, func() { p.wakeReaders(s) })
		return
	}
	s.timer.Reset(d)
}

// wakeReaders has those who wait to read look at the time.
func (p *pair) wakeReaders(s *side) {
	var o owed
	p.mu.Lock()
	c := s.read
	o.kick(s == &p.m, s.kicksLocked(kickRead))
	p.unlock(&o)
	if c != nil {
		c.Broadcast()
	}
}

// leaveLocked gives the turn to the next.
func (e *end) leaveLocked(x *op, o *owed) {
	s := e.sideLocked()
	next, events := s.readers > 0, wait.In
	if x.write {
		s.writing = false
		next, events = s.writers > 0, wait.Out
	} else {
		s.reading = false
		if s.timer != nil && !x.expires.IsZero() {
			s.timer.Stop()
		}
	}
	switch {
	case !next:
	case x.write:
		s.write.Broadcast()
	default:
		s.read.Broadcast()
	}
	if s.started != nil {
		which := kickRead
		if x.write {
			which = kickWrite
		}
		o.kick(e.ptm, s.kicksLocked(which))
	}
	if x.write && s.queue != nil { // a blocked writer hides Out
		if e.ptm {
			o.m |= events
		} else {
			o.s |= events
		}
	}
}

// finish ends x with what it has, or with err when it has nothing.
func (x *op) finish(err error) bool {
	if x.n == 0 {
		x.err = err
	}
	return true
}

// enterLocked makes the checks that come before a read or write and takes the turn.
// It reports whether x is over, and whether it must wait for its turn.
func (e *end) enterLocked(x *op, o *owed) (done, waits bool) {
	p, s := e.p, e.sideLocked()
	switch {
	case e.closed:
		return x.finish(pts.EBADF), false
	case e.hungUpLocked() && x.write:
		return x.finish(pts.EIO), false
	case e.hungUpLocked():
		return true, false
	case x.write && !e.writable || !x.write && !e.readable:
		return x.finish(pts.EBADF), false
	case !e.ptm && p.ioError:
		return x.finish(pts.EIO), false
	case s.null:
		return x.finish(pts.EOPNOTSUPP), false
	}
	if !e.ptm && (!x.write || p.disc.Lflag()&termios.TOSTOP != 0) {
		sig := pts.SIGTTIN
		if x.write {
			sig = pts.SIGTTOU
		}
		if err := p.job.Check(process(x.caller), sig, &o.debts); err != nil {
			return x.finish(err), false
		}
	}
	turn := &s.reading
	if x.write {
		turn = &s.writing
	}
	if x.block && e.expired(x.write) {
		return x.finish(os.ErrDeadlineExceeded), false
	}
	if *turn {
		if !x.block {
			return x.finish(pts.EAGAIN), false
		}
		return false, true
	}
	*turn = x.block
	x.entered = true
	return false, false
}

// waitsLocked decides about an op that can go no further now: whether it is over, or
// waits.
func (e *end) waitsLocked(x *op) (done bool) {
	switch {
	case e.closed:
		return x.finish(pts.EBADF)
	case !x.block:
		return x.finish(pts.EAGAIN)
	case e.expired(x.write):
		return x.finish(os.ErrDeadlineExceeded)
	}
	return false
}

// process is what job control knows of a caller: nil when it knows nothing.
func process(c pts.Caller) job.Process {
	if c == nil {
		return nil
	}
	p, _ := c.(job.Process)
	return p
}

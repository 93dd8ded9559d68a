package pty

import (
	"os"
	"sync"
	"time"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/ldisc"
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
	entered bool // the checks are behind it, and the turn is its own

	// A noncanonical read's VMIN and VTIME, as they were when it began.
	minimum int
	between time.Duration // how long after the last byte it goes on; 0: for ever
	expires time.Time     // when it gives up; zero: never
	limited bool          // expires is meant, also when it is zero: give up at once
}

// run is the waiting loop, the only one. Each turn of it tries what can be done now; what is
// owed to others is delivered before it parks.
func (e *end) run(x *op) (int, error) {
	p := e.p
	var o owed
	p.mu.Lock()
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
		e.parkLocked(x)
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
		d := time.Until(x.expires)
		if s.timer == nil {
			s.timer = time.AfterFunc(d, func() { p.wakeReaders(s) })
		} else {
			s.timer.Reset(d)
		}
	}
	*parked++
	(*cond).Wait()
	*parked--
}

// wakeReaders has parked readers look at the time.
func (p *pair) wakeReaders(s *side) {
	p.mu.Lock()
	c := s.read
	p.mu.Unlock()
	c.Broadcast()
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

// enterLocked makes the checks that come before a read or write and takes the turn. It
// reports whether x is over, and whether it must wait for its turn.
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
	if !e.ptm && (!x.write || p.disc.Termios().Lflag&termios.TOSTOP != 0) {
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

func (e *end) stepReadLocked(x *op, o *owed) (done bool) {
	if !x.entered {
		if done, waits := e.enterLocked(x, o); done || waits {
			return done
		}
		if !e.ptm {
			e.timesLocked(x)
		}
	}
	if len(x.buf) == 0 {
		return true
	}
	if e.ptm {
		return e.stepReadPtmLocked(x, o)
	}
	return e.stepReadPtsLocked(x, o)
}

// stepReadPtmLocked reads as the ptm's own discipline does, which is raw and has VMIN 1.
func (e *end) stepReadPtmLocked(x *op, o *owed) (done bool) {
	p := e.p
	if p.packet && p.status != 0 {
		x.buf[0], x.n = p.status, 1
		p.status = 0
		return true
	}
	if p.out.Len() == 0 {
		switch {
		case p.leftPts:
			return x.finish(pts.EIO)
		case e.hungUpLocked():
			return true
		}
		return e.waitsLocked(x)
	}
	b := x.buf
	if p.packet {
		b[0], x.n = pts.TIOCPKT_DATA, 1
		b = b[1:]
	}
	n := p.out.Take(b[:min(len(b), ldisc.Size-1)])
	x.n += n
	if n > 0 {
		o.s |= wait.Out
	}
	return true
}

// timesLocked notes what VMIN and VTIME ask of a read that begins now.
func (e *end) timesLocked(x *op) {
	// The kernel reads in pieces of 64 bytes and counts VMIN in the first alone.
	const piece = 64
	t := e.p.disc.Termios()
	if t.Lflag&termios.ICANON != 0 {
		return
	}
	const tick = time.Second / 10
	x.minimum = int(t.Cc[termios.VMIN])
	limit := time.Duration(t.Cc[termios.VTIME]) * tick
	if x.minimum > 0 {
		x.between = limit
		if x.minimum > piece && len(x.buf) > piece {
			x.buf = x.buf[:piece]
		}
		return
	}
	x.minimum = 1
	x.limited = true
	if limit > 0 && x.block {
		x.expires = time.Now().Add(limit)
	} else if limit > 0 {
		x.limited = false // there is something to wait for: EAGAIN
	}
}

func (e *end) stepReadPtsLocked(x *op, o *owed) (done bool) {
	p := e.p
	for x.n < len(x.buf) {
		if !p.disc.Readable() {
			switch {
			case p.gone:
				return x.finish(pts.EIO)
			case e.hungUpLocked():
				return true
			case p.s.null:
				return x.finish(pts.EOPNOTSUPP)
			case x.limited && (x.expires.IsZero() || !time.Now().Before(x.expires)):
				return true
			}
			return e.waitsLocked(x)
		}
		lines := p.disc.Termios().Lflag&termios.ICANON != 0
		x.n += p.disc.Read(x.buf[x.n:])
		if p.back.Len() > 0 {
			n := p.out.Len()
			p.drainLocked(o)
			if p.out.Len() > n {
				o.m |= wait.In
			}
		}
		if lines || x.n >= x.minimum {
			break
		}
		if x.between > 0 && x.block {
			x.expires, x.limited = time.Now().Add(x.between), true
		}
	}
	return true
}

func (e *end) stepWriteLocked(x *op, o *owed) (done bool) {
	if !x.entered {
		if done, waits := e.enterLocked(x, o); done || waits {
			return done
		}
	}
	p := e.p
	if e.hungUpLocked() {
		return x.finish(pts.EIO)
	}
	before := p.out.Len()
	if e.ptm {
		x.n += p.typeLocked(x.buf[x.n:], o)
	} else if !p.s.null {
		x.n += p.disc.Write(x.buf[x.n:], &p.out)
	}
	if p.out.Len() > before {
		o.m |= wait.In
	}
	if x.n == len(x.buf) {
		return true
	}
	return e.waitsLocked(x)
}

// typeLocked takes what the ptm writes: into the discipline, and what that does not
// take now behind it.
func (p *pair) typeLocked(b []byte, o *owed) int {
	if p.mStopped {
		return 0
	}
	taken := 0
	for taken < len(b) {
		next := b[taken:min(len(b), taken+burst)]
		n := 0
		if p.back.Len() == 0 && !p.s.null {
			n = p.disc.Receive(next, &p.out, &o.fx)
		}
		if n < len(next) {
			rest := next[n:min(len(next), n+max(0, backLimit-p.back.Len()))]
			p.back.Put(rest)
			if !p.s.null {
				p.disc.Lookahead(rest, &p.out, &o.fx)
			}
			n += len(rest)
		}
		if n == 0 {
			break
		}
		taken += n
	}
	return taken
}

// process is what job control knows of a caller: nil when it knows nothing.
func process(c pts.Caller) job.Process {
	if c == nil {
		return nil
	}
	p, _ := c.(job.Process)
	return p
}

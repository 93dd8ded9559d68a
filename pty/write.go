package pty

import (
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// stepWriteLocked writes what can be written now, and tells whether that is all.
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
	p.catchUpLocked(o)
	before := p.out.Len()
	if e.ptm {
		x.n += p.typeLocked(x.buf[x.n:], o)
	} else if !p.s.null {
		done = e.writePtsLocked(x, o)
	}
	if p.out.Len() > before {
		o.m |= wait.In
	}
	if done || x.n == len(x.buf) {
		return true
	}
	return e.waitsLocked(x)
}

// writePtsLocked writes what there is room for. With TOSTOP each 2048 bytes are a write of
// their own: whoever came into the background meanwhile is stopped between them, and done.
func (e *end) writePtsLocked(x *op, o *owed) (done bool) {
	p := e.p
	if p.disc.Lflag()&termios.TOSTOP == 0 || process(x.caller) == nil {
		x.n += p.disc.Write(x.buf[x.n:], &p.out)
		return false
	}
	for x.n < len(x.buf) {
		next := x.buf[x.n:min(len(x.buf), x.n+burst-x.n%burst)]
		n := p.disc.Write(next, &p.out)
		if x.n += n; n < len(next) {
			return false
		}
		if x.n < len(x.buf) && p.job.Check(process(x.caller), pts.SIGTTOU, &o.debts) != nil {
			return true
		}
	}
	return false
}

// typeLocked takes what the ptm writes: into the discipline, and what that does not
// take now behind it.
func (p *pair) typeLocked(b []byte, o *owed) int {
	if p.mStopped {
		return 0
	}
	taken := 0
	if p.held && !p.noDisc {
		taken = p.releaseLocked(b, o)
	}
	for taken < len(b) {
		next := b[taken:min(len(b), taken+burst)]
		n := 0
		if p.back.Len() == 0 && !p.s.null && !p.held {
			n = p.disc.Receive(next, &p.out, &o.fx)
		}
		if n < len(next) {
			rest := next[n:min(len(next), n+max(0, backLimit-p.back.Len()))]
			first := p.back.Len() == 0
			p.back.Put(rest)
			p.plain = (first || p.plain) && p.disc.Plain(rest)
			switch {
			case p.s.null || p.noDisc:
			case p.plain:
				p.disc.LookPast(len(rest))
			default:
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

// releaseLocked has b move what was held, one burst with it, and tells how much of b it took.
func (p *pair) releaseLocked(b []byte, o *owed) int {
	p.held = false
	if p.back.Len() == 0 {
		return 0
	}
	b = b[:min(len(b), max(0, backLimit-p.back.Len()))]
	p.back.Put(b)
	p.plain = false
	p.drainLocked(o)
	if left := min(len(b), p.back.Len()); left > 0 && !p.s.null {
		p.disc.Lookahead(b[len(b)-left:], &p.out, &o.fx)
	}
	return len(b)
}

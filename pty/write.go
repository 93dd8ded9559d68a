package pty

import (
	"github.com/ptsns/ptsns/pts"
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
			first := p.back.Len() == 0
			p.back.Put(rest)
			p.plain = (first || p.plain) && p.disc.Plain(rest)
			switch {
			case p.s.null:
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

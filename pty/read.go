package pty

import (
	"time"

	"github.com/ptsns/ptsns/ldisc"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// stepReadLocked reads what can be read now, and tells whether that is all.
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

// stepReadPtmLocked reads as the ptm's own discipline does, which is raw and has VMIN
// 1.
func (e *end) stepReadPtmLocked(x *op, o *owed) (done bool) {
	p := e.p
	p.catchUpLocked(o)
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
	if e.p.disc.Lflag()&termios.ICANON != 0 {
		return
	}
	const tick = time.Second / 10
	vmin, vtime := e.p.disc.Times()
	x.minimum = int(vmin)
	limit := time.Duration(vtime) * tick
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
			p.catchUpLocked(o)
		}
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
		lines := p.disc.Lflag()&termios.ICANON != 0
		x.n += p.disc.Read(x.buf[x.n:])
		if p.back.Len() > 0 && !p.canWaitLocked() {
			p.catchUpLocked(o)
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

// readAny is any read by c, to whom an end of file is 0 bytes. It releases the lock.
func (e *end) readAny(b []byte, c pts.Caller, block bool) (int, error) {
	x := op{buf: b, caller: c, block: block}
	return e.runLocked(&x)
}

// hasLineLocked tells whether a read by c would find a line, and nothing in its way: no other
// reader, no job control, no deadline.
func (e *end) hasLineLocked(c pts.Caller) bool {
	p := e.p
	return p.disc.HasLine() && !e.ptm && !e.closed && e.times == nil && e.readable &&
		!e.hungUpLocked() && !p.s.null && !p.s.reading && p.s.readers == 0 && !p.ioError &&
		(c == nil || !p.controls(c))
}

// controls tells whether job control has a say in what c does.
func (p *pair) controls(c pts.Caller) bool {
	j := process(c)
	return j != nil && j.Terminal() == &p.job
}

// readLine is a read after hasLineLocked: most of those of a program that reads lines, which need
// nothing of what others may need. It releases the lock.
func (e *end) readLine(b []byte) int {
	p := e.p
	n := p.disc.Read(b)
	if p.back.Len() > 0 && !p.canWaitLocked() {
		var o owed
		p.catchUpLocked(&o)
		p.unlock(&o)
	} else {
		p.mu.Unlock()
	}
	return n
}

package pty

import (
	"github.com/ptsns/ptsns/ldisc"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// When SetTermios acts. A pair's output counts as sent, so draining waits for
// nothing.
const (
	TCSANOW   = 0
	TCSADRAIN = 1
	TCSAFLUSH = 2 // and drops input that was not read
)

// Numbers of line disciplines.
const (
	N_TTY  = 0
	N_NULL = 27
)

// Arguments of TCFLSH and TCXONC.
const (
	TCIFLUSH  = 0
	TCOFLUSH  = 1
	TCIOFLUSH = 2

	TCOOFF = 0
	TCOON  = 1
	TCIOFF = 2
	TCION  = 3
)

func (r *request) getTermios(f termios.Form) error {
	t := r.p.disc.Termios()
	f.Put(r.arg, &t)
	return nil
}

func (r *request) setTermios(f termios.Form, when int) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.bad {
		return pts.EFAULT
	}
	t := r.p.disc.Termios()
	f.Take(r.arg, &t)
	r.p.setTermiosLocked(t, when, &r.o)
	return nil
}

func (p *pair) setTermiosLocked(t termios.Termios, when int, o *owed) {
	away := p.s.null || p.noDisc
	if when == TCSAFLUSH && !away {
		p.disc.FlushInput(&o.fx)
		p.drainLocked(o)
	}
	var locked termios.Termios
	if p.locked != nil {
		locked = *p.locked
	}
	p.plain = false
	p.disc.SetTermios(p.disc.Termios().Change(t, locked), away, &p.out, &o.fx)
	p.drainLocked(o)
}

func (r *request) getLocked() error {
	var t termios.Termios
	if r.p.locked != nil {
		t = *r.p.locked
	}
	termios.Struct.Put(r.arg, &t)
	return nil
}

func (r *request) setLocked() error {
	if err := r.admin(); err != nil {
		return err
	}
	if r.bad {
		return pts.EFAULT
	}
	var t termios.Termios
	termios.Struct.Take(r.arg, &t)
	r.p.locked = nil
	if t != (termios.Termios{}) {
		r.p.locked = &t
	}
	return nil
}

// setSoftCarrier is TIOCSSOFTCAR, which no lock on settings hinders.
func (r *request) setSoftCarrier() error {
	t := r.p.disc.Termios()
	t.Cflag &^= termios.CLOCAL
	if r.int() != 0 {
		t.Cflag |= termios.CLOCAL
	}
	r.p.disc.SetTermios(t, true, &r.p.out, &r.o.fx)
	return nil
}

// pending is FIONREAD. A read buffer shows no more than it holds.
func (r *request) pending() error {
	if r.e.ptm {
		return r.putInt(min(r.p.out.Len(), ldisc.Size-1))
	}
	return r.putInt(r.p.disc.Pending())
}

// flush is TCFLSH. What waits behind the discipline goes before job control is asked.
func (r *request) flush() error {
	p, queues := r.p, r.value()
	in, out := queues == TCIFLUSH || queues == TCIOFLUSH, queues == TCOFLUSH || queues == TCIOFLUSH
	r.flushBehind()
	if r.e.ptm {
		if out {
			p.back.Keep(0)
			r.o.m |= wait.Out
		}
	} else {
		if err := r.check(); err != nil {
			return err
		}
		if in {
			p.disc.FlushInput(&r.o.fx)
		}
		if out {
			p.disc.FlushOutput(&p.out, &r.o.fx)
		}
	}
	if !in && !out {
		return pts.EINVAL
	}
	return nil
}

// flushBehind drops the input that the end's discipline has not taken yet; the ptm's takes
// everything at once, and it goes with what it has.
func (r *request) flushBehind() {
	p, queues := r.p, r.value()
	switch {
	case queues != TCIFLUSH && queues != TCIOFLUSH:
	case r.e.ptm:
		p.out.Keep(0)
		r.o.s |= wait.Out
	default:
		p.back.Keep(0)
		r.o.m |= wait.Out
	}
}

func (r *request) flow() error {
	if err := r.checkOwn(); err != nil {
		return err
	}
	p, action := r.p, r.value()
	cc := p.disc.Termios().Cc
	own := cc
	if r.e.ptm {
		own = termios.Raw().Cc
	}
	switch action {
	case TCOOFF, TCOON:
		if !r.e.ptm {
			p.disc.Flow(action == TCOON, &r.o.fx)
			return nil
		}
		p.mStopped = action == TCOOFF
		r.o.m |= outAgain
	case TCIOFF:
		r.transmit(own[termios.VSTOP])
	case TCION:
		r.transmit(own[termios.VSTART])
	default:
		return pts.EINVAL
	}
	return nil
}

// transmit sends a flow control character to the peer; 0 is none.
func (r *request) transmit(c byte) {
	switch {
	case c == 0:
	case r.e.ptm:
		r.p.typeLocked([]byte{c}, &r.o)
	default:
		r.p.disc.Transmit(c, &r.p.out, &r.o.fx)
	}
}

// insert is TIOCSTI: a byte as if it had been typed, at the ptm as if it had been
// written.
func (r *request) insert() error {
	p := r.p
	if !privileged(r.c) && (r.e.ptm || r.job == nil || r.job.Terminal() != &p.job) {
		return pts.EPERM
	}
	if r.bad {
		return pts.EFAULT
	}
	switch {
	case r.side().null:
	case r.e.ptm:
		if p.out.Len() < ldisc.Size-1 {
			p.out.PutByte(r.arg[0])
		}
	default:
		p.disc.Insert(r.arg[0], &p.out, &r.o.fx)
		p.held = false // and what waits comes after it
		p.drainLocked(&r.o)
	}
	return nil
}

func (r *request) getDisc() error {
	if r.side().null {
		return r.putInt(N_NULL)
	}
	return r.putInt(N_TTY)
}

func (r *request) setDisc() error {
	if err := r.checkOwn(); err != nil {
		return err
	}
	if r.bad {
		return pts.EFAULT
	}
	n := r.int()
	if n != N_TTY && n != N_NULL {
		return pts.EINVAL
	}
	s := r.side()
	*r.e.discsLocked()++
	r.e.wakeLocked(false, &r.o)
	r.e.wakeLocked(true, &r.o)
	p := r.p
	if !r.e.ptm {
		p.held = false
	}
	if s.null == (n == N_NULL) {
		p.drainLocked(&r.o)
		return nil
	}
	s.null = n == N_NULL
	r.o.m |= wait.In | outAgain
	r.o.s |= wait.In | outAgain
	if r.e.ptm {
		p.out.Keep(0)
		return nil
	}
	if s.null { // it is N_TTY that reports what its end drops
		p.disc.FlushInput(&r.o.fx)
	}
	t := p.disc.Termios()
	t.Line = uint8(n)
	p.disc.Reset(t)
	p.drainLocked(&r.o)
	return nil
}

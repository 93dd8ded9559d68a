package pty

import (
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

const ptsMajor = 136 // of the kernel's device numbers

func (r *request) getIndex() error { return r.putInt(r.p.config.Index) }

func (r *request) getDevice() error {
	n := r.p.config.Index
	return r.putInt(n&0xff | ptsMajor<<8 | n&^0xff<<12)
}

func (r *request) setLock() error {
	r.p.lock = r.int() != 0
	return nil
}

func (r *request) setPacket() error {
	on := r.int() != 0
	if on && !r.p.packet {
		r.p.status = 0
	}
	r.p.packet = on
	return nil
}

func (r *request) signal() error {
	switch s := pts.Signal(int32(r.value())); s {
	case pts.SIGINT, pts.SIGQUIT, pts.SIGTSTP:
		r.p.signalLocked(s, &r.o)
		return nil
	}
	return pts.EINVAL
}

func (r *request) peer() error {
	if r.e.ptm {
		return pts.ENOTTY
	}
	return pts.EIO
}

func (r *request) setSize() error {
	var size termios.Winsize
	size.Take(r.arg)
	r.p.setSizeLocked(size, &r.o)
	return nil
}

func (p *pair) setSizeLocked(size termios.Winsize, o *owed) {
	if size == p.size {
		return
	}
	p.size = size
	p.signalLocked(pts.SIGWINCH, o)
}

func (r *request) giveUp() error {
	if r.e.ptm {
		return pts.ENOTTY
	}
	return r.p.job.GiveUp(r.job, &r.o.debts)
}

func (r *request) getSession() error {
	sid, err := r.p.job.SessionID(r.job, r.e.ptm)
	if err != nil {
		return err
	}
	return r.putInt(sid)
}

func (r *request) getForeground() error {
	group, err := r.p.job.Foreground(r.job, r.e.ptm)
	if err != nil {
		return err
	}
	return r.putInt(group)
}

func (r *request) setForeground() error {
	if r.bad {
		if err := r.p.job.MayChange(r.job, &r.o.debts); err != nil {
			return err
		}
		return pts.EFAULT
	}
	return r.p.job.SetForeground(r.job, r.int(), &r.o.debts)
}

// console is TIOCCONS. There is no console here to be had.
func (r *request) console() error {
	if r.e.ptm {
		return pts.EINVAL
	}
	if err := r.admin(); err != nil {
		return err
	}
	if !r.e.writable {
		return pts.EBADF
	}
	return pts.EBUSY
}

func (r *request) hangup() error {
	if err := r.admin(); err != nil {
		return err
	}
	if r.e.ptm {
		r.p.hangupPtmLocked(&r.o)
	} else {
		r.p.hangupPtsLocked(&r.o)
	}
	return nil
}

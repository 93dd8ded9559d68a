package devpts

import (
	"sync/atomic"

	"github.com/ptsns/ptsns/pts"
)

// end is an end of package pty that keeps the node's times and holds the instance.
type end struct {
	pts.Starter
	t      *terminal
	m      *Mount // through which it was opened, or nil
	ptm    bool
	times  bool  // the node that was opened is ours, and so are its times
	access uint8 // O_RDONLY ...
	closed atomic.Bool
}

func (e *end) Read(p []byte) (int, error) {
	if e.access == oWronly {
		return 0, pts.EBADF
	}
	n, err := e.Starter.Read(p)
	if n > 0 {
		e.touch(false)
	}
	return n, err
}

func (e *end) Write(p []byte) (int, error) {
	if e.access == oRdonly {
		return 0, pts.EBADF
	}
	n, err := e.Starter.Write(p)
	if n > 0 {
		e.touch(true)
	}
	return n, err
}

// touch sets the node's mtime or atime to this second, where it is in another eight
// seconds than that time (tty_update_time: it does not tell when keys are typed).
func (e *end) touch(written bool) {
	if !e.times {
		return
	}
	n := &e.t.inode
	if e.ptm {
		n = e.t.i.ptmx
	}
	at := &n.atime
	if written {
		at = &n.mtime
	}
	const second = 1e9
	now := e.t.i.system.now().Unix()
	if old := at.Load() / second; (now^old)&^7 != 0 {
		at.Store(now * second)
	}
}

func (e *end) Ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	n, err := e.Starter.Ioctl(c, req, arg)
	if req == pts.TIOCSCTTY && err == nil {
		e.t.controls()
	}
	return n, err
}

// Close gives the end up. That of the ptm takes the terminal's name away first, as
// Linux does.
func (e *end) Close() error {
	if e.closed.Swap(true) {
		return pts.EBADF
	}
	if e.ptm {
		e.t.unlink()
		e.t.forget()
	}
	err := e.Starter.Close()
	e.t.i.drop(e.m)
	return err
}

func (e *end) StartRead(c pts.Caller, p []byte, done func(n int, err error)) pts.Pending {
	if e.access == oWronly {
		done(0, pts.EBADF)
		return pts.Over{}
	}
	return e.Starter.StartRead(c, p, func(n int, err error) {
		if n > 0 {
			e.touch(false)
		}
		done(n, err)
	})
}

func (e *end) StartWrite(c pts.Caller, p []byte, done func(n int, err error)) pts.Pending {
	if e.access == oRdonly {
		done(0, pts.EBADF)
		return pts.Over{}
	}
	return e.Starter.StartWrite(c, p, func(n int, err error) {
		if n > 0 {
			e.touch(true)
		}
		done(n, err)
	})
}

// Opened is what is known of an end of this package.
type Opened struct {
	Instance *Instance
	Mount    *Mount // through which it was opened; nil: through none
	Index    int
	PTM      bool
}

// Describe tells what e is, and false when it is not of this package.
func Describe(e pts.End) (Opened, bool) {
	x, ok := e.(*end)
	if !ok {
		return Opened{}, false
	}
	return Opened{Instance: x.t.i, Mount: x.m, Index: int(x.t.index), PTM: x.ptm}, true
}

// Peer is TIOCGPTPEER once the mount is known through which the pts is to be reached: it
// opens the pts of a ptm with the flags of open(2), whatever the permission bits. A nil
// mount is the ptm's own. EIO: e is a pts, or locked; ENOTTY: it is not of this package.
func Peer(e pts.End, via *Mount, c pts.Caller, flags int) (pts.End, error) {
	x, ok := e.(*end)
	switch {
	case !ok:
		return nil, pts.ENOTTY
	case x.closed.Load():
		return nil, pts.EBADF
	case !x.ptm:
		return nil, pts.EIO
	}
	if via == nil {
		via = x.m
	}
	return x.t.open(via, c, flags)
}

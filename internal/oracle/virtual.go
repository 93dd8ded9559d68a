package oracle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

// Virtual is the driver of package pty. It plays the kernel for its processes: it
// restarts calls, stops and continues, and opens what has a name. Conversations that fork need Bubble.
type Virtual struct {
	// Bubble waits until all calls wait: synctest.Wait, in a test's bubble, or Parked. nil
	// where no process but the observer is used.
	Bubble func()

	table *job.Table
	self  *virtualProc
	procs map[*job.Proc]*virtualProc
	ptm   *virtualEnd                   // whose pts has the name
	ttys  map[*job.Terminal]*virtualEnd // whose controlling terminal is which ptm's
	all   []*virtualEnd
}

// virtualEnd is an open file description.
type virtualEnd struct {
	ptm      *pty.PTM
	pts      *pty.PTS // nil: it is the ptm
	nonblock bool
	flags    int
	users    int // processes that have it
}

// NewVirtual makes the driver.
func NewVirtual() *Virtual {
	v := &Virtual{}
	v.Reset()
	return v
}

// Self is the observer: a nil Caller.
func (v *Virtual) Self() Proc { return v.self }

// Settle waits for processes; bytes have arrived when they are written.
func (v *Virtual) Settle() {
	if v.Bubble != nil && len(v.procs) > 1 {
		v.Bubble()
	}
}

// Drained has nothing to wait for.
func (v *Virtual) Drained() {}

// Sleep lets the bubble's time pass.
func (v *Virtual) Sleep(d time.Duration) {
	if v.Bubble != nil {
		<-time.After(d)
	}
}

// Reset closes all ends, which ends every call, and forgets the processes.
func (v *Virtual) Reset() {
	for _, p := range v.procs {
		p.mu.Lock()
		p.gone = true
		p.cond.Broadcast()
		p.mu.Unlock()
	}
	for _, e := range v.all {
		_ = e.close() // those that are closed already
	}
	v.Settle()
	v.all, v.ptm = nil, nil
	v.procs, v.ttys = make(map[*job.Proc]*virtualProc), make(map[*job.Terminal]*virtualEnd)
	v.table = job.NewTable(v.event)
	v.table.Start(nil, 0, 0) // the first process, which is not of the conversation
	v.self = v.newProc(v.table.Start(nil, 0, 0))
	v.self.observer = true
}

func (e *virtualEnd) close() error {
	if e.pts != nil {
		return e.pts.Close()
	}
	return e.ptm.Close()
}

// end is what does not block, acting for c.
func (e *virtualEnd) end(c pts.Caller) pts.End {
	if e.pts != nil {
		return e.pts.End(c)
	}
	return e.ptm.End(c)
}

// blocking is what blocks.
func (e *virtualEnd) blocking() interface {
	io.ReadWriter
	SetDeadline(time.Time) error
} {
	if e.pts != nil {
		return e.pts
	}
	return e.ptm
}

// interrupted is no errno: a call that was cut short so that its process may stop or run a handler.
const interrupted = -1

// errnoOf is Linux's number of what package pty returned.
func errnoOf(err error) int {
	var e pts.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return int(e)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return interrupted
	case errors.Is(err, os.ErrClosed):
		return int(pts.EBADF)
	}
	return int(pts.EINVAL)
}

// call makes one call for p, which may block.
func (v *Virtual) call(p *virtualProc, op Op) Result {
	switch op.Call {
	case Open, Peer:
		return v.open(p, op)
	}
	e, ok := p.ends[op.End]
	if !ok {
		return Result{Errno: int(pts.EBADF)}
	}
	switch op.Call {
	case Close:
		delete(p.ends, op.End)
		if e.users--; e.users > 0 {
			return Result{}
		}
		return Result{Errno: errnoOf(e.close())}
	case Poll:
		return Result{Events: e.end(p.as()).Poll()}
	case Ioctl:
		return v.ioctl(p, e, op)
	case Read:
		b := make([]byte, op.N)
		var rw io.ReadWriter = e.end(p.as())
		if !e.nonblock {
			rw = e.blocking()
		}
		n, err := rw.Read(b)
		if err == io.EOF {
			err = nil
		}
		if n > 0 {
			err = nil // the error comes again
		}
		return Result{Errno: errnoOf(err), N: n, Data: b[:n]}
	case Write:
		var rw io.ReadWriter = e.end(p.as())
		if !e.nonblock {
			rw = e.blocking()
		}
		n, err := rw.Write(op.Data)
		if n > 0 {
			err = nil
		}
		return Result{Errno: errnoOf(err), N: n}
	}
	return Result{Errno: int(pts.EINVAL)}
}

func (v *Virtual) ioctl(p *virtualProc, e *virtualEnd, op Op) Result {
	arg := append([]byte(nil), op.Data...)
	switch {
	case op.BadPtr:
		arg = nil
	case op.Data == nil:
		arg = binary.LittleEndian.AppendUint64(nil, uint64(op.Value))
	}
	n, err := e.end(p.as()).Ioctl(p.as(), op.Req, arg)
	v.noteTerminal(p, e)
	if op.Data == nil {
		arg = nil
	}
	return Result{Errno: errnoOf(err), N: n, Data: arg}
}

// noteTerminal remembers which ptm p's controlling terminal belongs to, for /dev/tty.
func (v *Virtual) noteTerminal(p *virtualProc, e *virtualEnd) {
	if t := p.Terminal(); t != nil && v.ttys[t] == nil {
		v.ttys[t] = &virtualEnd{ptm: e.ptm}
	}
}

func (v *Virtual) open(p *virtualProc, op Op) Result {
	flags := pty.O_RDWR
	switch {
	case op.Flags&ReadOnly != 0:
		flags = pty.O_RDONLY
	case op.Flags&WriteOnly != 0:
		flags = pty.O_WRONLY
	}
	if op.Flags&NoCtty != 0 {
		flags |= pty.O_NOCTTY
	}
	e := &virtualEnd{flags: flags, nonblock: op.Flags&NonBlock != 0, users: 1}
	var from *virtualEnd
	switch {
	case op.Call == Peer:
		from = p.ends[op.End]
		if from == nil {
			return Result{Errno: int(pts.EBADF)}
		}
	case op.End == "ptm":
		e.ptm = pty.New(p.as(), pty.Config{})
		v.ptm = e
		p.put(op.As, e)
		return Result{}
	case op.End == "tty":
		t := p.Terminal()
		if t == nil {
			return Result{Errno: int(pts.ENXIO)}
		}
		from = v.ttys[t]
		e.flags |= pty.O_NOCTTY
	default:
		if from = v.ptm; from == nil || from.users == 0 {
			return Result{Errno: int(pts.ENOENT)}
		}
		if p.uid != 0 {
			return Result{Errno: int(pts.EACCES)} // the node is the observer's, mode 0600
		}
	}
	e.ptm = from.ptm
	s, err := from.ptm.OpenPTS(p.as(), e.flags)
	if err != nil {
		return Result{Errno: errnoOf(err)}
	}
	e.pts = s
	p.put(op.As, e)
	v.noteTerminal(p, e)
	return Result{}
}

// inherit gives a child what its parent has. A pts is opened again, for the end knows for whom
// it acts; that is the same for all that conversations can see.
func (v *Virtual) inherit(child *virtualProc, name string, e *virtualEnd) error {
	if e == nil {
		return fmt.Errorf("there is no end %q", name)
	}
	if e.pts == nil {
		e.users++
		child.ends[name] = e
		return nil
	}
	s, err := e.ptm.OpenPTS(child.as(), e.flags|pty.O_NOCTTY)
	if err != nil {
		return err
	}
	child.put(name, &virtualEnd{ptm: e.ptm, pts: s, nonblock: e.nonblock, flags: e.flags, users: 1})
	return nil
}

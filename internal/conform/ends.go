package conform

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/internal/oracle"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// Flags of open(2), by Linux's values.
const (
	oRdonly = 0x0
	oWronly = 0x1
	oRdwr   = 0x2
	oNoctty = 0x100
)

// ends are the open ends of one instance by the names that a case gives them. It is an
// oracle.Driver whose only process is this one, and the oracle.Ends of its Settler.
type ends struct {
	i       pts.Instance // nil before the first mount
	open    map[string]pts.End
	index   int // of the last ptm
	watches map[string]*watch
	settler *oracle.Settler // nil: nothing is ever under way
}

func newEnds(worker bool) *ends {
	e := &ends{open: make(map[string]pts.End), watches: make(map[string]*watch)}
	if worker {
		e.settler = oracle.NewSettler(e)
	}
	return e
}

// put names an end that was opened.
func (e *ends) put(name string, end pts.End) {
	if old := e.open[name]; old != nil {
		_ = old.Close() // nobody can name it any more
	}
	e.open[name] = end
}

// Reset closes all ends.
func (e *ends) Reset() {
	for name, end := range e.open {
		e.unwatch(name)
		_ = end.Close() // nobody asks what became of it
	}
	clear(e.open)
	if e.settler != nil {
		e.settler.Reset()
	}
}

// Self is this process.
func (e *ends) Self() oracle.Proc { return self{e} }

// Settle returns when what was written has arrived.
func (e *ends) Settle() {
	if e.settler != nil {
		e.settler.Settle()
	}
}

// Drained tells that an end had nothing more.
func (e *ends) Drained() {
	if e.settler != nil {
		e.settler.Drained()
	}
}

// Sleep is not needed by what Fits.
func (e *ends) Sleep(time.Duration) { panic("a case must not depend on time") }

// Named, Any and Others tell a Settler what there is.
func (e *ends) Named(name string) oracle.Asked {
	if end := e.open[name]; end != nil {
		return end
	}
	return nil
}

// Any tells whether ends are open.
func (e *ends) Any() bool { return len(e.open) > 0 }

// Others is nobody.
func (e *ends) Others() bool { return false }

// self is the process that asks.
type self struct{ *ends }

func (s self) PID() int              { return os.Getpid() }
func (s self) Result() oracle.Result { return oracle.Result{} }
func (s self) Fork([]string) (oracle.Proc, error) {
	return nil, errors.New("there are no other processes")
}

// Do makes a call.
func (s self) Do(op oracle.Op) oracle.Result {
	if s.settler != nil {
		s.settler.Before(op)
	}
	if op.Call == oracle.Open || op.Call == oracle.Peer {
		return oracle.Result{Errno: number(s.openEnd(op))}
	}
	end := s.open[op.End]
	if end == nil {
		return oracle.Result{Errno: int(pts.EBADF)}
	}
	switch op.Call {
	case oracle.Close:
		s.unwatch(op.End)
		delete(s.open, op.End)
		return oracle.Result{Errno: number(end.Close())}
	case oracle.Read:
		b := make([]byte, op.N)
		n, err := end.Read(b)
		return oracle.Result{Errno: number(err), N: n, Data: b[:n]}
	case oracle.Write:
		n, err := end.Write(op.Data)
		return oracle.Result{Errno: number(err), N: n}
	case oracle.Poll:
		return oracle.Result{Events: end.Poll()}
	case oracle.Ioctl:
		arg := append([]byte(nil), op.Data...)
		switch {
		case op.BadPtr:
			arg = nil
		case op.Data == nil:
			arg = binary.LittleEndian.AppendUint64(nil, uint64(op.Value))
		}
		n, err := end.Ioctl(nil, op.Req, arg)
		return oracle.Result{Errno: number(err), N: n, Data: arg}
	}
	return oracle.Result{Errno: int(pts.ENOSYS)}
}

// openEnd opens a ptm or the pts of the last one. TIOCGPTPEER is opening by name, as
// in a libc that finds no TIOCGPTPEER: pts.End has no way to hand an end out.
func (s self) openEnd(op oracle.Op) error {
	flags := oRdwr | oNoctty
	switch {
	case op.Flags&oracle.ReadOnly != 0:
		flags = oRdonly | oNoctty
	case op.Flags&oracle.WriteOnly != 0:
		flags = oWronly | oNoctty
	}
	var end pts.End
	var err error
	switch {
	case op.Call == oracle.Open && op.End == "ptm":
		end, s.ends.index, err = s.i.OpenPtmx(nil, flags)
	case op.Call == oracle.Open && op.End == "tty":
		err = pts.ENXIO
	default:
		end, err = s.i.OpenPts(nil, s.index, flags)
	}
	if err == nil {
		s.put(op.As, end)
	}
	return err
}

// number is Linux's number of an error, 0 for none and EINVAL for one that has none.
func number(err error) int {
	var ours pts.Errno
	var theirs syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ours):
		return int(ours)
	case errors.As(err, &theirs):
		return int(theirs)
	}
	return -1
}

// watch waits for an end's readiness.
type watch struct {
	mask  wait.Events
	woken chan struct{}
	stop  func()
}

func (e *ends) watch(name string, mask wait.Events) {
	e.unwatch(name)
	w := &watch{mask: mask, woken: make(chan struct{}, 1)}
	w.stop = e.open[name].Notify(mask, func(wait.Events) {
		select {
		case w.woken <- struct{}{}:
		default:
		}
	})
	e.watches[name] = w
}

func (e *ends) unwatch(name string) {
	if w := e.watches[name]; w != nil {
		w.stop()
		delete(e.watches, name)
	}
}

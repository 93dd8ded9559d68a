package oracle

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// Settler waits for what is written to a kernel terminal to have crossed a worker, as it
// does before the other side has it.
//
// Poll of an end that has nothing to read waits for that worker, and so does a read that
// finds nothing. An end that became readable by the last step may have a worker still at
// it, but FIONREAD waits for one that is running, and one write of up to oneBuffer bytes is
// one run. What remains is an end that was readable before: of its worker nothing can be
// known, and then the picture has to stay as it is for a while (quiet). Echo reaches the
// ptm in several runs, so a ptm that is readable is never known to be complete; only steps
// that could tell the difference wait for quiet.
//
// It belongs to one goroutine.
type Settler struct {
	// Looks is for how many milliseconds what is there has to stay as it is, where
	// nothing else tells whether all has arrived. Who repeats what differs needs fewer.
	Looks int

	ends     Ends
	patience int
	settling
}

// Ends are what a Settler looks at.
type Ends interface {
	// Named is the open end of that name, nil when there is none.
	Named(name string) Asked
	// Any tells whether any end is open.
	Any() bool
	// Others tells whether other processes use ends too.
	Others() bool
}

// Asked is an end that is open, as pts.End is one.
type Asked interface {
	Poll() wait.Events
	Ioctl(c pts.Caller, req uint32, arg []byte) (int, error)
}

// NewSettler makes one for ends.
func NewSettler(ends Ends) *Settler { return &Settler{Looks: 4, ends: ends, patience: 1} }

// Patience makes it look so many times as long, for who has seen a difference: a machine
// that has other things to do may let the worker wait.
func (s *Settler) Patience(times int) { s.patience = times }

// Reset forgets all: every end is closed.
func (s *Settler) Reset() { s.settling = settling{} }

// settling is what is known of what is under way.
type settling struct {
	readable   bool // the pts was, before the last step
	typed      int  // bytes written to the ptm: what is more than a queue may wait behind it
	chunk      int  // bytes of the last step's write
	unsettled  bool // more may be under way to the ptm
	discipline bool // N_TTY was left: nothing else waits for the worker
	moving     bool // the last step may have set something moving
}

// nearlyFull is a queue that may have no room for the next write.
const nearlyFull = 3000

const tcxonc = 0x540a

// oneBuffer is what surely goes into one of the kernel's buffers.
const oneBuffer = 1500

// Before notes how things stood, and waits where op would show how much has arrived at the ptm.
func (s *Settler) Before(op Op) {
	onPTM := strings.HasPrefix(op.End, "ptm")
	s.chunk, s.moving = 0, true
	switch op.Call {
	case Poll:
		s.moving = false
		return
	case Write:
		s.chunk = len(op.Data)
		if onPTM {
			s.typed += len(op.Data)
		}
	case Read:
		if onPTM && op.N < takeSize && s.unsettled {
			s.quiet()
		}
		s.moving = !onPTM
		if onPTM {
			return
		}
	case Ioctl:
		switch op.Req {
		case pts.TIOCSETD:
			s.discipline = true
		case pts.TIOCSTI, tcxonc:
			s.chunk = 1 // they write one
		}
		if s.unsettled && s.showsPTM(op, onPTM) {
			s.quiet()
		}
	case Close:
		if s.unsettled {
			s.quiet()
		}
	}
	if end := s.ends.Named("pts"); end != nil {
		s.readable = end.Poll()&(wait.In|wait.Err) != 0
	}
}

// showsPTM tells whether a request's effect depends on what the ptm has already.
func (s *Settler) showsPTM(op Op, onPTM bool) bool {
	switch op.Req {
	case 0x802c542a, pts.TIOCSTI, pts.TIOCGWINSZ, pts.TIOCSWINSZ, 0x80045438:
		return false
	case pts.TCSETS, 0x5403:
		return false
	case 0x541b:
		return onPTM
	}
	return true
}

// Settle returns when what the last step set moving has arrived at the pts, and all that
// it made there is on its way to the ptm.
func (s *Settler) Settle() {
	if !s.moving || !s.ends.Any() {
		return
	}
	ptm, end := s.ends.Named("ptm"), s.ends.Named("pts")
	if ptm == nil && !s.ends.Others() {
		return
	}
	if end == nil || s.discipline || s.ends.Others() || s.chunk > oneBuffer {
		s.quiet()
		if end == nil {
			return
		}
		if n, err := askInt(end, pts.TIOCGETD); err == nil && n == 0 {
			s.discipline = false
		}
		return
	}
	e := end.Poll()
	switch {
	case e&(wait.Hup|wait.Err) != 0 && s.chunk == 0:
		return
	case e&(wait.Hup|wait.Err) != 0:
		s.quiet()
		return
	case e&wait.In == 0:
	case s.readable && (s.chunk > 0 || s.typed > nearlyFull):
		s.quiet()
		return
	default:
		_, _ = askInt(end, pts.FIONREAD) // only waits
	}
	s.unsettled = true
	if ptm != nil && ptm.Poll()&(wait.In|wait.Err) == 0 {
		s.unsettled = false
	}
}

// Drained lets the worker finish, between reads of an end that had nothing more.
func (s *Settler) Drained() {
	for _, name := range []string{"pts", "ptm"} {
		if end := s.ends.Named(name); end != nil {
			_ = end.Poll() // only waits
		}
	}
}

// quiet waits until the picture has not changed for a while.
func (s *Settler) quiet() {
	last, looks := s.picture(), s.Looks
	if s.typed > nearlyFull {
		looks *= 3 // the worker has more to do
	}
	looks *= s.patience
	for same := 0; same < looks; {
		<-time.After(time.Millisecond)
		if now := s.picture(); now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
	s.unsettled = false
}

// picture is what can be seen of the pair without changing it.
func (s *Settler) picture() string {
	var b strings.Builder
	for _, name := range []string{"pts", "pts2", "ptm"} {
		if end := s.ends.Named(name); end != nil {
			e := end.Poll()
			n, err := askInt(end, pts.FIONREAD) // waits for a worker that is at it
			fmt.Fprintln(&b, e, n, err)
		}
	}
	return b.String()
}

// askInt asks for an int.
func askInt(end Asked, req uint32) (int, error) {
	arg := make([]byte, 4)
	_, err := end.Ioctl(nil, req, arg)
	return int(int32(binary.LittleEndian.Uint32(arg))), err
}

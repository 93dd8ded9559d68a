package oracle

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// What is written to a kernel terminal crosses a worker before the other side has it.
//
// Poll of an end that has nothing to read waits for that worker, and so does a read that
// finds nothing. An end that became readable by the last step may have a worker still at
// it, but FIONREAD waits for one that is running, and one write of up to oneBuffer bytes is
// one run. What remains is an end that was readable before: of its worker nothing can be
// known, and then the picture has to stay as it is for a while (quiet). Echo reaches the
// ptm in several runs, so a ptm that is readable is never known to be complete; only steps
// that could tell the difference wait for quiet.
type settler struct {
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

// before notes how things stood, and waits where op would show how much has arrived at the ptm.
func (k *Kernel) before(op Op) {
	onPTM := strings.HasPrefix(op.End, "ptm")
	k.chunk, k.moving = 0, true
	switch op.Call {
	case Poll:
		k.moving = false
		return
	case Write:
		k.chunk = len(op.Data)
		if onPTM {
			k.typed += len(op.Data)
		}
	case Read:
		if onPTM && op.N < takeSize && k.unsettled {
			k.quiet()
		}
		k.moving = !onPTM
		if onPTM {
			return
		}
	case Ioctl:
		switch op.Req {
		case pts.TIOCSETD:
			k.discipline = true
		case pts.TIOCSTI, tcxonc:
			k.chunk = 1 // they write one
		}
		if k.unsettled && k.showsPTM(op, onPTM) {
			k.quiet()
		}
	case Close:
		if k.unsettled {
			k.quiet()
		}
	}
	if fd, ok := k.self.fds["pts"]; ok {
		e, err := poll(fd)
		k.readable = err != nil || e&wait.In != 0
	}
}

// showsPTM tells whether a request's effect depends on what the ptm has already.
func (k *Kernel) showsPTM(op Op, onPTM bool) bool {
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
func (k *Kernel) Settle() {
	if !k.moving || len(k.self.fds) == 0 {
		return
	}
	_, alive := k.self.fds["ptm"]
	fd, ok := k.self.fds["pts"]
	if !alive && len(k.procs) == 0 {
		return
	}
	if !ok || k.discipline || len(k.procs) > 0 || k.chunk > oneBuffer {
		k.quiet()
		if n, err := unix.IoctlGetInt(fd, unix.TIOCGETD); err == nil && n == 0 {
			k.discipline = false
		}
		return
	}
	e, err := poll(fd)
	switch {
	case e&(wait.Hup|wait.Err) != 0 && k.chunk == 0:
		return
	case err != nil || e&(wait.Hup|wait.Err) != 0:
		k.quiet()
		return
	case e&wait.In == 0:
	case k.readable && (k.chunk > 0 || k.typed > nearlyFull):
		k.quiet()
		return
	default:
		_, _ = unix.IoctlGetInt(fd, unix.TIOCINQ) // only waits
	}
	k.unsettled = true
	if fd, ok := k.self.fds["ptm"]; ok {
		if e, err := poll(fd); err == nil && e&wait.In == 0 {
			k.unsettled = false
		}
	}
}

// Drained lets the worker finish, between reads of an end that had nothing more.
func (k *Kernel) Drained() {
	for _, name := range []string{"pts", "ptm"} {
		if fd, ok := k.self.fds[name]; ok {
			_, _ = poll(fd) // only waits
		}
	}
}

// quiet waits until the picture has not changed for a while.
func (k *Kernel) quiet() {
	last, looks := k.picture(), k.Looks
	if k.typed > nearlyFull {
		looks *= 3 // the worker has more to do
	}
	looks *= k.patience
	for same := 0; same < looks; {
		_, _ = unix.Poll(nil, 1) // only passes time: a millisecond
		if now := k.picture(); now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
	k.unsettled = false
}

// picture is what can be seen of the pair without changing it.
func (k *Kernel) picture() string {
	var b strings.Builder
	for _, name := range []string{"pts", "pts2", "ptm"} {
		if fd, ok := k.self.fds[name]; ok {
			e, _ := poll(fd)                             // what fails, fails again alike
			n, err := unix.IoctlGetInt(fd, unix.TIOCINQ) // waits for a worker that is at it
			fmt.Fprintln(&b, e, n, err)
		}
	}
	return b.String()
}

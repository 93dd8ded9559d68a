package devpts

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
)

// System is what all instances under one kernel share. Make one with NewSystem.
type System struct {
	generation Generation                                                              // immutable
	now        func() time.Time                                                        // immutable
	tap        func(i *Instance, c pts.Caller, index int, ptm pts.Starter) pts.Starter // immutable
	initial    *Instance                                                               // immutable; nil in Always
	namespace  *Namespace                                                              // the initial one; immutable; nil but in Cloned

	max, reserve, nr atomic.Int64
	ids              atomic.Uint64 // the last node's

	mu          sync.Mutex
	controlling map[*job.Terminal]*terminal // those that control, or did control, a session; guarded by mu

	nodeError func() error // what making a node fails with; for tests; set before use
}

// Limits that a system starts with, and Linux's own.
const (
	defaultPtyMax     = 4096
	defaultPtyReserve = 1024
)

// NewSystem makes a system that has just booted: nothing is mounted.
func NewSystem(c Config) *System {
	s := &System{generation: c.Generation, now: c.Now, tap: c.Tap, controlling: make(map[*job.Terminal]*terminal)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.tap == nil {
		s.tap = func(_ *Instance, _ pts.Caller, _ int, ptm pts.Starter) pts.Starter { return ptm }
	}
	s.max.Store(defaultPtyMax)
	s.reserve.Store(defaultPtyReserve)
	if s.generation == Always {
		return s
	}
	s.initial = s.newInstance(Mounter{}, pts.DefaultOptions())
	s.initial.permanent = true
	if s.generation == Cloned {
		s.namespace = s.initial.newNamespace()
	}
	return s
}

// Generation is what the system was made with.
func (s *System) Generation() Generation { return s.generation }

// Initial is the instance that the kernel itself mounts when it starts, and that is
// never gone; nil in Always.
func (s *System) Initial() *Instance { return s.initial }

// InitialNamespace is the PTS namespace of the first process, which is never freed; nil
// but in Cloned.
func (s *System) InitialNamespace() *Namespace { return s.namespace }

// PtyMax is kernel.pty.max, how many terminals all instances may have together. (Linux
// allows one less since 4.7, and counts each instance apart in Cloned.)
func (s *System) PtyMax() int { return int(s.max.Load()) }

// SetPtyMax sets it: EINVAL for what is no int of C's, or negative.
func (s *System) SetPtyMax(n int) error { return setLimit(&s.max, n) }

// PtyReserve is kernel.pty.reserve, how many of them are kept for the initial instance or,
// in Always, for what is mounted in the initial mount namespace.
func (s *System) PtyReserve() int { return int(s.reserve.Load()) }

// SetPtyReserve sets it as SetPtyMax does.
func (s *System) SetPtyReserve(n int) error { return setLimit(&s.reserve, n) }

// PtyNr is kernel.pty.nr, how many terminals there are: until both ends are closed.
func (s *System) PtyNr() int { return int(s.nr.Load()) }

func setLimit(limit *atomic.Int64, n int) error {
	if n < 0 || n > math.MaxInt32 {
		return pts.EINVAL
	}
	limit.Store(int64(n))
	return nil
}

package control

import (
	"context"
	"sync"
	"syscall"
)

const (
	keptPrograms  = 64 // that have ended, with their statuses
	keptTerminals = 8  // of those that ended last, with their output and screen
)

// programs remembers the programs that were started: those that run, and the last of
// those that have ended. It is safe for concurrent use. A program costs a goroutine until
// its terminal has ended.
type programs struct {
	mu      sync.Mutex
	running []*started // guarded by mu
	ended   []*started // guarded by mu; in the order of their ends
}

// started is one program. It is a process that can be asked after its end too.
type started struct {
	index, pid int           // immutable
	exited     chan struct{} // closed when it has
	code       int           // immutable once exited is closed
	terminal   terminal      // guarded by programs.mu; nil once it is forgotten
}

// add remembers a program that has just started, as p, on t. Neither is held on to for
// longer than the constants say: much hangs on them.
func (ps *programs) add(index, pid int, p process, t terminal) {
	s := &started{index: index, pid: pid, exited: make(chan struct{}), terminal: t}
	ps.mu.Lock()
	ps.running = append(ps.running, s)
	ps.mu.Unlock()
	go func() {
		s.code, _ = p.Wait(context.Background()) // fails only with its context
		close(s.exited)
		<-t.Done()
		ps.end(s)
	}()
}

// end moves a program to those that have ended, and forgets what is too old.
func (ps *programs) end(s *started) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for i, r := range ps.running {
		if r == s {
			ps.running = append(ps.running[:i], ps.running[i+1:]...)
			break
		}
	}
	ps.ended = append(ps.ended, s)
	if len(ps.ended) > keptPrograms {
		ps.ended = append([]*started(nil), ps.ended[1:]...)
	}
	if n := len(ps.ended) - keptTerminals; n > 0 {
		ps.ended[n-1].terminal = nil
	}
}

// find finds the program that was on that terminal last, nil when it is not remembered.
// -1 is any index, 0 any pid.
func (ps *programs) find(index, pid int) *started {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.findLocked(index, pid)
}

func (ps *programs) findLocked(index, pid int) *started {
	for _, list := range [][]*started{ps.running, ps.ended} {
		for i := len(list) - 1; i >= 0; i-- {
			if s := list[i]; (index < 0 || index == s.index) && (pid == 0 || pid == s.pid) {
				return s
			}
		}
	}
	return nil
}

// terminal is the terminal of the program that find finds, nil when it is forgotten.
func (ps *programs) terminal(index, pid int) terminal {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if s := ps.findLocked(index, pid); s != nil {
		return s.terminal
	}
	return nil
}

// Wait waits for the program's exit status.
func (s *started) Wait(ctx context.Context) (code int, err error) {
	select {
	case <-s.exited:
		return s.code, nil
	default:
	}
	select {
	case <-s.exited:
		return s.code, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Signal fails: a program that is not found by its open terminal has exited, or is just
// being killed with its namespace.
func (s *started) Signal(syscall.Signal) error { return syscall.ESRCH }

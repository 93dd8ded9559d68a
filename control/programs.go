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
	ref                    // immutable
	exited   chan struct{} // closed when it has
	code     int           // immutable once exited is closed
	process  process       // guarded by programs.mu; nil once it has moved to ended
	terminal terminal      // likewise; nil once it is forgotten
}

// add remembers a program that has just started, as p, on t, which r names. Neither is
// held on to for longer than the constants say: much hangs on them.
func (ps *programs) add(r ref, p process, t terminal) {
	s := &started{ref: r, exited: make(chan struct{}), process: p, terminal: t}
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
	s.process = nil
	ps.ended = append(ps.ended, s)
	if len(ps.ended) > keptPrograms {
		ps.ended = append([]*started(nil), ps.ended[1:]...)
	}
	if n := len(ps.ended) - keptTerminals; n > 0 {
		ps.ended[n-1].terminal = nil
	}
}

// find finds the program that was on that terminal last, nil when it is not remembered.
// -1 is any index.
func (ps *programs) find(r ref) *started {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.findLocked(r)
}

func (ps *programs) findLocked(r ref) *started {
	for _, list := range [][]*started{ps.running, ps.ended} {
		for i := len(list) - 1; i >= 0; i-- {
			if s := list[i]; (r.index < 0 || r.index == s.index) && r.admits(s.pid, s.serial) {
				return s
			}
		}
	}
	return nil
}

// exit is the status of the program that find finds, nil while that is not known.
func (ps *programs) exit(r ref) *int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	s := ps.findLocked(r)
	if s == nil {
		return nil
	}
	p := s.process // which knows a moment before we do
	if p == nil {
		p = s
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	code, err := p.Wait(now) // does not block
	if err != nil {
		return nil
	}
	return &code
}

// terminalOf is the terminal of the program that find finds, nil when it is forgotten.
func (ps *programs) terminalOf(r ref) terminal {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if s := ps.findLocked(r); s != nil {
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

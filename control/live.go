package control

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// Namespace is what can be served: a *server.Namespace or a *server.Virtual. Its methods
// are said there.
type Namespace interface {
	State() server.State
	End()
	Done() <-chan struct{}
	Start(spec server.Spec) (*server.Process, error)
	Terminal(index int) (*hub.Terminal, error)
	Process(t *hub.Terminal) *server.Process
	Kick(id uint64) bool
	Events() *hub.Events
	Signal(t *hub.Terminal, sig syscall.Signal) error
	Record(t *hub.Terminal, spec server.RecordSpec) error
	StopRecord(t *hub.Terminal, file string) error
}

// live is a real namespace.
type live struct {
	Namespace
	programs *programs
}

func newLive(ns Namespace) live { return live{ns, new(programs)} }

func (l live) Start(spec server.Spec) (joined, error) {
	p, err := l.Namespace.Start(spec)
	if err != nil {
		return joined{}, err
	}
	l.programs.add(p.Terminal.Index(), p.PID, p, liveTerminal{p.Terminal})
	j := joined{index: p.Terminal.Index(), pid: p.PID, process: p, signal: p.Signal}
	if p.Owner != nil {
		j.viewer, j.id = p.Owner, p.Owner.ID()
	}
	return j, nil
}

// open finds an open terminal, and the program that was started on it, nil when it was
// opened inside. Which of that index is meant is what the pid says, unless it is 0.
func (l live) open(index, pid int) (*hub.Terminal, *server.Process, error) {
	t, err := l.Namespace.Terminal(index)
	if err != nil {
		return nil, nil, err
	}
	p := l.Process(t)
	if pid != 0 && (p == nil || p.PID != pid) {
		return nil, nil, server.ErrNoTerminal
	}
	return t, p, nil
}

func (l live) Join(index, pid int, o hub.ViewerOptions) (joined, error) {
	t, p, err := l.open(index, pid)
	if err != nil {
		return joined{}, err
	}
	v, err := t.Join(o)
	if err != nil {
		return joined{}, err
	}
	j := joined{index: t.Index(), viewer: v, id: v.ID()}
	j.signal = func(sig syscall.Signal) error { return l.Namespace.Signal(t, sig) }
	if p != nil {
		j.process = p
	}
	return j, nil
}

func (l live) Terminal(index, pid int) (terminal, error) {
	t, _, err := l.open(index, pid)
	if err == nil {
		return liveTerminal{t}, nil
	}
	if errors.Is(err, server.ErrNoTerminal) {
		if t := l.programs.terminal(index, pid); t != nil {
			return t, nil
		}
	}
	return nil, err
}

func (l live) Program(index, pid int) (program, error) {
	t, err := l.Namespace.Terminal(index)
	if err == nil {
		p := l.Process(t)
		if p != nil && (pid == 0 || p.PID == pid) {
			return program{t.Index(), p.PID, p}, nil
		}
		if pid == 0 {
			return program{}, ErrNoProgram // it was opened inside
		}
	}
	if p := l.programs.find(index, pid); p != nil {
		return program{p.index, p.pid, p}, nil
	}
	if err != nil && !errors.Is(err, server.ErrNoTerminal) || pid == 0 {
		return program{}, err
	}
	return program{}, ErrNoProgram
}

func (l live) Signal(index, pid int, sig syscall.Signal) error {
	t, err := l.Namespace.Terminal(index)
	if pid == 0 && err == nil {
		if err = l.Namespace.Signal(t, sig); err == syscall.ESRCH {
			return fmt.Errorf("%w, and nothing is in its foreground", ErrNoProgram)
		}
		return err
	}
	p, err := l.Program(index, pid)
	if err != nil {
		return err
	}
	if err = p.Signal(sig); err == syscall.ESRCH {
		return ErrNoProgram // it has just ended
	}
	return err
}

func (l live) Record(index, pid int, spec server.RecordSpec) error {
	t, _, err := l.open(index, pid)
	if err != nil {
		return err
	}
	return l.Namespace.Record(t, spec)
}

func (l live) StopRecord(index, pid int, file string) error {
	t, _, err := l.open(index, pid)
	if err != nil {
		return err
	}
	return l.Namespace.StopRecord(t, file)
}

func (l live) Events(ctx context.Context, since uint64) ([]hub.Event, error) {
	return l.Namespace.Events().Since(ctx, since)
}

// liveTerminal is a real terminal.
type liveTerminal struct{ *hub.Terminal }

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
	Serial(t *hub.Terminal) string
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
	t := liveTerminal{p.Terminal, l.Serial(p.Terminal)}
	l.programs.add(ref{t.Index(), p.PID, t.serial}, p, t)
	j := joined{index: t.Index(), serial: t.serial, pid: p.PID, process: p, signal: p.Signal}
	if p.Owner != nil {
		j.viewer, j.id = p.Owner, p.Owner.ID()
	}
	return j, nil
}

// find finds an open terminal and the program that was started on it, nil when none was.
func (l live) find(r ref) (liveTerminal, *server.Process, error) {
	t, err := l.Namespace.Terminal(r.index)
	if err != nil {
		return liveTerminal{}, nil, err
	}
	p, serial, pid := l.Process(t), l.Serial(t), 0
	if p != nil {
		pid = p.PID
	}
	if !r.admits(pid, serial) {
		return liveTerminal{}, nil, server.ErrNoTerminal
	}
	return liveTerminal{t, serial}, p, nil
}

func (l live) Join(r ref, o hub.ViewerOptions) (joined, error) {
	t, p, err := l.find(r)
	if err != nil {
		return joined{}, l.endOf(r, err)
	}
	v, err := t.Join(o)
	if err != nil {
		return joined{}, l.endOf(r, err)
	}
	j := joined{index: t.Index(), serial: t.serial, viewer: v, id: v.ID()}
	j.signal = func(sig syscall.Signal) error { return l.Namespace.Signal(t.Terminal, sig) }
	if p != nil {
		j.process = p
	}
	return j, nil
}

// endOf makes more of an error about a terminal that a serial names: it is not there, so
// it has ended.
func (l live) endOf(r ref, err error) error {
	if r.serial == "" {
		return err
	}
	return &endedError{l.programs.exit(r)}
}

func (l live) Terminal(r ref) (terminal, error) {
	t, _, err := l.find(r)
	if err == nil {
		return t, nil
	}
	if errors.Is(err, server.ErrNoTerminal) || r.serial != "" {
		if t := l.programs.terminalOf(r); t != nil {
			return t, nil
		}
	}
	return nil, l.endOf(r, err)
}

func (l live) Program(r ref) (program, error) {
	t, p, err := l.find(r)
	switch {
	case err == nil && p != nil:
		return program{t.Index(), p.PID, p}, nil
	case err == nil:
		return program{}, ErrNoProgram // it was opened inside
	}
	if p := l.programs.find(r); p != nil {
		return program{p.index, p.pid, p}, nil
	}
	if !errors.Is(err, server.ErrNoTerminal) || r.loose() {
		return program{}, err
	}
	return program{}, ErrNoProgram
}

func (l live) Signal(r ref, sig syscall.Signal) error {
	t, _, err := l.find(r)
	if err == nil && r.pid == 0 {
		if err = l.Namespace.Signal(t.Terminal, sig); err == syscall.ESRCH {
			return fmt.Errorf("%w, and nothing is in its foreground", ErrNoProgram)
		}
		return err
	}
	p, err := l.Program(r)
	if err != nil {
		return err
	}
	if err = p.Signal(sig); err == syscall.ESRCH {
		return ErrNoProgram // it has just ended
	}
	return err
}

func (l live) Record(r ref, spec server.RecordSpec) error {
	t, _, err := l.find(r)
	if err != nil {
		return l.endOf(r, err)
	}
	return l.Namespace.Record(t.Terminal, spec)
}

func (l live) StopRecord(r ref, file string) error {
	t, _, err := l.find(r)
	if err != nil {
		return l.endOf(r, err)
	}
	return l.Namespace.StopRecord(t.Terminal, file)
}

func (l live) Events(ctx context.Context, since uint64) ([]hub.Event, error) {
	return l.Namespace.Events().Since(ctx, since)
}

// liveTerminal is a real terminal.
type liveTerminal struct {
	*hub.Terminal
	serial string
}

func (t liveTerminal) Serial() string { return t.serial }

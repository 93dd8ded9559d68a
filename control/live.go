package control

import (
	"context"
	"errors"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// live is a real namespace.
type live struct {
	*server.Namespace
	programs *programs
}

func newLive(ns *server.Namespace) live { return live{ns, new(programs)} }

func (l live) Start(spec server.Spec) (joined, error) {
	p, err := l.Namespace.Start(spec)
	if err != nil {
		return joined{}, err
	}
	t := liveTerminal{p.Terminal, l.Serial(p.Terminal)}
	l.programs.add(ref{t.Index(), p.PID, t.serial}, p, t)
	j := joined{index: t.Index(), serial: t.serial, pid: p.PID, process: p}
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

func (l live) Events(ctx context.Context, since uint64) ([]hub.Event, error) {
	return l.Namespace.Events().Since(ctx, since)
}

// liveTerminal is a real terminal.
type liveTerminal struct {
	*hub.Terminal
	serial string
}

func (t liveTerminal) Serial() string { return t.serial }

package job

import "github.com/ptsns/ptsns/pts"

// What Proc answers as a Process.

// PID is p's number.
func (p *Proc) PID() int { return p.pid }

// FSUID owns what p makes.
func (p *Proc) FSUID() int { return p.uid }

// FSGID owns what p makes.
func (p *Proc) FSGID() int { return p.gid }

// System is p's table.
func (p *Proc) System() System { return p.table }

// Group is p's process group.
func (p *Proc) Group() int {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.group
}

// Session is p's session.
func (p *Proc) Session() int {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.session
}

// Terminal is p's controlling terminal: what /dev/tty would open.
func (p *Proc) Terminal() *Terminal {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.terminal
}

// SetTerminal is for Terminal's use.
func (p *Proc) SetTerminal(t *Terminal) {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	p.terminal = t
	if t != nil {
		p.hungUp = 0
	}
}

// Deaf tells whether p ignores or blocks s.
func (p *Proc) Deaf(s pts.Signal) bool {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.blocked.Has(s) || p.actions[s%32] == Ignored
}

// Orphaned tells whether no parent of the session, outside the group, watches over
// p's group.
func (p *Proc) Orphaned() bool {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.table.orphanedLocked(p.group)
}

// Restarts tells whether s would not end a call of p's with EINTR.
func (p *Proc) Restarts(s pts.Signal) bool {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.actions[s%32] != Handled
}

// Privileged tells whether p is root.
func (p *Proc) Privileged() bool { return p.uid == 0 }

// What Table does as a System.

// SessionOf is the session of a group or, when nobody is in it, of a process; 0 when
// there is neither.
func (t *Table) SessionOf(group int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if session := t.sessionOfLocked(group); session != 0 {
		return session
	}
	if p := t.procs[group]; p != nil {
		return p.session
	}
	return 0
}

// Lose takes the terminal from a session; its leader remembers group.
func (t *Table) Lose(terminal *Terminal, session, group int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.procs {
		if p.session != session || p.terminal != terminal {
			continue
		}
		p.terminal = nil
		if p.pid == session && group != 0 {
			p.hungUp = group
		}
	}
}

// SignalGroup sends s to a group of a session.
func (t *Table) SignalGroup(session, group int, s pts.Signal) {
	if t.SessionOf(group) == session {
		t.Signal(group, s)
	}
}

// Signal sends s to a group, as kill(2) does.
func (t *Table) Signal(group int, s pts.Signal) {
	t.mu.Lock()
	var to []*Proc
	for _, p := range t.procs {
		if p.group == group {
			to = append(to, p)
		}
	}
	t.mu.Unlock()
	t.deliver(to, s)
}

// SignalLeader sends s to the leader of a session.
func (t *Table) SignalLeader(session int, s pts.Signal) {
	t.mu.Lock()
	leader := t.procs[session]
	t.mu.Unlock()
	if leader != nil {
		t.deliver([]*Proc{leader}, s)
	}
}

// Signal sends s to p alone.
func (p *Proc) Signal(s pts.Signal) { p.table.deliver([]*Proc{p}, s) }

// happened is what a signal did.
type happened struct {
	signal pts.Signal
	event  Event
}

// deliver lets s act on processes and tells the hook.
func (t *Table) deliver(to []*Proc, s pts.Signal) {
	for _, p := range to {
		t.mu.Lock()
		events := p.takeLocked(s)
		t.mu.Unlock()
		p.tell(events)
	}
}

func (p *Proc) tell(events []happened) {
	if p.table.hook == nil {
		return
	}
	for _, e := range events {
		p.table.hook(p, e.signal, e.event)
	}
}

// stops are the signals that stop.
const stops pts.Signals = 1<<pts.SIGTSTP | 1<<pts.SIGTTIN | 1<<pts.SIGTTOU

// takeLocked decides what s does to p. To one that is stopped it does nothing until p goes
// on, which SIGCONT sees to even where it is blocked or ignored. Those that stop and the one
// that goes on drop what is pending of each other.
func (p *Proc) takeLocked(s pts.Signal) []happened {
	if p.exited {
		return nil
	}
	resumes := s == pts.SIGCONT && p.stopped
	switch {
	case s == pts.SIGCONT:
		p.pending &^= stops
		p.stopped = false
	case stops.Has(s):
		p.pending &^= 1 << pts.SIGCONT
	}
	if !p.blocked.Has(s) && p.actions[s%32] == Ignored {
		if !resumes {
			return nil
		}
	} else {
		p.pending.Add(s)
	}
	events := p.actLocked()
	if resumes && (len(events) == 0 || events[len(events)-1].event != Killed) {
		events = append(events, happened{s, Continued})
	}
	return events
}

// actLocked lets the pending signals act that can.
func (p *Proc) actLocked() []happened {
	var events []happened
	for s := range (p.pending &^ p.blocked).All {
		if p.stopped {
			break
		}
		p.pending &^= 1 << s
		switch p.actions[s%32] {
		case Handled, Restarting:
			events = append(events, happened{s, Caught})
			continue
		case Ignored:
			continue
		}
		switch s {
		case pts.SIGHUP, pts.SIGINT, pts.SIGQUIT:
			return append(events, happened{s, Killed})
		case pts.SIGTSTP, pts.SIGTTIN, pts.SIGTTOU:
			if !p.table.orphanedLocked(p.group) {
				p.stopped = true
				events = append(events, happened{s, Stopped})
			}
		}
	}
	return events
}

// Package job is job control: which session a terminal controls, which of its process
// groups is in the foreground, and what a process in the background may do.
//
// It knows processes only through two small interfaces, Process and System. A program
// that runs others, or a kernel of one's own, implements them; Table is an
// implementation in memory, for programs that emulate processes and for tests. Who
// has no processes at all uses none of this: to a caller that is no Process a
// terminal applies no job control.
//
// Nothing here waits and no goroutine is started. Terminal.mu comes after the lock of
// the pair that holds the terminal and before any lock of a System: so the methods of
// Process and System that are documented as questions must not use a terminal.
// Signals are never sent under a lock: they are collected in a Debts, which whoever
// held the lock pays after it.
package job

import (
	"sync"

	"github.com/ptsns/ptsns/pts"
)

// Process is a caller to whom job control applies. The methods are questions: they
// are called with terminals locked, must not block and must not use a terminal. PID
// of it is the number that a leader's session has.
type Process interface {
	pts.Caller
	System() System
	Group() int
	Session() int
	// Terminal is the process's controlling terminal, nil when it has none, and
	// SetTerminal changes it.
	Terminal() *Terminal
	SetTerminal(t *Terminal)
	// Deaf tells whether it ignores or blocks s.
	Deaf(s pts.Signal) bool
	// Orphaned tells whether no parent in its session watches over its group.
	Orphaned() bool
	// Restarts tells whether a call that s interrupts goes on after it: not when a
	// handler without SA_RESTART takes it.
	Restarts(s pts.Signal) bool
	// Privileged tells whether it has CAP_SYS_ADMIN.
	Privileged() bool
}

// System is what processes are part of.
type System interface {
	// SessionOf tells the session of a process group or, where there is no such group,
	// of the process with that number; 0 when there is neither. It is a question.
	SessionOf(group int) int
	// Lose takes t from every process of the session whose controlling terminal it is
	// and, where it is not 0, remembers the group to be hung up when the session's
	// leader exits. It is called with terminals locked and must not use one.
	Lose(t *Terminal, session, group int)
	// SignalGroup sends s to every process of a group, where the group is still one
	// of the session: its number may be another's by now. No terminal is locked.
	SignalGroup(session, group int, s pts.Signal)
	// SignalLeader sends s to the leader of a session. No terminal is locked.
	SignalLeader(session int, s pts.Signal)
}

// Terminal is the job control of one terminal. The zero value controls no session. It
// is safe for concurrent use.
type Terminal struct {
	mu      sync.Mutex
	system  System // of the session; guarded by mu
	session int    // 0: none; guarded by mu
	group   int    // in the foreground, 0: none; guarded by mu
}

// Debts are signals to be sent once no lock is held. The zero value is none.
type Debts struct{ list []debt }

type debt struct {
	system  System
	session int
	group   int // 0: the leader is meant
	signal  pts.Signal
}

func (d *Debts) add(s System, session, group int, signals ...pts.Signal) {
	for _, signal := range signals {
		d.list = append(d.list, debt{system: s, session: session, group: group, signal: signal})
	}
}

// Any tells whether there is something to pay.
func (d *Debts) Any() bool { return len(d.list) > 0 }

// Pay sends the signals, in the order in which they came.
func (d *Debts) Pay() {
	list := d.list
	d.list = nil
	for _, o := range list {
		if o.group == 0 {
			o.system.SignalLeader(o.session, o.signal)
		} else {
			o.system.SignalGroup(o.session, o.group, o.signal)
		}
	}
}

// Has tells whether there is a session to signal.
func (t *Terminal) Has() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session != 0
}

// Signal adds s for the foreground group, if there is one.
func (t *Terminal) Signal(s pts.Signal, d *Debts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.group != 0 {
		d.add(t.system, t.session, t.group, s)
	}
}

// Check tells whether p may do what the background may not; s is SIGTTIN for reading
// and SIGTTOU for the rest. The foreground, processes of other sessions and a nil p
// may. Others that ignore or block SIGTTOU may, all else of an orphaned group fails
// with EIO, and everybody else's group is sent s: ERESTARTSYS or EINTR.
func (t *Terminal) Check(p Process, s pts.Signal, d *Debts) error {
	if p == nil || p.Terminal() != t {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	group := p.Group()
	if t.group == 0 || group == t.group {
		return nil
	}
	if p.Deaf(s) {
		if s == pts.SIGTTIN {
			return pts.EIO
		}
		return nil
	}
	if p.Orphaned() {
		return pts.EIO
	}
	d.add(t.system, t.session, group, s)
	if p.Restarts(s) {
		return pts.ERESTARTSYS
	}
	return pts.EINTR
}

// Open makes t the controlling terminal of p, who has opened it for reading without
// O_NOCTTY, where p is a session leader without one and t controls no session.
func (t *Terminal) Open(p Process) {
	if p == nil || p.Session() != p.PID() || p.Terminal() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session == 0 {
		t.takeLocked(p)
	}
}

// Acquire is TIOCSCTTY with arg, of a descriptor that is open for reading or not.
func (t *Terminal) Acquire(p Process, arg int, readable bool) error {
	if p == nil {
		return pts.EPERM
	}
	leader := p.Session() == p.PID()
	t.mu.Lock()
	defer t.mu.Unlock()
	if leader && t.session == p.Session() {
		return nil
	}
	if !leader || p.Terminal() != nil {
		return pts.EPERM
	}
	if t.session != 0 {
		if arg != 1 || !p.Privileged() {
			return pts.EPERM
		}
		t.system.Lose(t, t.session, 0)
	}
	if !readable && !p.Privileged() {
		return pts.EPERM
	}
	t.takeLocked(p)
	return nil
}

func (t *Terminal) takeLocked(p Process) {
	t.system, t.session, t.group = p.System(), p.Session(), p.Group()
	p.SetTerminal(t)
}

// MayChange is what TIOCSPGRP asks first: Check, where an orphaned group has ENOTTY.
func (t *Terminal) MayChange(p Process, d *Debts) error {
	err := t.Check(p, pts.SIGTTOU, d)
	if err == pts.EIO {
		return pts.ENOTTY
	}
	return err
}

// SetForeground is TIOCSPGRP.
func (t *Terminal) SetForeground(p Process, group int, d *Debts) error {
	if err := t.MayChange(p, d); err != nil {
		return err
	}
	if group < 0 {
		return pts.EINVAL
	}
	if p == nil || p.Terminal() != t {
		return pts.ENOTTY
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session != p.Session() {
		return pts.ENOTTY
	}
	switch t.system.SessionOf(group) {
	case 0:
		return pts.ESRCH
	case t.session:
		t.group = group
		return nil
	}
	return pts.EPERM
}

// Foreground is TIOCGPGRP. Through the ptm anybody may ask, and 0 means none.
func (t *Terminal) Foreground(p Process, ptm bool) (int, error) {
	if !ptm && (p == nil || p.Terminal() != t) {
		return 0, pts.ENOTTY
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.group, nil
}

// SessionID is TIOCGSID. Through the ptm anybody may ask.
func (t *Terminal) SessionID(p Process, ptm bool) (int, error) {
	if !ptm && (p == nil || p.Terminal() != t) {
		return 0, pts.ENOTTY
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session == 0 {
		return 0, pts.ENOTTY
	}
	return t.session, nil
}

// GiveUp is TIOCNOTTY: the session of a leader loses the terminal and its foreground
// group is hung up and continued; another process loses it for itself.
func (t *Terminal) GiveUp(p Process, d *Debts) error {
	if p == nil || p.Terminal() != t {
		return pts.ENOTTY
	}
	if p.Session() == p.PID() {
		t.end(p.Session(), d, pts.SIGHUP, pts.SIGCONT)
	}
	p.SetTerminal(nil)
	return nil
}

// LeaderExits is what a system owes when the leader of a session that t controls
// exits: the foreground group is hung up and the session loses the terminal, which
// stays usable to whoever has it open. It does nothing when t controls another
// session by now.
func (t *Terminal) LeaderExits(session int, d *Debts) { t.end(session, d, pts.SIGHUP) }

func (t *Terminal) end(session int, d *Debts, signals ...pts.Signal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session == 0 || t.session != session {
		return
	}
	if t.group != 0 {
		d.add(t.system, t.session, t.group, signals...)
	}
	t.system.Lose(t, t.session, 0)
	t.system, t.session, t.group = nil, 0, 0
}

// Hangup is what the end of the ptm, or vhangup, does to the session: its leader gets
// SIGHUP and SIGCONT and everybody in it loses the terminal; the foreground group
// follows when the leader exits.
func (t *Terminal) Hangup(d *Debts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session == 0 {
		return
	}
	d.add(t.system, t.session, 0, pts.SIGHUP, pts.SIGCONT)
	t.system.Lose(t, t.session, t.group)
	t.system, t.session, t.group = nil, 0, 0
}

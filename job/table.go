package job

import (
	"sync"

	"github.com/ptsns/ptsns/pts"
)

// Disposition is what a process does with a signal.
type Disposition uint8

const (
	Default    Disposition = iota // stop, go on, end, or nothing, as the signal says
	Ignored                       // nothing
	Handled                       // a handler without SA_RESTART: EINTR
	Restarting                    // a handler with SA_RESTART
)

// Event is what a signal did to a process.
type Event uint8

const (
	Caught    Event = iota // its handler is to run
	Stopped                // it no longer runs
	Continued              // it runs again; what came while it was stopped has been told
	Killed                 // it is to be ended: see Proc.Exit
)

func (e Event) String() string {
	return [...]string{"caught", "stopped", "continued", "killed"}[e]
}

// Table is a System in memory. It is safe for concurrent use; its lock is not held
// while terminals or the hook are called.
type Table struct {
	hook  func(*Proc, pts.Signal, Event) // immutable
	mu    sync.Mutex
	procs map[int]*Proc // guarded by mu
	last  int           // pid; guarded by mu
}

// NewTable makes a table without processes. hook, which may be nil, is told what
// signals do; it may use the table and terminals.
func NewTable(hook func(p *Proc, s pts.Signal, e Event)) *Table {
	return &Table{hook: hook, procs: make(map[int]*Proc)}
}

// Proc is a process of a Table. Its fields are guarded by the table's lock.
type Proc struct {
	table    *Table // immutable
	pid      int    // immutable
	uid, gid int    // immutable
	parent   *Proc  // nil: nobody in the table
	group    int
	session  int
	terminal *Terminal
	hungUp   int // group to be hung up when this leader exits
	actions  [32]Disposition
	blocked  pts.Signals
	pending  pts.Signals
	stopped  bool
	exited   bool
}

// Start makes a process: a child of parent, in its group and session, with its
// dispositions; or with a nil parent the leader of a new session. The ids are those
// that own what it makes, and 0 has all privileges.
func (t *Table) Start(parent *Proc, uid, gid int) *Proc {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	p := &Proc{table: t, pid: t.last, uid: uid, gid: gid, parent: parent, group: t.last, session: t.last}
	if parent != nil {
		p.group, p.session, p.terminal = parent.group, parent.session, parent.terminal
		p.actions, p.blocked = parent.actions, parent.blocked
	}
	t.procs[p.pid] = p
	return p
}

// Setsid makes p the leader of a new session without a terminal: EPERM when it leads
// a group.
func (p *Proc) Setsid() error {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if p.group == p.pid || p.table.sessionOfLocked(p.pid) != 0 {
		return pts.EPERM
	}
	p.group, p.session, p.terminal = p.pid, p.pid, nil
	return nil
}

// Setpgid moves p to a group of its session, which is made when it is p's own number
// (or 0, which means that).
func (p *Proc) Setpgid(group int) error {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if group == 0 {
		group = p.pid
	}
	if p.session == p.pid || group != p.pid && p.table.sessionOfLocked(group) != p.session {
		return pts.EPERM
	}
	p.group = group
	return nil
}

// Action sets what p does with s.
func (p *Proc) Action(s pts.Signal, d Disposition) {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	p.actions[s%32] = d
}

// Block sets the signals that p blocks. Those that came while it did and are blocked
// no longer act now.
func (p *Proc) Block(set pts.Signals) {
	p.table.mu.Lock()
	p.blocked = set
	events := p.actLocked()
	p.table.mu.Unlock()
	p.tell(events)
}

// Running tells whether p is neither stopped nor gone.
func (p *Proc) Running() bool {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return !p.stopped && !p.exited
}

// Exit ends p. Its children are nobody's then; groups that are left without a
// watching parent, with somebody stopped in them, are hung up and continued.
func (p *Proc) Exit() {
	t := p.table
	t.mu.Lock()
	if p.exited {
		t.mu.Unlock()
		return
	}
	before := t.watchedLocked()
	p.exited = true
	delete(t.procs, p.pid)
	for _, o := range t.procs {
		if o.parent == p {
			o.parent = nil
		}
	}
	terminal, hungUp := p.terminal, p.hungUp
	leader := p.session == p.pid
	t.mu.Unlock()

	var d Debts
	if leader && terminal != nil {
		terminal.LeaderExits(p.session, &d)
	} else if leader && hungUp != 0 {
		d.add(t, p.session, hungUp, pts.SIGHUP, pts.SIGCONT)
	}
	t.mu.Lock()
	for group := range before {
		if t.orphanedLocked(group) && t.stoppedLocked(group) {
			d.add(t, t.sessionOfLocked(group), group, pts.SIGHUP, pts.SIGCONT)
		}
	}
	t.mu.Unlock()
	d.Pay()
}

// watchedLocked is the set of groups that are not orphaned.
func (t *Table) watchedLocked() map[int]bool {
	groups := make(map[int]bool)
	for _, p := range t.procs {
		if !t.orphanedLocked(p.group) {
			groups[p.group] = true
		}
	}
	return groups
}

func (t *Table) orphanedLocked(group int) bool {
	for _, p := range t.procs {
		if p.group == group && p.parent != nil && p.parent.group != group && p.parent.session == p.session {
			return false
		}
	}
	return true
}

func (t *Table) stoppedLocked(group int) bool {
	for _, p := range t.procs {
		if p.group == group && p.stopped {
			return true
		}
	}
	return false
}

func (t *Table) sessionOfLocked(group int) int {
	for _, p := range t.procs {
		if p.group == group {
			return p.session
		}
	}
	return 0
}

package job

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ptsns/ptsns/pts"
)

// logged is a table that logs what signals do, by pid.
func logged() (*Table, func() string) {
	var log []string
	t := NewTable(func(p *Proc, s pts.Signal, e Event) { log = append(log, fmt.Sprintf("%d %v by %v", p.PID(), e, s)) })
	return t, func() string {
		defer func() { log = nil }()
		return strings.Join(log, ", ")
	}
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestSessionsAndGroups(t *testing.T) {
	table, _ := logged()
	leader := table.Start(nil, 0, 0)
	child := table.Start(leader, 5, 6)
	if child.Session() != leader.PID() || child.Group() != leader.PID() || child.FSUID() != 5 || child.FSGID() != 6 {
		t.Errorf("a child is in session %d, group %d", child.Session(), child.Group())
	}
	for _, c := range []struct {
		p     *Proc
		group int
		want  error
	}{
		{leader, 0, pts.EPERM}, {child, 99, pts.EPERM}, {child, 0, nil}, {child, leader.Group(), nil}, {child, child.PID(), nil},
	} {
		if err := c.p.Setpgid(c.group); err != c.want {
			t.Errorf("%d to group %d: %v, want %v", c.p.PID(), c.group, err, c.want)
		}
	}
	if err := child.Setsid(); err != pts.EPERM {
		t.Errorf("a group's leader gets a session: %v", err)
	}
	grandchild := table.Start(child, 0, 0)
	if err := grandchild.Setsid(); err != nil || grandchild.Session() != grandchild.PID() {
		t.Errorf("session %d, %v", grandchild.Session(), err)
	}
	if table.SessionOf(child.Group()) != leader.PID() || table.SessionOf(0) != 0 || table.SessionOf(77) != 0 {
		t.Error("the sessions of groups are wrong")
	}
}

func TestDispositions(t *testing.T) {
	table, happened := logged()
	p := table.Start(table.Start(nil, 0, 0), 0, 0)
	if err := p.Setpgid(0); err != nil {
		t.Fatal(err)
	}
	send := func(s pts.Signal) string {
		table.Signal(p.Group(), s)
		return happened()
	}
	want(t, "default INT", send(pts.SIGINT), "2 killed by SIGINT")
	want(t, "default WINCH", send(pts.SIGWINCH), "")
	want(t, "default TSTP", send(pts.SIGTSTP), "2 stopped by SIGTSTP")
	want(t, "stopped already", send(pts.SIGTSTP), "")
	p.Action(pts.SIGCONT, Ignored)
	want(t, "ignored CONT", send(pts.SIGCONT), "2 continued by SIGCONT")
	p.Action(pts.SIGCONT, Restarting)
	want(t, "handled CONT", send(pts.SIGCONT), "2 caught by SIGCONT")
	p.Action(pts.SIGINT, Ignored)
	want(t, "ignored", send(pts.SIGINT), "")
	p.Action(pts.SIGINT, Handled)
	p.Block(1 << pts.SIGINT)
	want(t, "blocked", send(pts.SIGINT), "")
	p.Block(0)
	want(t, "unblocked", happened(), "2 caught by SIGINT")
	if p.Restarts(pts.SIGINT) || !p.Restarts(pts.SIGHUP) {
		t.Error("what restarts is wrong")
	}
	p.Exit()
	p.Exit()
	want(t, "gone", send(pts.SIGINT), "")
}

// A process that is stopped takes signals once it goes on; those that stop and the one that
// goes on drop each other.
func TestSignalsOfTheStopped(t *testing.T) {
	table, happened := logged()
	p := table.Start(table.Start(nil, 0, 0), 0, 0)
	if err := p.Setpgid(0); err != nil {
		t.Fatal(err)
	}
	send := func(s pts.Signal) string {
		p.Signal(s)
		return happened()
	}
	p.Action(pts.SIGINT, Handled)
	p.Action(pts.SIGCONT, Restarting)
	want(t, "TSTP", send(pts.SIGTSTP), "2 stopped by SIGTSTP")
	want(t, "INT", send(pts.SIGINT)+send(pts.SIGINT), "")
	want(t, "TTIN", send(pts.SIGTTIN), "")
	want(t, "CONT", send(pts.SIGCONT), "2 caught by SIGINT, 2 caught by SIGCONT, 2 continued by SIGCONT")
	p.Block(1<<pts.SIGTSTP | 1<<pts.SIGCONT)
	want(t, "blocked", send(pts.SIGTSTP)+send(pts.SIGCONT), "")
	p.Block(0)
	want(t, "TSTP, dropped by CONT", happened(), "2 caught by SIGCONT")
	p.Block(1<<pts.SIGTSTP | 1<<pts.SIGCONT)
	want(t, "blocked", send(pts.SIGCONT)+send(pts.SIGTSTP), "")
	p.Block(0)
	want(t, "CONT, dropped by TSTP", happened(), "2 stopped by SIGTSTP")
	p.Action(pts.SIGINT, Default)
	send(pts.SIGINT)
	want(t, "killed", send(pts.SIGCONT), "2 killed by SIGINT")
}

// When the shell goes, the jobs it had stopped are told.
func TestOrphans(t *testing.T) {
	table, happened := logged()
	leader := table.Start(nil, 0, 0)
	job := table.Start(leader, 0, 0)
	if err := job.Setpgid(0); err != nil {
		t.Fatal(err)
	}
	if job.Orphaned() || !leader.Orphaned() {
		t.Error("who is orphaned is wrong")
	}
	table.Signal(job.Group(), pts.SIGTSTP)
	happened()
	leader.Exit()
	want(t, "orphaned", happened(), "2 killed by SIGHUP")
	if !job.Orphaned() {
		t.Error("it is not orphaned")
	}
	table.Signal(job.Group(), pts.SIGTTIN)
	if !job.Running() {
		t.Error("an orphan stops")
	}
}

// A number that another session has by now is not what was meant.
func TestNumbersOfOtherSessions(t *testing.T) {
	table, happened := logged()
	leader, other := table.Start(nil, 0, 0), table.Start(nil, 0, 0)
	var terminal, another Terminal
	terminal.Open(leader)
	another.Open(other)

	table.SignalGroup(leader.Session(), other.Group(), pts.SIGINT)
	want(t, "another session's group", happened(), "")
	table.SignalGroup(other.Session(), other.Group(), pts.SIGINT)
	want(t, "its own", happened(), "2 killed by SIGINT")
	table.Lose(&another, leader.Session(), 0)
	if leader.Terminal() != &terminal {
		t.Error("a session loses a terminal that it does not have, and its own with it")
	}
	var d Debts
	terminal.LeaderExits(other.Session(), &d)
	if sid, err := terminal.SessionID(leader, false); sid != leader.Session() || err != nil || d.Any() {
		t.Errorf("after another's leader has gone: session %d, %v; signals: %v", sid, err, d.Any())
	}
}

func TestTableFromManyGoroutines(t *testing.T) {
	table := NewTable(nil)
	var terminal Terminal
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				var d Debts
				leader := table.Start(nil, 0, 0)
				terminal.Open(leader)
				_ = terminal.Acquire(leader, 1, true)
				child := table.Start(leader, 0, 0)
				_ = child.Setpgid(0)
				_ = terminal.Check(child, pts.SIGTTIN, &d)
				_ = terminal.SetForeground(leader, child.Group(), &d)
				terminal.Signal(pts.SIGINT, &d)
				_ = terminal.GiveUp(child, &d)
				terminal.Hangup(&d)
				d.Pay()
				leader.Exit()
				child.Exit()
			}
		})
	}
	wg.Wait()
}

//go:build linux

package procjob

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

var (
	_ job.Process = (*Process)(nil)
	_ job.System  = (*System)(nil)
)

// ours is a stage with a terminal of ours.
func ours(t *testing.T) (*stage, *virtual) {
	t.Helper()
	v := newVirtual(t)
	return newStage(t, v), v
}

func TestQuestions(t *testing.T) {
	s, v := ours(t)
	leader := s.leader("leader")
	child := s.child(leader, "child", "setpgid")
	p := v.system.Process(child.pid, 7, 8)
	if p.TID() != child.pid || p.PID() != child.pid || p.FSUID() != 7 || p.FSGID() != 8 || p.System() != job.System(v.system) {
		t.Errorf("it is %d of %d, %d:%d", p.TID(), p.PID(), p.FSUID(), p.FSGID())
	}
	if p.Session() != leader.pid || p.Group() != child.pid || p.Terminal() != nil || p.Restarts(pts.SIGINT) {
		t.Errorf("session %d, group %d, terminal %v", p.Session(), p.Group(), p.Terminal())
	}
	if v.system.Process(leader.pid, 0, 0).Orphaned() == p.Orphaned() {
		t.Error("both are orphaned, or none is")
	}
	for _, how := range []string{"ignore SIGTTIN", "block SIGTTOU"} {
		signal := pts.Signal(unix.SignalNum(strings.Fields(how)[1]))
		if p.Deaf(signal) {
			t.Errorf("deaf to %v at first", signal)
		}
		child.ok(s, how)
		if !p.Deaf(signal) {
			t.Errorf("%s: it is not deaf", how)
		}
	}
	if os.Getuid() != 0 {
		lacking(t, "the rest needs root")
	}
	child.ok(s, "setgroups 5 20")
	if !slices.Equal(p.Groups(), []int{5, 20}) {
		t.Errorf("groups %v", p.Groups())
	}
	contained := v.system.Process(s.child(leader, "contained", "userns").pid, 0, 0)
	if !p.Capable(unix.CAP_DAC_OVERRIDE) || contained.Capable(unix.CAP_DAC_OVERRIDE) {
		t.Error("the capabilities over files are not root's, or are those of the root of a user namespace")
	}
	if !p.Privileged() || contained.Privileged() {
		t.Errorf("privileged: root %v, root of a user namespace %v", p.Privileged(), contained.Privileged())
	}
	child.ok(s, "setuid 65534")
	if p.Privileged() {
		t.Error("nobody is privileged")
	}
}

// A thread calls: signals are blocked by threads, sessions are led by processes.
func TestThreads(t *testing.T) {
	s, v := ours(t)
	leader := s.leader("leader")
	tid := number(leader.ask(s, "thread"))
	leader.ok(s, "block SIGTTIN")
	main, thread := v.system.Process(leader.pid, 0, 0), v.system.Process(tid, 0, 0)
	if thread.TID() != tid || thread.PID() != leader.pid || thread.Session() != leader.pid || thread.Group() != leader.pid {
		t.Errorf("thread %d is %d of process %d", tid, thread.TID(), thread.PID())
	}
	if !main.Deaf(pts.SIGTTIN) || thread.Deaf(pts.SIGTTIN) {
		t.Error("what one thread blocks the other does")
	}
	if _, err := v.ptm.OpenPTS(thread, pty.O_RDWR); err != nil {
		t.Fatal(err)
	}
	if main.Terminal() == nil {
		t.Error("what a thread opened is not its process's terminal")
	}
}

// Nobody, and who has no number here, is in no session, and no signal goes anywhere.
// (Those that this sends would harm nobody.)
func TestNobody(t *testing.T) {
	s, v := ours(t)
	caught := make(chan os.Signal, 9)
	signal.Notify(caught, unix.SIGWINCH, lastSignal)
	defer signal.Stop(caught)
	for _, tid := range []int{0, -1, 1 << 22} {
		p := v.system.Process(tid, 0, 0)
		if p.Session() == p.PID() || p.Group() != 0 || p.Terminal() != nil || p.Privileged() || p.Groups() != nil || !p.Orphaned() || !p.Deaf(pts.SIGINT) {
			t.Errorf("%d: session %d, group %d", tid, p.Session(), p.Group())
		}
		if _, err := v.ptm.OpenPTS(p, pty.O_RDWR); err != nil {
			t.Error(err)
		}
		p.SetTerminal(nil)
		for _, group := range []int{0, -1, 1 << 22} {
			for _, session := range []int{tid, os.Getpid(), group} {
				v.system.SignalGroup(session, group, pts.SIGWINCH)
			}
		}
		v.system.SignalLeader(tid, pts.SIGWINCH)
	}
	s.asks("TIOCGSID")
	if got := s.said[0]; got != "ptm, TIOCGSID: ENOTTY" {
		t.Error(got)
	}
	own, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	v.system.SignalGroup(own+1, unix.Getpgrp(), pts.SIGWINCH) // of another session
	v.system.SignalLeader(own, pts.SIGWINCH)                  // without a terminal of ours
	if err := unix.Kill(os.Getpid(), lastSignal); err != nil {
		t.Fatal(err)
	}
	if got := <-caught; got != lastSignal {
		t.Errorf("this process gets %v", got)
	}
}

// The kernel gives a session one terminal, its own or, here, ours.
func TestLeaderWithKernelsTerminal(t *testing.T) {
	s, _ := ours(t)
	k := newKernel(t)
	leader := s.leader("leader")
	if got := k.open(s, leader, pty.O_RDWR); got != "ok" {
		t.Fatal(got)
	}
	s.opens(leader, pty.O_RDWR)
	for _, words := range []string{"TIOCGSID", "TIOCSCTTY 1", "TIOCNOTTY 0"} {
		s.do(leader, words)
	}
	s.asks("TIOCGSID")
	leader.ok(s, "ignore SIGHUP")
	k.hangup(s)
	s.do(leader, "TIOCSCTTY 0")
	s.asks("TIOCGSID")
	got := strings.Join(s.said[1:], "; ")
	if want := `leader, TIOCGSID: ENOTTY; leader, TIOCSCTTY 1: EPERM; leader, TIOCNOTTY 0: ENOTTY; ptm, TIOCGSID: ENOTTY; leader, TIOCSCTTY 0: ok; ptm, TIOCGSID: "leader"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// asleep is a system whose loop does not come to see who has exited.
func asleep(v *virtual) { v.system.forget() }

// Who waited for the leader finds the terminal free, however busy the loop is.
func TestNextLeaderComesBeforeTheLoop(t *testing.T) {
	s, v := ours(t)
	asleep(v)
	leader, child := inSession(s)
	child.ok(s, "handle SIGHUP")
	foregrounds(s, leader, child.pid)
	s.exits(leader)
	next := s.leader("next")
	s.opens(next, pty.O_RDWR)
	if got := child.ask(s, "next"); got != "SIGHUP" {
		t.Errorf("the foreground gets %s", got)
	}
	if v.system.Process(next.pid, 0, 0).Terminal() == nil || v.system.Process(child.pid, 0, 0).Terminal() != nil {
		t.Error("the next leader does not get the terminal, or the last one's child keeps it")
	}
}

// A leader's number that comes again is nobody's terminal. The kernel does not let us
// choose a number, so the entry is moved to that of another.
func TestNumbersComeAgain(t *testing.T) {
	s, v := ours(t)
	asleep(v)
	leader := s.leader("leader")
	s.opens(leader, pty.O_RDWR)
	s.exits(leader)
	heir := s.leader("heir")
	sys := v.system
	sys.mu.Lock()
	e := sys.sessions[leader.pid]
	delete(sys.sessions, e.id)
	e.id = heir.pid
	sys.sessions[e.id] = e
	sys.mu.Unlock()
	if sys.Process(heir.pid, 0, 0).Terminal() != nil {
		t.Error("a terminal is inherited by number")
	}

	// And a process that gave its terminal up is one of its time.
	next := s.leader("next")
	v.ptm = pty.New(nil, pty.Config{})
	if err := v.ptm.Unlock(); err != nil {
		t.Fatal(err)
	}
	s.opens(next, pty.O_RDWR)
	child := newJob(s, next, "child")
	who, alive := identify(child.pid)
	if !alive {
		t.Fatal("the child is gone")
	}
	who.start--
	_, without := sys.terminalOf(next.pid)
	if len(without) != 0 {
		t.Fatalf("without: %v", without)
	}
	sys.note(next.pid, sys.sessions[next.pid].terminal, abstainers{who: nil})
	if sys.Process(child.pid, 0, 0).Terminal() == nil {
		t.Error("what an earlier process gave up is lost to a later one of its number")
	}
	s.do(child, "TIOCNOTTY 0")
	if _, without := sys.terminalOf(next.pid); len(without) != 1 || sys.Process(child.pid, 0, 0).Terminal() != nil {
		t.Errorf("without: %v", without)
	}
}

// Without a descriptor to watch it by, a leader gets no terminal.
func TestNoDescriptorIsLeft(t *testing.T) {
	s, v := ours(t)
	leader := s.leader("leader")
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	s.opens(leader, pty.O_RDWR)
	p := v.system.Process(leader.pid, 0, 0)
	terminal := p.Terminal()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if terminal != nil {
		t.Error("it has one")
	}
	s.asks("TIOCGSID")
	s.do(leader, "TIOCSCTTY 0")
	s.asks("TIOCGSID")
	if got, want := strings.Join(s.said[1:], "; "), `ptm, TIOCGSID: ENOTTY; leader, TIOCSCTTY 0: ok; ptm, TIOCGSID: "leader"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestClose(t *testing.T) {
	v := &virtual{ptm: pty.New(nil, pty.Config{}), ends: make(map[int]*pty.PTS)}
	var err error
	if v.system, err = New(newLoop(t)); err != nil {
		t.Fatal(err)
	}
	if err := v.ptm.Unlock(); err != nil {
		t.Fatal(err)
	}
	s := newStage(t, v)
	leader := s.leader("leader")
	s.opens(leader, pty.O_RDWR)
	if err := v.system.Close(); err != nil {
		t.Error(err)
	}
	if v.system.Close() == nil {
		t.Error("it can be closed again")
	}
	next := s.leader("next")
	s.do(leader, "TIOCGSID")
	s.hangup(s)
	s.say("%v", v.system.Process(next.pid, 0, 0).Terminal())
	if got, want := strings.Join(s.said[1:], "; "), "leader, TIOCGSID: ENOTTY; <nil>"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := New(endedLoop(t)); err == nil {
		t.Error("a closed loop watches")
	}
}

// endedLoop is a loop that has ended.
func endedLoop(t *testing.T) *epoll.Loop {
	t.Helper()
	loop, err := epoll.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	if err := loop.Close(); err != nil {
		t.Fatal(err)
	}
	return loop
}

// TestFromManyGoroutines has everything happen at once, for the race detector.
func TestFromManyGoroutines(t *testing.T) {
	s, v := ours(t)
	var leaders []*actor
	for i := range 3 {
		a := s.leader(fmt.Sprint("leader", i))
		a.ok(s, "ignore SIGHUP SIGTTOU SIGTTIN")
		leaders = append(leaders, a)
	}
	child := s.child(leaders[0], "child", "setpgid")
	child.ok(s, "ignore SIGHUP")
	var terminal job.Terminal
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 50 {
				var d job.Debts
				p := v.system.Process(leaders[(i+n)%3].pid, 0, 0)
				terminal.Open(p)
				_ = terminal.Acquire(p, 1, true)
				c := v.system.Process(child.pid, 0, 0)
				_ = terminal.Check(c, pts.SIGTTOU, &d)
				_ = terminal.SetForeground(p, p.Group(), &d)
				_ = terminal.GiveUp(c, &d)
				terminal.Signal(pts.SIGWINCH, &d)
				if n%8 == 0 {
					terminal.Hangup(&d)
				}
				d.Pay()
			}
		})
	}
	wg.Go(func() { s.exits(leaders[2]) })
	wg.Wait()
}

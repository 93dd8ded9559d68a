package pty

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
)

// A stage is a terminal with a session in it: a leader in the foreground and a child
// of it in a group of its own.
type stage struct {
	table      *job.Table
	m          *PTM
	s          *PTS
	leader, bg *job.Proc
	log        []string
	names      map[*job.Proc]string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	st := &stage{}
	st.table = job.NewTable(func(p *job.Proc, s pts.Signal, e job.Event) {
		st.log = append(st.log, fmt.Sprintf("%s %v by %v", st.names[p], e, s))
	})
	st.m = New(nil, Config{})
	if err := st.m.Unlock(); err != nil {
		t.Fatal(err)
	}
	st.leader = st.table.Start(nil, 0, 0)
	st.s = st.open(t, st.leader, O_RDWR)
	if st.leader.Terminal() == nil {
		t.Fatal("the leader has no controlling terminal")
	}
	st.bg = st.table.Start(st.leader, 0, 0)
	if err := st.bg.Setpgid(0); err != nil {
		t.Fatal(err)
	}
	st.names = map[*job.Proc]string{st.leader: "leader", st.bg: "bg"}
	return st
}

func (st *stage) open(t *testing.T, p *job.Proc, flags int) *PTS {
	t.Helper()
	s, err := st.m.OpenPTS(p, flags)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// happened is what signals did since the last call.
func (st *stage) happened() string {
	defer func() { st.log = nil }()
	return strings.Join(st.log, ", ")
}

func TestBackground(t *testing.T) { // rows 49, 50, 51
	read := func(e pts.End) error { _, err := e.Read(make([]byte, 9)); return err }
	request := func(req uint32, value int) func(pts.End) error {
		return func(e pts.End) error { _, err := ioctl(e, req, value); return err }
	}
	guarded := map[string]func(pts.End) error{
		"tcsetattr": func(e pts.End) error {
			b := make([]byte, 36)
			_, _ = e.Ioctl(nil, pts.TCGETS, b)
			_, err := e.Ioctl(nil, pts.TCSETS, b)
			return err
		},
		"tcflush": request(pts.TCFLSH, TCIFLUSH), "tcflow": request(pts.TCXONC, TCOON), "tcdrain": request(pts.TCSBRK, 1),
		"TIOCSETD": request(pts.TIOCSETD, N_TTY), "write with TOSTOP": func(e pts.End) error { _, err := e.Write([]byte("x")); return err },
	}
	free := map[string]func(pts.End) error{
		"TIOCSWINSZ": request(pts.TIOCSWINSZ, 5), "TCGETS": request(pts.TCGETS, 0), "FIONREAD": request(pts.FIONREAD, 0),
		"TIOCGPGRP": request(pts.TIOCGPGRP, 0), "TIOCGSID": request(pts.TIOCGSID, 0), "TIOCSTI": request(pts.TIOCSTI, 'x'),
	}
	prepare := map[string]func(*stage){
		"default": func(*stage) {},
		"ignored": func(st *stage) {
			st.bg.Action(pts.SIGTTIN, job.Ignored)
			st.bg.Action(pts.SIGTTOU, job.Ignored)
		},
		"blocked":  func(st *stage) { st.bg.Block(1<<pts.SIGTTIN | 1<<pts.SIGTTOU) },
		"orphaned": func(st *stage) { st.bg = orphan(st) },
		"handled": func(st *stage) {
			st.bg.Action(pts.SIGTTIN, job.Handled)
			st.bg.Action(pts.SIGTTOU, job.Handled)
		},
		"foreign": func(st *stage) { st.bg = st.table.Start(nil, 0, 0) },
	}
	for how, want := range map[string]struct{ read, guarded, setpgrp error }{
		"default":  {pts.ERESTARTSYS, pts.ERESTARTSYS, pts.ERESTARTSYS},
		"ignored":  {pts.EIO, nil, nil},
		"blocked":  {pts.EIO, nil, nil},
		"orphaned": {pts.EIO, pts.EIO, pts.ENOTTY},
		"handled":  {pts.EINTR, pts.EINTR, pts.EINTR},
		"foreign":  {pts.EAGAIN, nil, pts.ENOTTY},
	} {
		try := func(name string, do func(pts.End) error, want error) {
			t.Helper()
			st := newStage(t)
			set(t, st.s, "tostop")
			prepare[how](st)
			st.happened()
			if err := do(st.s.End(st.bg)); err != want {
				t.Errorf("%s, %s: %v, want %v", how, name, err, want)
			}
			events := st.happened()
			if stops := how == "default" && want == pts.ERESTARTSYS; stops != strings.Contains(events, "bg stopped") {
				t.Errorf("%s, %s: %q happened", how, name, events)
			}
		}
		try("read", read, want.read)
		if how != "foreign" {
			try("read of 0 bytes", func(e pts.End) error { _, err := e.Read(nil); return err }, want.read)
		}
		for name, do := range guarded {
			try(name, do, want.guarded)
		}
		try("tcsetpgrp", func(e pts.End) error {
			_, err := ioctl(e, pts.TIOCSPGRP, 2)
			return err
		}, want.setpgrp)
		for name, do := range free {
			if how != "foreign" {
				try(name, do, nil)
			}
		}
	}
	st := newStage(t) // without TOSTOP
	write(t, st.s.End(st.bg), "x")
}

// orphan is a process whose parent, in a group of the leader's session, has gone.
func orphan(st *stage) *job.Proc {
	child := st.table.Start(st.bg, 0, 0)
	st.names[child] = "orphan"
	st.bg.Exit()
	return child
}

func TestHangupOfSession(t *testing.T) { // row 16
	st := newStage(t)
	if err := st.s.SetForeground(st.bg.Group()); err != nil {
		t.Fatal(err)
	}
	if group, err := st.m.Foreground(); group != st.bg.Group() || err != nil {
		t.Errorf("foreground %d, %v", group, err)
	}
	for _, p := range []*job.Proc{st.leader, st.bg} {
		p.Action(pts.SIGHUP, job.Handled)
		p.Action(pts.SIGCONT, job.Handled)
	}
	_ = st.m.Close()
	if got, want := st.happened(), "leader caught by SIGHUP, leader caught by SIGCONT"; got != want {
		t.Errorf("row 16: %s, want %s", got, want)
	}
	if st.leader.Terminal() != nil || st.bg.Terminal() != nil {
		t.Error("the session keeps its terminal")
	}
	st.leader.Exit()
	if got, want := st.happened(), "bg caught by SIGHUP, bg caught by SIGCONT"; got != want {
		t.Errorf("when the leader exits: %s, want %s", got, want)
	}
}

func TestLeaderExits(t *testing.T) { // row 17
	st := newStage(t)
	if err := st.s.SetForeground(st.bg.Group()); err != nil {
		t.Fatal(err)
	}
	st.bg.Action(pts.SIGHUP, job.Handled)
	st.leader.Exit()
	if got, want := st.happened(), "bg caught by SIGHUP"; got != want {
		t.Errorf("row 17: %s, want %s", got, want)
	}
	write(t, st.s.End(st.bg), "alive")
	wantReads(t, "row 17", st.m.End(nil), 10, `"alive" EAGAIN`)
	wantIoctl(t, st.m.End(nil), pts.TIOCGSID, 0, pts.ENOTTY)
}

func TestControllingTerminal(t *testing.T) {
	st := newStage(t)
	other := st.table.Start(nil, 1000, 1000)
	e := st.s.End(other)
	wantIoctl(t, e, pts.TIOCSCTTY, 0, pts.EPERM)
	wantIoctl(t, e, pts.TIOCSCTTY, 1, pts.EPERM) // not privileged
	wantIoctl(t, e, pts.TIOCNOTTY, 0, pts.ENOTTY)
	wantIoctl(t, st.s.End(st.leader), pts.TIOCSCTTY, 0, nil) // again
	wantIoctl(t, st.s.End(st.bg), pts.TIOCSCTTY, 0, pts.EPERM)
	for _, c := range []struct {
		group int
		want  error
	}{{-1, pts.EINVAL}, {0, pts.ESRCH}, {999, pts.ESRCH}, {other.Group(), pts.EPERM}, {st.bg.Group(), nil}} {
		wantIoctl(t, st.s.End(st.leader), pts.TIOCSPGRP, c.group, c.want)
	}
	root := st.table.Start(nil, 0, 0)
	wantIoctl(t, st.s.End(root), pts.TIOCSCTTY, 2, pts.EPERM)
	st.happened()
	wantIoctl(t, st.s.End(root), pts.TIOCSCTTY, 1, nil)
	if st.leader.Terminal() != nil || st.happened() != "" {
		t.Error("a stolen terminal stays, or signals")
	}
	if sid, err := ioctl(st.m.End(nil), pts.TIOCGSID, 0); sid != root.PID() || err != nil {
		t.Errorf("session %d, %v", sid, err)
	}
	wantIoctl(t, st.m.End(root), pts.TIOCNOTTY, 0, pts.ENOTTY)
	wantIoctl(t, st.s.End(root), pts.TIOCNOTTY, 0, nil)

	wo := st.open(t, other, O_WRONLY) // row 20
	if other.Terminal() != nil {
		t.Error("row 20: opening for writing acquires the terminal")
	}
	wantIoctl(t, wo.End(other), pts.TIOCSCTTY, 0, pts.EPERM)
	wantIoctl(t, st.m.End(other), pts.TIOCSCTTY, 0, nil) // row 22
	if other.Terminal() == nil {
		t.Error("row 22: through the ptm it does not")
	}
	again := st.table.Start(nil, 0, 0)
	st.open(t, again, O_RDWR|O_NOCTTY)
	if again.Terminal() != nil {
		t.Error("O_NOCTTY acquires the terminal")
	}
}

func TestGivingUpTheTerminal(t *testing.T) {
	st := newStage(t)
	child := st.table.Start(st.leader, 0, 0)
	wantIoctl(t, st.s.End(child), pts.TIOCNOTTY, 0, nil)
	wantIoctl(t, st.s.End(child), pts.TIOCGSID, 0, pts.ENOTTY)
	if st.leader.Terminal() == nil {
		t.Error("a child gives up its leader's terminal")
	}
	if err := st.s.SetForeground(st.bg.Group()); err != nil {
		t.Fatal(err)
	}
	st.bg.Action(pts.SIGHUP, job.Handled)
	wantIoctl(t, st.s.End(st.leader), pts.TIOCNOTTY, 0, nil)
	if got, want := st.happened(), "bg caught by SIGHUP"; got != want || st.bg.Terminal() != nil {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSignalCharacters(t *testing.T) {
	st := newStage(t)
	if err := st.s.SetForeground(st.bg.Group()); err != nil {
		t.Fatal(err)
	}
	write(t, st.m.End(nil), "\x1a")
	if got := st.happened(); got != "bg stopped by SIGTSTP" || st.bg.Running() {
		t.Errorf("^Z: %s", got)
	}
	st.table.Signal(st.bg.Group(), pts.SIGCONT)
	write(t, st.m.End(nil), "\x03")
	if got := st.happened(); got != "bg continued by SIGCONT, bg killed by SIGINT" {
		t.Errorf("^C: %s", got)
	}
	// ^Z stops nobody in an orphaned group.
	child := orphan(st)
	st.leader.Action(pts.SIGTTOU, job.Ignored)
	if err := st.s.SetForeground(child.Group()); err != nil {
		t.Fatal(err)
	}
	write(t, st.m.End(nil), "\x1a")
	if got := st.happened(); got != "" || !child.Running() {
		t.Errorf("^Z of an orphan: %s", got)
	}
}

//go:build linux

package procjob

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
)

// A stage is a terminal, the kernel's or ours, and real processes that use it. To the
// kernel's they make their calls themselves; to ours they are made on their behalf,
// as a server does. What happens is said, and must be the same on both.
type stage struct {
	*testing.T
	listener *net.UnixListener
	actors   map[int]*actor
	said     []string
	terminal
}

// terminal is what a stage's actors and its ptm do.
type terminal interface {
	open(s *stage, a *actor, flags int) string
	// does has a do what words say, and stops too, which sends it a signal that stops it
	// in the middle.
	does(s *stage, a *actor, words string) string
	stops(s *stage, a *actor, words string)
	// typed is what the ptm writes.
	typed(s *stage, b string)
	resize(s *stage, rows uint16)
	ask(s *stage, req string) string // of the ptm
	hangup(s *stage)                 // closes the ptm
	another(s *stage) terminal
}

type actor struct {
	name       string
	pid, pidfd int
	conn       net.Conn
	lines      *bufio.Reader
}

func newLoop(t *testing.T) *epoll.Loop {
	t.Helper()
	loop, err := epoll.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := loop.Close(); err != nil {
			t.Error(err)
		}
	})
	return loop
}

func newSystem(t *testing.T) *System {
	t.Helper()
	s, err := New(newLoop(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newStage(t *testing.T, on terminal) *stage {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(l.Addr().String(), 0o777); err != nil {
		t.Fatal(err)
	}
	s := &stage{T: t, listener: l, actors: make(map[int]*actor), terminal: on}
	t.Cleanup(func() {
		for _, a := range s.actors {
			s.end(a)
		}
		l.Close()
	})
	return s
}

// leader starts an actor that leads a session. It is a child of this process.
func (s *stage) leader(name string) *actor {
	s.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), actorVar+"="+s.listener.Addr().String(), "GORACE=atexit_sleep_ms=0") // the race detector waits else
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	a := s.enters(name)
	s.Cleanup(func() {
		s.end(a)
		_ = cmd.Wait() // however it ended
	})
	return a
}

// child has an actor start another.
func (s *stage) child(of *actor, name, how string) *actor {
	s.Helper()
	answer := of.ask(s, "fork "+how)
	a := s.enters(name)
	if pid, err := strconv.Atoi(answer); err != nil || pid != a.pid && how != "inside" {
		s.Fatalf("fork %s: %s, and %d came", how, answer, a.pid)
	}
	return a
}

// enters waits for an actor that was started.
func (s *stage) enters(name string) *actor {
	s.Helper()
	conn, err := s.listener.AcceptUnix()
	if err != nil {
		s.Fatal(err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		s.Fatal(err)
	}
	var cred *unix.Ucred
	var err2 error
	if err := raw.Control(func(fd uintptr) { cred, err2 = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || err2 != nil {
		s.Fatal(err, err2)
	}
	pidfd, err := unix.PidfdOpen(int(cred.Pid), 0)
	if err != nil {
		s.Fatal(err)
	}
	a := &actor{name: name, pid: int(cred.Pid), pidfd: pidfd, conn: conn, lines: bufio.NewReader(conn)}
	s.actors[a.pid] = a
	return a
}

// end ends an actor, however it is, and waits for that.
func (s *stage) end(a *actor) {
	if a.pidfd < 0 {
		return
	}
	_ = unix.PidfdSendSignal(a.pidfd, unix.SIGKILL, nil, 0) // it may have ended
	s.gone(a)
}

// gone waits for the end of an actor that is about to.
func (s *stage) gone(a *actor) {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(a.pidfd), Events: unix.POLLIN}}, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			s.Error(err)
		}
		break
	}
	_ = unix.Close(a.pidfd) // ours alone
	a.pidfd = -1
	a.conn.Close()
}

// exits has an actor end by itself.
func (s *stage) exits(a *actor) {
	s.Helper()
	if _, err := fmt.Fprintln(a.conn, "exit"); err != nil {
		s.Fatal(err)
	}
	s.gone(a)
}

// ask has an actor do something and returns its answer.
func (a *actor) ask(s *stage, words string) string {
	s.Helper()
	a.told(s, words)
	answer, err := a.lines.ReadString('\n')
	if err != nil {
		s.Fatalf("%s, %s: %v", a.name, words, err)
	}
	return strings.TrimSpace(answer)
}

func (a *actor) told(s *stage, words string) {
	s.Helper()
	if _, err := fmt.Fprintln(a.conn, words); err != nil {
		s.Fatalf("%s, %s: %v", a.name, words, err)
	}
}

// ok is ask for what must succeed.
func (a *actor) ok(s *stage, words string) {
	s.Helper()
	if answer := a.ask(s, words); answer != "ok" {
		s.Fatalf("%s, %s: %s", a.name, words, answer)
	}
}

// nothing says what an actor caught before this.
func (s *stage) nothing(a *actor) {
	s.Helper()
	if err := unix.PidfdSendSignal(a.pidfd, lastSignal, nil, 0); err != nil {
		s.Fatal(err)
	}
	for got := ""; got != "nothing"; {
		got = a.ask(s, "next")
		s.say("%s gets %s", a.name, got)
	}
}

// two says which two signals an actor gets, which may come on different threads of it.
func (s *stage) two(a *actor) {
	s.Helper()
	got := []string{a.ask(s, "next"), a.ask(s, "next")}
	slices.Sort(got)
	s.say("%s gets %v", a.name, got)
}

var numbers = regexp.MustCompile(`\b[0-9]+\b`)

// say notes what happened, with the names of the actors for their numbers.
func (s *stage) say(format string, args ...any) {
	line := numbers.ReplaceAllStringFunc(fmt.Sprintf(format, args...), func(n string) string {
		if a := s.actors[number(n)]; a != nil {
			return a.name
		}
		return n
	})
	s.said = append(s.said, line)
}

func (s *stage) opens(a *actor, flags int) {
	s.Helper()
	s.say("%s opens %#x: %s", a.name, flags, s.open(s, a, flags))
}

func (s *stage) do(a *actor, words string) {
	s.Helper()
	s.say("%s, %s: %s", a.name, words, s.does(s, a, words))
}

// doStops is do for what stops a, which its parent sees.
func (s *stage) doStops(parent, a *actor, words string) {
	s.Helper()
	s.stops(s, a, words)
	s.say("%s, %s: %s", a.name, words, parent.ask(s, "watch "+strconv.Itoa(a.pid)))
}

func (s *stage) asks(req string) {
	s.Helper()
	s.say("ptm, %s: %s", req, s.ask(s, req))
}

//go:build linux

package nsexec

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func init() { roles["server"] = serverRole }

// watch returns a pidfd of pid, which must be alive.
func watch(t *testing.T, pid int) int {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("pidfd of %d: %v", pid, err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// ended tells whether the process of a pidfd ends within timeout milliseconds: 0
// looks, -1 waits.
func ended(t *testing.T, fd, timeout int) bool {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, timeout)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
}

// parentOf reads who the parent of pid is.
func parentOf(t *testing.T, pid int) int {
	t.Helper()
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(proc)
	st, err := readStat(proc, strconv.Itoa(pid))
	if err != nil {
		t.Fatal(err)
	}
	return st.parent
}

// stubborn is a script that leaves behind a process in a session of its own that
// ignores what can be ignored, and a stopped one, and says their pids.
const stubborn = `
	trap '' HUP TERM INT
	setsid sh -c 'echo pid $$; exec tail -f /dev/null' &
	sh -c 'echo pid $$; kill -STOP $$' &
	echo pid $$
	exec tail -f /dev/null`

// pids reads n lines "pid N".
func (r *running) pids(n int) (pids []int) {
	r.t.Helper()
	for range n {
		pid, err := strconv.Atoi(strings.TrimPrefix(r.line(), "pid "))
		if err != nil {
			r.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func TestKill(t *testing.T) {
	have(t, "setsid")
	s := newSpace(t, Config{})
	r, err := s.start(Program{Argv: []string{"sh", "-c", stubborn}})
	if err != nil {
		t.Fatal(err)
	}
	meek, err := s.start(Program{Argv: []string{"sh", "-c", "trap 'exit 3' TERM; trap '' HUP; echo ready; while :; do read x; done"}})
	if err != nil {
		t.Fatal(err)
	}
	meek.line()
	var watched []int
	for _, pid := range r.pids(3) {
		watched = append(watched, watch(t, pid))
	}
	s.Kill()
	for i, fd := range watched {
		if !ended(t, fd, 0) {
			t.Errorf("process %d is alive after Kill", i)
		}
	}
	if _, ws := meek.wait(); ws.ExitStatus() != 3 {
		t.Errorf("one that ends when asked to: status %#x, want exit 3", uint32(ws))
	}
	if _, ws := r.wait(); ws.Signal() != syscall.SIGKILL {
		t.Errorf("one that does not: status %#x, want killed", uint32(ws))
	}
	ptm, index := s.openPtm()
	defer ptm.Close()
	if _, err := s.Start(Program{Argv: []string{"true"}, Env: environ, Index: index}, nil); !errors.Is(err, syscall.ESHUTDOWN) {
		t.Errorf("Start after Kill: %v", err)
	}
	s.Kill() // nothing to do
}

// TestKillForkers ends processes that fork as fast as they can.
func TestKillForkers(t *testing.T) {
	for _, pidNS := range []bool{false, true} {
		s := newSpace(t, Config{PIDNS: pidNS})
		r, err := s.start(Program{Argv: []string{"sh", "-c", `
			trap '' HUP TERM
			f='while :; do (exec true) & wait; done'
			for i in 1 2 3; do setsid sh -c "trap '' HUP TERM; $f" & done
			echo ready
			exec setsid -w sh -c "trap '' HUP TERM; $f"`}})
		if err != nil {
			t.Fatal(err)
		}
		r.line()
		s.Kill()
		if n := len(childrenOf(t, s.PID())); n != 0 {
			t.Errorf("pid namespace %v: the supervisor has %d children after Kill", pidNS, n)
		}
	}
}

func childrenOf(t *testing.T, pid int) []process {
	t.Helper()
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(proc)
	return descendants(proc, pid)
}

// TestOrphans are reaped, without and with a pid namespace.
func TestOrphans(t *testing.T) {
	have(t, "setsid")
	for _, pidNS := range []bool{false, true} {
		s := newSpace(t, Config{PIDNS: pidNS})
		r, err := s.start(Program{Argv: []string{"sh", "-c", `setsid sh -c 'echo ready; exec tail -f /dev/null' </dev/null & read x`}})
		if err != nil {
			t.Fatal(err)
		}
		r.line() // it is in its own session by now
		var orphan process
		for _, p := range childrenOf(t, s.PID()) {
			if parentOf(t, p.pid) == r.pid {
				orphan = p
			}
		}
		fd := watch(t, orphan.pid)
		if _, err := r.ptm.WriteString("\n"); err != nil {
			t.Fatal(err)
		}
		<-r.status
		if ended(t, fd, 0) {
			t.Fatal("the orphan has ended with its parent")
		}
		reaper := parentOf(t, orphan.pid)
		if !pidNS && reaper != s.PID() || pidNS && parentOf(t, reaper) != s.PID() {
			t.Errorf("pid namespace %v: the orphan's parent is %d, the supervisor %d", pidNS, reaper, s.PID())
		}
		if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
			t.Fatal(err)
		}
		ended(t, fd, -1)
		s.Kill()
		if left := childrenOf(t, s.PID()); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// serverRole starts a stubborn program in a namespace, tells the pids and waits to
// be killed.
func serverRole() int {
	die := func(err error) int {
		fmt.Println("error:", err)
		return 1
	}
	s, err := Start(Config{Name: "x", Marker: "x", Options: options, Ptmx: Bind, UserNS: os.Geteuid() != 0, PIDNS: os.Getenv("NSEXEC_TEST_PIDNS") != ""})
	if err != nil {
		return die(err)
	}
	fd, err := unix.Openat(int(s.Instance().Fd()), "ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return die(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return die(err)
	}
	pid, err := s.Start(Program{Argv: []string{"sh", "-c", stubborn}, Env: environ}, nil)
	if err != nil {
		return die(err)
	}
	fmt.Println("pid", s.PID())
	fmt.Println("pid", pid)
	b := make([]byte, 4096)
	for {
		n, err := unix.Read(fd, b)
		if err != nil {
			return die(err)
		}
		_, _ = os.Stdout.Write(b[:n]) // or the test sees too little
	}
}

func TestServerDeath(t *testing.T) {
	have(t, "setsid")
	for _, pidNS := range []bool{false, true} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), roleVar+"=server")
		if pidNS {
			cmd.Env = append(cmd.Env, "NSEXEC_TEST_PIDNS=1")
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var supervisor, pid int
		for _, p := range []*int{&supervisor, &pid} {
			if !lines.Scan() {
				t.Fatal("the server has ended")
			}
			if _, err := fmt.Sscanf(lines.Text(), "pid %d", p); err != nil {
				t.Fatalf("%v: %q", err, lines.Text())
			}
		}
		for range 3 { // they are all started
			lines.Scan()
		}
		watched := []int{watch(t, supervisor), watch(t, pid)}
		for _, p := range childrenOf(t, supervisor) {
			watched = append(watched, watch(t, p.pid))
		}
		if len(watched) < 5 {
			t.Errorf("only %d processes", len(watched))
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, out) // what is left
		_ = cmd.Wait()                  // it was killed
		for _, fd := range watched {
			ended(t, fd, -1)
		}
	}
}

func TestSupervisorDeath(t *testing.T) {
	s := newSpace(t, Config{PIDNS: true})
	r, err := s.start(Program{Argv: []string{"sh", "-c", stubborn}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.line()
	}
	var watched []int
	for _, p := range childrenOf(t, s.PID()) {
		watched = append(watched, watch(t, p.pid))
	}
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if ws := <-r.status; ws.Signal() != syscall.SIGKILL {
		t.Errorf("status %#x, want killed", uint32(ws))
	}
	for _, fd := range watched {
		ended(t, fd, -1) // the pid namespace goes with its reaper
	}
	if _, err := s.Start(Program{Argv: []string{"true"}}, nil); !errors.Is(err, errGone) {
		t.Errorf("Start: %v, want %v", err, errGone)
	}
	s.Kill() // returns
}

func TestCloseEndsEverything(t *testing.T) {
	s, err := Start(Config{Name: "x", Marker: "x", Options: options, Ptmx: Bind, UserNS: os.Geteuid() != 0})
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeFiles()
	sp := &space{Supervisor: s, t: t, ptmx: "ptmx"}
	r, err := sp.start(Program{Argv: []string{"cat"}})
	if err != nil {
		t.Fatal(err)
	}
	fd := watch(t, r.pid)
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if !ended(t, fd, 0) {
		t.Error("a program lives on")
	}
	select {
	case <-s.Done():
	default:
		t.Error("not done")
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

func TestPIDNamespace(t *testing.T) {
	have(t, "ps")
	s := newSpace(t, Config{PIDNS: true})
	r, err := s.start(Program{Argv: []string{"sh", "-c", "echo pid $$; cat /proc/1/comm; set -- /proc/[0-9]*; echo $#; tr '\\0' ' ' </proc/1/cmdline; echo; kill -9 1; kill -TERM 1; test -d /proc/1 && echo pid 1 stays"}})
	if err != nil {
		t.Fatal(err)
	}
	out, _ := r.wait()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	want := []string{"", "ptsns", "2", "ptsns-reaper test ", "pid 1 stays"} // pid 1 and sh
	if len(lines) != len(want) {
		t.Fatalf("output %q", out)
	}
	if lines[0] == fmt.Sprint("pid ", r.pid) {
		t.Errorf("Start and the program agree on its pid %d", r.pid)
	}
	for i := range want {
		if i > 0 && lines[i] != want[i] {
			t.Errorf("line %d: %q, want %q", i, lines[i], want[i])
		}
	}
	if os.Geteuid() == 0 {
		if got := s.sh("umount /proc; ls -1A /proc"); got != "" {
			t.Errorf("below /proc there is %q", got)
		}
	}
}

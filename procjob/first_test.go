//go:build linux

package procjob

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/pts"
)

// firstVar makes of a test binary the first process of a pid namespace.
const firstVar = "PTSNS_TEST_FIRST"

// TestGroupOfFirstProcess signals the group 1, which kill(2) takes for everybody.
func TestGroupOfFirstProcess(t *testing.T) {
	if os.Getuid() != 0 {
		lacking(t, "needs root, for a pid namespace")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), firstVar+"=1")
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Setsid: true}
	out, err := cmd.CombinedOutput()
	if got, want := string(out), "mate killed by SIGHUP\nother killed by SIGTERM\n"; err != nil || got != want {
		t.Errorf("%v\n%s, want\n%s", err, got, want)
	}
}

// TestSessionOutside asks for the session of a process whose session has no number in its
// pid namespace: it exists, and is another than any that has.
func TestSessionOutside(t *testing.T) {
	if os.Getuid() != 0 {
		lacking(t, "needs root, for a pid namespace")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), firstVar+"=outside")
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	out, err := cmd.CombinedOutput()
	if got, want := string(out), "-1\n"; err != nil || got != want {
		t.Errorf("%v\n%s, want\n%s", err, got, want)
	}
}

func first() int {
	if os.Getenv(firstVar) == "outside" {
		fmt.Println(new(System).SessionOf(1))
		return 0
	}
	fail := func(err error) int {
		fmt.Println(err)
		return 1
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fail(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fail(err)
	}
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	loop, err := epoll.NewLoop()
	if err != nil {
		return fail(err)
	}
	s, err := New(loop)
	if err != nil {
		return fail(err)
	}
	pids := make(map[string]int)
	for name, own := range map[string]bool{"mate": false, "other": true} {
		cmd := exec.Command("cat")
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: own}
		if _, err := cmd.StdinPipe(); err != nil {
			return fail(err)
		}
		if err := cmd.Start(); err != nil {
			return fail(err)
		}
		pids[name] = cmd.Process.Pid
	}
	s.SignalGroup(1, 1, pts.SIGHUP)
	fmt.Println("mate", watch(pids["mate"], unix.WEXITED))
	if err := unix.Kill(pids["other"], unix.SIGTERM); err != nil {
		return fail(err)
	}
	fmt.Println("other", watch(pids["other"], unix.WEXITED))
	return 0
}

package conform

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/internal/oracle"
)

// roleVar says what this program was started again for.
const roleVar = "PTSNS_CONFORM_ROLE"

// TestMain runs the tests in a mount namespace of their own, where root can make one: what
// they mount is gone with them.
func TestMain(m *testing.M) {
	oracle.Main()
	switch os.Getenv(roleVar) {
	case "server":
		os.Exit(serve())
	case "inside":
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Fprintln(os.Stderr, "making mounts private:", err)
			os.Exit(1)
		}
	default:
		if os.Geteuid() == 0 {
			os.Exit(runInside())
		}
	}
	before := descriptors()
	code := m.Run()
	if code == 0 {
		code = leaks(before)
	}
	os.Exit(code)
}

// runInside runs this program in a mount namespace of its own. It ends when we do.
func runInside() int {
	runtime.LockOSThread() // whose end would end it
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), roleVar+"=inside", "GORACE=atexit_sleep_ms=0")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "starting in a mount namespace:", err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// leaks fails the run when descriptors of terminals or of FUSE, or goroutines of ours, are left.
func leaks(before int) int {
	code := 0
	if n := descriptors(); n != before {
		fmt.Fprintf(os.Stderr, "%d descriptors of terminals and mounts are left, %d at first\n", n, before)
		code = 1
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, g := range strings.Split(string(stacks), "\n\n")[1:] {
		if strings.Contains(g, "ptsns/") && !strings.Contains(g, "epoll.(*Loop).run") {
			fmt.Fprintf(os.Stderr, "leaked goroutine:\n%s\n", g)
			code = 1
		}
	}
	return code
}

// descriptors counts what is open of terminals, mounts and sockets.
func descriptors() int {
	n := 0
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	for _, e := range dir {
		link, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && (strings.Contains(link, "ptmx") || strings.Contains(link, "fuse") || strings.Contains(link, "conform") || strings.HasPrefix(link, "socket:")) {
			n++
		}
	}
	return n
}

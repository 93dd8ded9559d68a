//go:build linux

package parent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/nsexec"
)

// isolated is set in the tests' own mount namespace.
const isolated = "PTSNS_TEST_ISOLATED"

// TestMain makes of this executable the ptsns in PATH that Create starts, and keeps what
// the tests mount to themselves.
func TestMain(m *testing.M) {
	nsexec.Main()
	if os.Args[0] == "ptsns" && len(os.Args) == 3 && os.Args[1] == "serve-namespace" {
		if err := Serve(os.Args[2]); err != nil {
			slog.Error("the server failed", "error", err)
			os.Exit(125)
		}
		os.Exit(0)
	}
	if os.Geteuid() == 0 && os.Getenv(isolated) == "" {
		os.Exit(isolate())
	}
	// A race detector's process sleeps before it exits, unless told not to.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // the name is good
	dir, err := os.MkdirTemp("", "parent")
	if err == nil {
		err = usePath(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // it was ours alone
	os.Exit(code)
}

func usePath(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return errors.Join(os.Symlink(self, filepath.Join(dir, "ptsns")), os.Setenv("PATH", dir+":"+os.Getenv("PATH")))
}

func isolate() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), isolated+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL} // Unshareflags makes all mounts private
	if err := cmd.Run(); cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "a mount namespace for the tests:", err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// open opens an empty runtime directory, in which nothing may be left when the test ends.
func open(t *testing.T) *Parent {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	t.Setenv("PTSNS_RUNTIME_DIR", dir)
	p, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		names, err := p.Dir().Names()
		if err != nil {
			t.Error(err)
		}
		for _, name := range names {
			if _, err := p.End(context.Background(), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		}
		if _, err := p.Dir().Clean(); err != nil {
			t.Error(err)
		}
		left, err := filepath.Glob(dir + "/[^.]*")
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
	})
	return p
}

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/nsexec"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// isolated is set in the tests' own mount namespace.
const isolated = "PTSNS_TEST_ISOLATED"

func TestMain(m *testing.M) {
	nsexec.Main()
	if help := helpers[os.Getenv(helperVar)]; help != nil {
		help()
		os.Exit(0)
	}
	if filepath.Base(os.Args[0]) != "ptsns" && os.Geteuid() == 0 && os.Getenv(isolated) == "" {
		os.Exit(isolate())
	}
	// A race detector's process sleeps before it exits, unless told not to.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // the name is good
	testscript.Main(m, map[string]func(){"ptsns": main})
}

// isolate runs the tests in a mount namespace of their own, from which nothing that
// is mounted gets out.
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

// TestScripts runs testdata/script. Each script has a runtime directory of its own,
// and nothing may be left in it that ptsns rm does not remove.
//
// Besides testscript's own, there is the command
//
//	status N CMD...    CMD must end with exit status N
//
// and the conditions [root] and [fuse].
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": status},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "fuse":
				return unix.Access("/dev/fuse", unix.R_OK|unix.W_OK) == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Setup: func(env *testscript.Env) error {
			run := filepath.Join(env.WorkDir, "run")
			env.Setenv("PTSNS_RUNTIME_DIR", run)
			env.Setenv("SHELL", "/bin/sh")
			env.Defer(func() {
				if err := removeAll(run); err != nil {
					env.T().Fatal(err)
				}
			})
			return nil
		},
	})
}

// status is the script command of that name.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N CMD [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// removeAll ends what is in a runtime directory and reports what that leaves: in
// the directory, and mounted below it.
func removeAll(runtimeDir string) error {
	entries, err := os.ReadDir(runtimeDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == ".systems" { // whose mounts are looked for below
			continue
		}
		cmd := exec.Command("ptsns", "rm", e.Name())
		cmd.Env = append(os.Environ(), "PTSNS_RUNTIME_DIR="+runtimeDir)
		out, err := cmd.CombinedOutput()
		if _, gone := os.Lstat(filepath.Join(runtimeDir, e.Name())); gone != nil {
			continue // if not by this rm, by its own end
		}
		return fmt.Errorf("ptsns rm %s: %v: %s", e.Name(), err, out)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	if strings.Contains(string(mounts), runtimeDir+"/") {
		return fmt.Errorf("something is still mounted below %s:\n%s", runtimeDir, mounts)
	}
	return nil
}

//go:build linux

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// However ptsns bench comes to its end, its namespace and its mount go, with their servers.
func TestBenchEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		victim string // whom the signal is for, "" for bench itself
		signal syscall.Signal
	}{
		"interrupted":         {"", unix.SIGINT},
		"terminated":          {"", unix.SIGTERM},
		"killed":              {"", unix.SIGKILL},
		"mount server killed": {"serve-system", unix.SIGKILL},
		"inside killed":       {"inside", unix.SIGKILL},
		"tap server killed":   {"serve-namespace", unix.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			need(t, "root", "fuse")
			r := newRuntime(t)
			bench := r.command("bench", "--rounds=10000", "--time=10ms", "--only=echo_turns_us")
			var out bytes.Buffer
			bench.Stdout, bench.Stderr = &out, &out
			if err := bench.Start(); err != nil {
				t.Fatal(err)
			}
			hang := time.AfterFunc(deadline, func() { _ = bench.Process.Kill() })
			defer hang.Stop()
			r.awaitProcess("serve-system")
			victim := bench.Process.Pid
			if tt.victim != "" {
				victim = r.awaitProcess(tt.victim)
			}
			if err := unix.Kill(victim, tt.signal); err != nil {
				t.Error(err)
			}
			if tt.victim != "" {
				_ = bench.Process.Signal(unix.SIGINT) // early enough, it would measure without what is gone
			}
			if err := bench.Wait(); err == nil {
				t.Errorf("it went well:\n%s", out.Bytes())
			}
			if tt.victim == "serve-namespace" {
				r.run("ls") // cleans
			}
			awaitDir(t, r.path, func(names []string) bool {
				return !slices.ContainsFunc(names, func(name string) bool { return !strings.HasPrefix(name, ".") })
			})
		})
	}
}

// awaitProcess waits until a ptsns of r has this argument, and returns its pid.
func (r *runtimeDir) awaitProcess(arg string) int {
	r.t.Helper()
	for until := time.Now().Add(deadline); time.Now().Before(until); {
		procs, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			r.t.Fatal(err)
		}
		for _, proc := range procs {
			cmdline, _ := os.ReadFile(proc + "/cmdline") // it may have ended
			if slices.Contains(strings.Split(string(cmdline), "\x00"), arg) && belongs(proc, r.path) {
				pid, _ := strconv.Atoi(filepath.Base(proc)) // the pattern's
				return pid
			}
		}
	}
	r.t.Fatalf("no process %q", arg)
	return 0
}

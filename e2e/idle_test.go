//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIdle opens 1,000 terminals in one namespace, of which a server needs few threads
// and little memory, and no time; also when each has put out some 60 lines and somebody
// has looked at each. It is not parallel: see TestLimit.
func TestIdle(t *testing.T) {
	need(t, "root", "fuse", "python3")
	r := newRuntime(t)
	ready := filepath.Join(sharedDir(t), "ready")
	r.must("run", "-d", "--name", "vs1", "--ptmx=tap", "--", "sleep", "1000")
	server := r.state("vs1").ServerPID
	threads := threadsOf(t, server)

	r.must("exec", "vs1", "--", "sh", "-c", "trap \"\" HUP; setsid python3 -c '"+fmt.Sprintf(`
import fcntl, os, resource, signal, struct, termios
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
pairs = [os.openpty() for i in range(1000)]
for ptm, pts in pairs:
    os.write(ptm, b"typed\n")
    os.read(pts, 100)
    os.read(ptm, 100)
    for i in range(60): os.write(pts, b"line %%d of what a shell has shown, a prompt or \\033[1;32mls\\033[m\n" %% i)
    got = b""
    while b"line 59 " not in got or not got.endswith(b"\r\n"): got += os.read(ptm, 8192)
    fcntl.ioctl(ptm, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
os.rename(os.path.abspath(open("%[1]s.new", "w").name), "%[1]s")
signal.pause()`, ready)+"' </dev/null >/dev/null 2>&1 &")
	told(t, ready)
	if n := len(r.state("vs1").Terminals); n != 1001 {
		t.Errorf("%d terminals, want 1001", n)
	}
	if now := threadsOf(t, server); now >= 20 || now > threads+8 {
		t.Errorf("%d threads, %d before", now, threads)
	}
	if rss := statusOf(t, server, "VmRSS"); rss >= 64<<10 && len(buildFlags) == 0 { // the race detector's memory is not ours
		t.Errorf("VmRSS is %d kB", rss)
	}
	awaitIdle(t, r, server)
	t.Logf("%d threads, VmRSS %d kB", threadsOf(t, server), statusOf(t, server, "VmRSS"))

	client := r.dial("vs1")
	for index := 1; index <= 1000; index++ {
		s, err := client.Screen(context.Background(), index, false)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(s.Text, "line 59 ") || s.Screen.Rows != 24 {
			t.Fatalf("terminal %d shows\n%s", index, s.Text)
		}
	}
	_ = client.Close() // nothing is asked any more
	if now := threadsOf(t, server); now >= 20 || now > threads+8 {
		t.Errorf("looked at: %d threads, %d before", now, threads)
	}
	if rss := statusOf(t, server, "VmRSS"); rss >= 150e3 && len(buildFlags) == 0 {
		t.Errorf("looked at: VmRSS is %d kB", rss)
	}
	awaitIdle(t, r, server)
	t.Logf("looked at: %d threads, VmRSS %d kB", threadsOf(t, server), statusOf(t, server, "VmRSS"))
}

// awaitIdle waits until the server does nothing at all while something else on the
// machine works for many ticks: no thread of it was switched to, none had any time.
// Right after the work the Go runtime has some of its own to finish, so the first
// looks may differ.
func awaitIdle(t *testing.T, r *runtimeDir, server int) {
	t.Helper()
	var looks []string
	for range 20 {
		before := activity(t, server)
		cmd := r.command()
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"}
		r.runCommand(cmd)
		after := activity(t, server)
		if before == after {
			return
		}
		looks = append(looks, after)
	}
	t.Errorf("the server never rests:\n%s", strings.Join(looks, "\n"))
}

// activity is the CPU time that a process has had and how often its threads were
// switched to.
func activity(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	const utime, stime = 11, 12 // after the name
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return fmt.Sprintf("utime %s stime %s switches %d", fields[utime], fields[stime],
		statusOf(t, pid, "voluntary_ctxt_switches")+statusOf(t, pid, "nonvoluntary_ctxt_switches"))
}

// threadsOf counts the threads of a process.
func threadsOf(t *testing.T, pid int) int { return statusOf(t, pid, "Threads") }

// statusOf is a field of a process's status, the number alone: the sum over its threads
// where each has its own.
func statusOf(t *testing.T, pid int, field string) int {
	t.Helper()
	pattern := fmt.Sprintf("/proc/%d/status", pid)
	if strings.HasSuffix(field, "_switches") {
		pattern = fmt.Sprintf("/proc/%d/task/*/status", pid)
	}
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("status of process %d: %v", pid, err)
	}
	sum := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, field+":"); ok {
				sum += number(t, strings.Fields(value)[0])
			}
		}
	}
	return sum
}

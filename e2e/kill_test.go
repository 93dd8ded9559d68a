//go:build linux

package e2e

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestClientKilled kills the client: the namespace lives and is joined again.
func TestClientKilled(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGHUP, syscall.SIGTERM} {
		c := r.console("run", "--name", "vs1", "--", "bash", "--norc")
		c.expect(`prompt> `)
		c.enter("x=still; echo $x-here\n")
		c.expect(`still-here\r\n`)
		kill(t, c.cmd.Process.Pid, sig)
		want := 128 + int(sig)
		if sig == syscall.SIGKILL {
			want = -1 // there is no client left to end by itself, or to restore anything
		}
		if code := c.wait(); code != want {
			t.Errorf("after signal %d: exit %d, want %d", sig, code, want)
		}
		if sig != syscall.SIGKILL {
			c.checkRestored()
		}
		again := r.console("attach", "vs1")
		again.enter("echo $x-there\n")
		again.expect(`still-there\r\n`)
		again.enter("exit 7\n")
		if code := again.wait(); code != 7 {
			t.Errorf("joined again: exit %d, want 7", code)
		}
		r.awaitEnd("vs1")
	}
	r.checkEmpty()
}

// TestServerKilled kills the server under a shell, a program that ignores hangups and
// a daemon. The programs get a hangup, the clients say so, and nothing stays.
func TestServerKilled(t *testing.T) {
	for _, c := range []struct {
		name string
		new  func(testing.TB) *runtimeDir
		args []string
	}{
		{"root", newRuntime, nil},
		{"bind", newRuntime, []string{"--ptmx=bind"}},
		{"pid", newRuntime, []string{"--pid"}},
		{"user", newUserRuntime, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.new(t)
			hup := filepath.Join(sharedDir(t), "hup")
			// The hangup is followed by a SIGTERM, and then there is a second left.
			script := fmt.Sprintf(`trap '' TERM; trap 'echo > %s' HUP
				nohup sleep 1001 >/dev/null 2>&1 &
				setsid sleep 1002 >/dev/null 2>&1 &
				echo ready; while :; do read x; done`, hup)
			first := r.console(slices.Concat([]string{"run", "--name", "vs1"}, c.args, []string{"--", "bash", "-c", script})...)
			first.expect(`ready\r\n`)
			joined := r.follow("attach", "vs1/0")
			r.awaitViewers("vs1", 0, 2)
			second := r.console("exec", "vs1", "--", "bash", "--norc")
			second.expect(`prompt> `)

			kill(t, r.state("vs1").ServerPID, syscall.SIGKILL)
			for _, c := range []*console{first, second} {
				if code := c.wait(); code != 125 {
					t.Errorf("%q: exit %d, want 125", c.cmd.Args, code)
				}
				c.expect(`ptsns: (run|exec): vs1/[01]: the server of the namespace has gone\r\n`)
				c.checkRestored()
			}
			got := joined.wait()
			want := result{code: 125, stderr: "ptsns: attach: vs1/0: the server of the namespace has gone\n"}
			if got != want {
				t.Errorf("attach: got %+v, want %+v", got, want)
			}
			told(t, hup)
			out := r.run("ls")
			if want := `cleaned up after namespace "vs1", whose server`; !strings.Contains(out.stderr, want) || out.code != 0 {
				t.Errorf("ls: exit %d, stderr %q, want %q", out.code, out.stderr, want)
			}
			r.checkEmpty()
			// The name is free.
			r.must("run", "--name", "vs1", "--", "true")
		})
	}
}

// TestServerKilledUnderOpeners kills it under openers in the middle of reads: they
// end, and no process hangs in the file system that nobody serves any more.
func TestServerKilledUnderOpeners(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	r, dir := newRuntime(t), sharedDir(t)
	ready := filepath.Join(dir, "ready")
	ended := filepath.Join(dir, "ended")
	r.must("run", "-d", "--name", "vs1", "--", "python3", "-c", fmt.Sprintf(`
import os, signal, threading
for sig in signal.SIGHUP, signal.SIGTERM: signal.signal(sig, signal.SIG_IGN) # which leaves a second
pairs = [os.openpty() for i in range(20)]
errors = []
def read(ptm):
    try: os.read(ptm, 1)
    except OSError as e: errors.append(e.errno)
threads = [threading.Thread(target=read, args=(m,)) for m, s in pairs]
for t in threads: t.start()
os.rename(os.open(%q + ".new", os.O_CREAT | os.O_WRONLY) and %[1]q + ".new", %[1]q)
for t in threads: t.join()
with open(%[2]q + ".new", "w") as f: f.write(str(len(errors)))
os.rename(%[2]q + ".new", %[2]q)
`, ready, ended))
	told(t, ready)
	kill(t, r.state("vs1").ServerPID, syscall.SIGKILL)
	if n := told(t, ended); n != "20" {
		t.Errorf("%s of 20 reads failed", n)
	}
	r.run("ls")
	r.checkEmpty()
}

// TestSupervisorKilled kills the supervisor: the server ends what that had started.
func TestSupervisorKilled(t *testing.T) {
	for _, c := range []struct {
		name string
		new  func(testing.TB) *runtimeDir
		args []string
	}{
		{"root", newRuntime, nil},
		{"pid", newRuntime, []string{"--pid"}},
		{"user", newUserRuntime, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.new(t)
			client := r.console(slices.Concat([]string{"run", "--name", "vs1"}, c.args, []string{"--", "bash", "-c",
				`nohup sleep 1001 >/dev/null 2>&1 & setsid sleep 1002 >/dev/null 2>&1 & echo ready; read x`})...)
			client.expect(`ready\r\n`)
			server := r.state("vs1").ServerPID
			kill(t, supervisor(t, server), syscall.SIGKILL)
			if code := client.wait(); code != 137 {
				t.Errorf("exit %d, want 137: its program is killed", code)
			}
			awaitExit(t, server)
			r.checkEmpty()
		})
	}
}

// TestServerStopped stops the server: ls tells so in time, and rm ends the namespace.
func TestServerStopped(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	r, dir := newRuntime(t), sharedDir(t)
	ready := filepath.Join(dir, "ready")
	r.must("run", "-d", "--name", "vs1", "--", "bash", "-c", tell(ready, "$$")+`; setsid sleep 1001 & exec python3 -c '
import os
m, s = os.openpty()
os.read(m, 1)'`)
	r.must("run", "-d", "--name", "vs2", "--", "sleep", "1000")
	first := toldPID(t, ready)
	server := r.state("vs1").ServerPID
	kill(t, server, syscall.SIGSTOP)

	out := r.run("ls")
	if out.code != 125 || !strings.Contains(out.stdout, "its server does not answer") || !strings.Contains(out.stdout, "vs2") {
		t.Errorf("ls: %+v", out)
	}
	r.refused(125, `name "vs1" is taken`, "run", "--name", "vs1", "--", "true")
	out = r.run("rm", "vs1", "vs2")
	if want := `ptsns: the server of "vs1" did not end it and was killed`; out.code != 0 || !strings.HasPrefix(out.stderr, want) {
		t.Errorf("rm: %+v, want %q", out, want)
	}
	if isAlive(first) || isAlive(server) {
		t.Error("rm left processes")
	}
	r.checkEmpty()
}

// TestServerTerminated asks the server itself to end: it ends everything.
func TestServerTerminated(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	c := r.console("run", "--name", "vs1", "--", "bash", "-c",
		`nohup sleep 1001 >/dev/null 2>&1 & setsid sleep 1002 >/dev/null 2>&1 & echo ready; read x`)
	c.expect(`ready\r\n`)
	server := r.state("vs1").ServerPID
	kill(t, server, syscall.SIGTERM)
	if code := c.wait(); code != 129 {
		t.Errorf("exit %d, want 129: its program is hung up", code)
	}
	awaitExit(t, server)
	r.checkEmpty()
}

// TestManyStart starts ten namespaces at once and leaves the names to ptsns.
func TestManyStart(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	const n = 10
	var starting sync.WaitGroup
	results := make([]result, n)
	for i := range n {
		starting.Go(func() { results[i] = r.run("run", "-d", "--", "sleep", "1000") })
	}
	starting.Wait()
	var got, want []string
	for i, result := range results {
		got = append(got, strings.TrimSpace(result.stdout))
		want = append(want, fmt.Sprintf("vs%d", i+1))
		if result.code != 0 || result.stderr != "" {
			t.Errorf("got %+v", result)
		}
	}
	slices.SortFunc(got, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if states := r.list(); len(states) != n {
		t.Errorf("%d namespaces, want %d", len(states), n)
	}
	r.must(append([]string{"rm"}, got...)...)
	r.checkEmpty()
}

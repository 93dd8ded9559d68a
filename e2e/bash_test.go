//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ptmxKinds are the redirections, each of which has to do for every program.
var ptmxKinds = []string{"tap", "bind", "symlink"}

// eachPtmx runs a test once with every redirection of ptmx.
func eachPtmx(t *testing.T, f func(t *testing.T, kind string)) {
	for _, kind := range ptmxKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			needPtmx(t, kind)
			f(t, kind)
		})
	}
}

func needPtmx(t *testing.T, kind string) {
	t.Helper()
	switch kind {
	case "tap":
		need(t, "fuse")
	case "symlink":
		need(t, "root")
	}
}

// bash is an interactive bash in a new namespace called vs1, at its first prompt. It
// edits no lines, so that nothing but what is asked for is shown.
func (r *runtimeDir) bash(kind string) *console {
	r.t.Helper()
	need(r.t, "bash")
	c := r.console("run", "--name", "vs1", "--ptmx", kind, "--", "bash", "--norc", "--noediting")
	c.expect(`^prompt> `)
	return c
}

// command types a command at a shell's prompt and waits for its output, which must
// match, and the next prompt.
func (c *console) command(line, pattern string) []string {
	c.t.Helper()
	c.begin(line)
	return c.expect(`^(?:` + pattern + `)prompt> `)
}

// begin types a command at a shell's prompt, up to its output.
func (c *console) begin(line string) {
	c.t.Helper()
	c.enter(line + "\n")
	c.expect(`^` + regexp.QuoteMeta(line) + `\r\n`)
}

// tellContinued says when it is continued, and where.
const tellContinued = `#!/usr/bin/python3
import os, signal
def tell():
    place = "fore" if os.tcgetpgrp(0) == os.getpgrp() else "back"
    os.write(1, f"continued in the {place}ground\n".encode())
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT])
os.write(1, b"started\n")
while signal.sigwait([signal.SIGCONT]):
    tell()
`

func TestJobControl(t *testing.T) {
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		c := r.bash(kind)

		// ^Z, jobs, bg, fg, ^C
		c.begin(writeScript(t, tellContinued))
		c.expect(`^started\r\n`)
		c.enter("\x1a")
		c.expect(`^\^Z\r\n\[1\]\+ +Stopped .*script\r\nprompt> `)
		c.command("echo status $?", `status 148\r\n`)
		c.command("jobs", `\[1\]\+ +Stopped .*script\r\n`)
		c.begin("bg")
		c.expect(`continued in the background\r\n`)
		c.enter("echo in' 'step\n")
		c.expect(`in step\r\nprompt> `)
		c.command("jobs", `\[1\]\+ +Running .*script &\r\n`)
		c.command("kill -STOP %1; wait %1", `(?s).*Stopped.*\r\n`)
		c.begin("fg")
		c.expect(`continued in the foreground\r\n`)
		c.enter("\x03")
		c.expect(`^\^C\r\nprompt> `)
		c.command("echo status $?", `status 130\r\n`)

		// a background reader is stopped by SIGTTIN
		c.command(`cat & wait $!; echo status $?`, `(?s).*\r\nstatus 149\r\n`)
		c.begin("fg")
		c.expect(`^cat\r\n`)
		c.begin("one line")
		c.expect(`^one line\r\n`)
		c.enter("\x04")
		c.expect(`^prompt> `)

		// a background writer is by SIGTTOU, with tostop only
		c.command(`sh -c 'echo loud' & wait $!; echo status $?`, `(?s).*loud\r\n.*status 0\r\n`)
		c.command(`stty tostop; sh -c 'echo quiet' & wait $!; echo status $?`, `(?s).*status 150\r\n`)
		c.command("fg", `.*\r\nquiet\r\n`)

		// ^\ ends too; ^S holds output and ^Q lets it go
		c.begin(`(ulimit -c 0; exec sh -c 'echo started; exec sleep 1000')`)
		c.expect(`^started\r\n`)
		c.enter("\x1c")
		c.expect(`(?s)^\^\\.*\r\nprompt> `)
		c.command("echo status $?", `status 131\r\n`)
		c.enter("\x13echo held\n\x11")
		c.expect(`^echo held\r\nheld\r\nprompt> `)

		// ^D ends the shell, whose status is that of its last command
		c.command("(exit 7)", ``)
		c.enter("\x04")
		if code := c.wait(); code != 7 {
			t.Errorf("exit status %d, want 7", code)
		}
		if states := r.list(); len(states) != 0 {
			t.Errorf("namespaces after the end: %+v", states)
		}
	})
}

func TestControllingTerminal(t *testing.T) {
	need(t, "ps")
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		r.env = append(r.env, "TERM=xterm-256color", "FOO=bar")
		c := r.bash(kind)
		c.command("tty", `/dev/pts/0\r\n`)
		c.command("ps -o tty= -p $$", `pts/0 *\r\n`)
		c.command("echo through >/dev/tty", `through\r\n`)
		c.command("echo $TERM $FOO", `xterm-256color bar\r\n`)
		c.command("stty size", `24 80\r\n`)
		c.command("readlink /proc/$$/fd/{0,1,2} | sort -u", `/dev/pts/0\r\n`)
		c.command("ls /dev/pts", `0 +ptmx\r\n`)
		c.enter("exit\n")
		if code := c.wait(); code != 0 {
			t.Errorf("exit status %d", code)
		}
	})
}

// The very first output of the program is the size of its terminal.
func TestSizeFromTheStart(t *testing.T) {
	t.Parallel()
	for i, kind := range ptmxKinds {
		needPtmx(t, kind)
		rows, cols := 31+i, 101+i
		r := newRuntime(t)
		c := startConsole(t, r.command("run", "--ptmx", kind, "--", "stty", "size"), rows, cols)
		if code := c.wait(); code != 0 {
			t.Errorf("%s: exit status %d", kind, code)
		}
		if got, want := c.rest(), fmt.Sprintf("%d %d\r\n", rows, cols); got != want {
			t.Errorf("%s: output %q, want %q", kind, got, want)
		}
	}
}

// tellSize prints the size of its terminal at each SIGWINCH.
const tellSize = `
import os, signal
def tell():
    size = os.get_terminal_size(0)
    os.write(1, b"%d rows %d columns\n" % (size.lines, size.columns))
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
tell()
while signal.sigwait([signal.SIGWINCH]):
    tell()
`

func TestResize(t *testing.T) {
	need(t, "python3")
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		c := r.console("run", "--name", "vs1", "--ptmx", kind, "--", "python3", "-c", tellSize)
		c.expect(`^24 rows 80 columns\r\n`)
		c.resize(50, 132)
		c.expect(`^50 rows 132 columns\r\n`)
		for n := range 100 { // as when a window is dragged: the last one counts
			c.resize(20+n, 60+n)
		}
		c.expect(`119 rows 159 columns\r\n`)

		// Another viewer's window counts from when it joins; a resize of ours takes it back.
		// Meanwhile ours shows frames.
		other := startConsole(t, r.command("attach", "vs1"), 33, 77)
		c.expect(`33 rows 77 columns`)
		reader := startConsole(t, r.command("attach", "--read-only", "vs1"), 11, 22)
		reader.awaitRaw()
		reader.resize(12, 23)
		other.resize(34, 78)
		c.expect(`34 rows 78 columns`)
		other.expect(`34 rows 78 columns\r\n`)
		reader.detach()
		other.detach()
		c.resize(25, 81)
		c.expect(`25 rows 81 columns`)
	})
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	tests := []struct {
		script string
		want   int
	}{
		{"exit 0", 0},
		{"exit 3", 3},
		{"exit 255", 255},
		{"kill -9 $$", 128 + 9},
		{"kill -TERM $$", 128 + 15},
	}
	for _, tt := range tests {
		c := r.console("run", "--", "sh", "-c", tt.script)
		if code := c.wait(); code != tt.want {
			t.Errorf("%s: exit status %d on a terminal, want %d", tt.script, code, tt.want)
		}
		if out := r.run("run", "--", "sh", "-c", tt.script); out.code != tt.want {
			t.Errorf("%s: exit status %d without a terminal, want %d", tt.script, out.code, tt.want)
		}
	}
}

// The outer terminal is as before, however ptsns came to leave it.
func TestOuterTerminalRestored(t *testing.T) {
	t.Parallel()
	signal := func(sig syscall.Signal) func(*runtimeDir, *console) {
		return func(_ *runtimeDir, c *console) {
			if err := c.cmd.Process.Signal(sig); err != nil {
				c.t.Error(err)
			}
		}
	}
	tests := []struct {
		name  string
		leave func(*runtimeDir, *console)
		code  int
		says  string // shown at the end
		lives bool   // the namespace
	}{
		{"exit", func(_ *runtimeDir, c *console) { c.enter("exit 4\n") }, 4, `exit\r\n`, false},
		{"detach", func(_ *runtimeDir, c *console) { c.enter(detachKeys) }, 0,
			`ptsns: detached from vs1/0; ptsns attach vs1/0 comes back`, true},
		{"SIGTERM", signal(syscall.SIGTERM), 128 + 15, ``, true},
		{"SIGINT", signal(syscall.SIGINT), 128 + 2, ``, true},
		{"SIGHUP", signal(syscall.SIGHUP), 128 + 1, ``, true},
		{"rm", func(r *runtimeDir, _ *console) { r.must("rm", "vs1") }, 128 + 1, ``, false},
		{"server killed", func(r *runtimeDir, c *console) {
			if err := syscall.Kill(r.state("vs1").ServerPID, syscall.SIGKILL); err != nil {
				c.t.Error(err)
			}
		}, 125, `ptsns: run: vs1/0: .*\r?\n`, false},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			needPtmx(t, ptmxKinds[i%len(ptmxKinds)])
			r := newRuntime(t)
			c := r.bash(ptmxKinds[i%len(ptmxKinds)])
			if cmp.Equal(c.modes(), c.before) {
				t.Error("the outer terminal is not raw while the program runs")
			}
			tt.leave(r, c)
			if code := c.wait(); code != tt.code {
				t.Errorf("exit status %d, want %d", code, tt.code)
			}
			c.expect(tt.says)
			if diff := cmp.Diff(c.before, c.modes()); diff != "" {
				t.Errorf("settings of the outer terminal (-before +after):\n%s", diff)
			}
			if lives := len(r.list()) == 1; lives != tt.lives {
				t.Errorf("the namespace lives: %v, want %v", lives, tt.lives)
			}
		})
	}
}

// A namespace outlives the client that started it; attach comes back to it.
func TestNamespaceOutlivesClient(t *testing.T) {
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		c := r.bash(kind)
		c.command("remembered=yes", ``)
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.wait()

		again := r.console("attach", "vs1")
		again.awaitRaw()
		again.expect(`remembered=yes`)
		again.expect(paintEnd)
		again.command(`echo remembered $remembered`, `remembered yes\r\n`)
		again.detach()
		again = r.console("attach", "vs1/0")
		again.awaitRaw()
		again.enter("exit 9\n")
		if code := again.wait(); code != 9 {
			t.Errorf("attach: exit status %d, want the program's 9", code)
		}
		if diff := cmp.Diff(again.before, again.modes()); diff != "" {
			t.Errorf("settings of the outer terminal (-before +after):\n%s", diff)
		}
	})
}

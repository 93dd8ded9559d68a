//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestRootless is all that an ordinary user can do, with and without a /dev/fuse that
// this user may open.
func TestRootless(t *testing.T) {
	for _, ptmx := range []string{"tap", "bind"} {
		t.Run(ptmx, func(t *testing.T) {
			t.Parallel()
			if !private(t) {
				return
			}
			r := newUserRuntime(t)
			if ptmx == "tap" {
				openFuse(t)
			}
			r.must("run", "-d", "--name", "vs1", "--ptmx="+ptmx, "--", "bash", "--norc")
			checkUserState(t, r, ptmx)
			checkUserPath(t, r)
			checkUserJobs(t, r)
			checkUserOpeners(t, r, ptmx)

			r.must("rm", "vs1")
			r.checkEmpty()
			// The namespace ends by itself, and statuses pass, as they do for root.
			out := r.run("run", "--ptmx="+ptmx, "--", "sh", "-c", "id -u; tty; exit 5")
			if want := (result{stdout: "0\r\n/dev/pts/0\r\n", code: 5}); out != want {
				t.Errorf("run: got %+v, want %+v", out, want)
			}
			r.checkEmpty()
		})
	}
}

// checkUserState checks what ls says of vs1 to the user whose it is.
func checkUserState(t *testing.T, r *runtimeDir, ptmx string) {
	state := r.state("vs1")
	if state.Ptmx != ptmx || state.Kind != "kernel" || len(state.Terminals) != 1 {
		t.Errorf("ls shows %+v", state)
	}
	if options := strings.Split(state.Options, ","); !slices.Contains(options, "max=1024") || strings.Contains(state.Options, "gid=") {
		t.Errorf("the options are %s", state.Options)
	}
	if term := state.Terminals[0]; term.UID != nobody || term.GID != nobody || term.Mode != "0620" || term.Foreground.Comm != "bash" {
		t.Errorf("ls shows %+v", term)
	}
	if owner := ownerOf(t, state.ServerPID); owner != nobody {
		t.Errorf("the server runs as %d", owner)
	}
}

func ownerOf(t *testing.T, pid int) int {
	t.Helper()
	st, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		t.Fatal(err)
	}
	return int(st.Sys().(*syscall.Stat_t).Uid)
}

// checkUserPath writes to a terminal and reads from it by its path, as the user.
func checkUserPath(t *testing.T, r *runtimeDir) {
	before, _ := r.terminal("vs1", 0)
	joined := r.follow("attach", "vs1/0")
	r.awaitViewers("vs1", 0, len(before.Viewers)+1)
	c := r.console("exec", "vs1", "--", "bash", "--norc")
	c.expect(`prompt> `)
	script := `echo foo > "$(ptsns path vs1/0)" && ls "$(ptsns path vs1)" && test -r "$(ptsns path vs1/1)" && echo readable`
	out := r.shell(script)
	if want := "0\n1\nptmx\nreadable\n"; out.code != 0 || out.stdout != want || out.stderr != "" {
		t.Errorf("%s: got %+v, want %q", script, out, want)
	}
	joined.expect("foo\r\n")
	c.enter("exit\n")
	if code := c.wait(); code != 0 {
		t.Errorf("exec: exit %d", code)
	}
	_ = joined.cmd.Process.Kill() // it has shown what it was for
}

// shell runs a shell command line with ptsns in its PATH.
func (r *runtimeDir) shell(script string) result {
	r.t.Helper()
	cmd := r.command()
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", script}
	return r.runCommand(cmd)
}

// checkUserJobs joins the shell of vs1 and controls jobs in it.
func checkUserJobs(t *testing.T, r *runtimeDir) {
	c := r.console("attach", "vs1")
	c.enter("\n")
	c.expect(`prompt> `)
	c.enter("tty; stty size\n")
	c.expect(`/dev/pts/0\r\n24 80\r\n`)
	c.enter("sh -c 'echo in-$((1+1)); exec cat'\n")
	c.expect(`in-2\r\n`)
	c.enter("\x1a") // ^Z
	c.expect(`Stopped`)
	c.expect(`prompt> `)
	c.enter("fg\n")
	c.expect(`exec cat'\r\n`)
	c.enter("echoed\n")
	c.expect(`echoed\r\nechoed\r\n`)
	c.enter("\x03") // ^C
	c.expect(`\^C`)
	c.expect(`prompt> `)
	c.enter("echo status-$?\n")
	c.expect(`status-130\r\n`)
	c.detach()
}

// checkUserOpeners opens terminals inside with programs of others.
func checkUserOpeners(t *testing.T, r *runtimeDir, ptmx string) {
	need(t, "python3", "script")
	dir := sharedDir(t)
	ready := filepath.Join(dir, "ready")
	r.must("exec", "vs1", "--", "sh", "-c", "trap \"\" HUP; setsid python3 -c '"+fmt.Sprintf(`
import os, signal
pid, ptm = os.forkpty()
if pid == 0: os.execvp("sh", ["sh", "-c", "tty; exec cat"])
tty = os.read(ptm, 100).decode().strip()
with open("%[1]s.new", "w") as f: f.write(tty)
os.rename("%[1]s.new", "%[1]s")
while True: os.read(ptm, 100)`, ready)+"' </dev/null >/dev/null 2>&1 &")
	tty := told(t, ready)
	index := number(t, strings.TrimPrefix(tty, "/dev/pts/"))
	term, ok := r.terminal("vs1", index)
	if !ok || term.Opener.Comm != "python3" || term.Foreground.Comm != "cat" || term.UID != nobody {
		t.Errorf("ls shows %s, which python opened, as %+v, %v", tty, term, ok)
	}
	id := fmt.Sprintf("vs1/%d", index)
	if ptmx != "tap" {
		r.refused(125, "the terminal is not tapped", "attach", id)
		return
	}
	c := r.console("attach", id)
	c.enter("joined\n")
	c.expect(`joined\r\njoined\r\n`)
	c.detach()
}

// TestNoUserNamespaces runs as an ordinary user who may not make user namespaces.
func TestNoUserNamespaces(t *testing.T) {
	t.Parallel()
	need(t, "root", "unshare", "setpriv")
	r := newUserRuntime(t)
	// In a user namespace of this user's, which allows none below itself.
	cmd := r.command()
	cmd.Path, cmd.Err = exec.LookPath("unshare")
	cmd.Args = []string{"unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c",
		`echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all --inh-caps=-all ptsns run -- true`}
	out := r.runCommand(cmd)
	want := result{code: 125, stderr: "ptsns: run: user namespaces are not available: " +
		"no more are allowed (user.max_user_namespaces): no space left on device\n"}
	if out != want {
		t.Errorf("got %+v, want %+v", out, want)
	}
	r.checkEmpty()
}

//go:build linux

package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoFuse runs where there is no /dev/fuse.
func TestNoFuse(t *testing.T) {
	t.Parallel()
	if !private(t) {
		return
	}
	scratchDev(t)
	checkFallback(t, newRuntime(t), "/dev/fuse: no such file or directory")
}

// TestUselessFuse runs where /dev/fuse is something else.
func TestUselessFuse(t *testing.T) {
	t.Parallel()
	if !private(t) {
		return
	}
	null := filepath.Join(scratchDev(t), "fuse")
	if err := os.WriteFile(null, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	mount(t, "/dev/null", null, "", unix.MS_BIND, "")
	checkFallback(t, newRuntime(t), "making fuse: invalid argument")
}

// TestClosedFuse runs as an ordinary user to whom /dev/fuse is closed.
func TestClosedFuse(t *testing.T) {
	t.Parallel()
	if !private(t) {
		return
	}
	r := newUserRuntime(t)
	fuse := filepath.Join(scratchDev(t), "fuse")
	if err := os.WriteFile(fuse, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	checkFallback(t, r, "/dev/fuse: permission denied")
}

// checkFallback checks that there is no tap, that this is said in one line, and that
// everything but the tap works.
func checkFallback(t *testing.T, r *runtimeDir, why string) {
	need(t, "python3", "script")
	const tapped = "tapping /dev/ptmx: "
	r.refused(125, tapped+why, "run", "--ptmx=tap", "--", "true")
	r.refused(125, tapped+why, "run", "--ptmx=tap", "-d", "--", "true")
	r.checkEmpty()

	out := r.run("run", "--", "tty")
	note := "ptsns: falling back to --ptmx=bind, so terminals opened inside cannot be joined: " + why + "\n"
	if want := (result{stdout: "/dev/pts/0\r\n", stderr: note}); out != want {
		t.Fatalf("run: got %+v, want %+v", out, want)
	}
	out = r.run("run", "-d", "--name", "vs1", "--", "bash", "--norc")
	if want := (result{stdout: "vs1\n", stderr: note}); out != want {
		t.Errorf("run -d: got %+v, want %+v", out, want)
	}
	// What was asked for is not worth a word.
	out = r.run("run", "--ptmx=bind", "--", "tty")
	if want := (result{stdout: "/dev/pts/0\r\n"}); out != want {
		t.Errorf("run --ptmx=bind: got %+v, want %+v", out, want)
	}

	if state := r.state("vs1"); state.Ptmx != "bind" {
		t.Errorf("ls shows %q", state.Ptmx)
	}
	c := r.console("attach", "vs1")
	c.enter("\n")
	c.expect(`prompt> `)
	c.enter("tty; stty size\n")
	c.expect(`/dev/pts/0\r\n24 80\r\n`)
	if err := appendTo(r.must("path", "vs1/0"), "foo\n"); err != nil {
		t.Error(err)
	}
	c.expect(`foo\r\n`)
	out = r.run("exec", "vs1", "--", "sh", "-c", "tty; exit 3")
	if want := (result{stdout: "/dev/pts/1\r\n", code: 3}); out != want {
		t.Errorf("exec: got %+v, want %+v", out, want)
	}

	// Terminals that programs open are listed, and written to; only joining them fails.
	held := r.follow("exec", "vs1", "--", "script", "-qc", "exec cat", "/dev/null")
	if _, err := io.WriteString(held.in, "typed\n"); err != nil {
		t.Fatal(err)
	}
	held.expect("typed\r\ntyped\r\n") // the second is cat's
	term, ok := r.terminal("vs1", 2)
	if !ok || term.Opener.Comm != "script" || term.Foreground.Comm != "cat" {
		t.Errorf("ls shows the terminal that script opened as %+v, %v", term, ok)
	}
	r.refused(125, "the terminal is not tapped", "attach", "vs1/2")
	if err := appendTo(r.must("path", "vs1/2"), "bar\n"); err != nil {
		t.Error(err)
	}
	held.expect("bar")

	c.detach()
	r.must("rm", "vs1")
	_ = held.wait() // hung up
	r.checkEmpty()
}

// appendTo writes text to the file at path, as a shell's >> does.
func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		return fmt.Errorf("write to %s: %w", path, err)
	}
	return nil
}

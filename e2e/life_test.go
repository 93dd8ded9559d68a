//go:build linux

package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestEnd sees namespaces end when their first program has ended and no terminal is
// open, and not before.
func TestEnd(t *testing.T) {
	t.Parallel()
	r, dir := newRuntime(t), sharedDir(t)
	file := func(name string) string { return filepath.Join(dir, name) }

	// The first program alone. What it leaves without a terminal goes with it.
	out := r.run("run", "--name", "vs1", "--", "sh", "-c", "trap '' HUP; setsid sleep 1001 >/dev/null 2>&1 </dev/null & "+tell(file("left"), "$!"))
	if want := (result{}); out != want {
		t.Errorf("run: got %+v, want %+v", out, want)
	}
	awaitExit(t, toldPID(t, file("left")))
	r.checkEmpty()

	// A second program of ours keeps it, and it can have a third.
	r.must("run", "-d", "--name", "vs1", "--", "sh", "-c", "read x; exit 1")
	second := r.follow("exec", "vs1", "--", "sh", "-c", "echo second; exec cat")
	second.expect("second\r\n")
	first := r.state("vs1").InitPID
	joined := r.follow("attach", "vs1/0")
	if _, err := io.WriteString(joined.in, "\n"); err != nil {
		t.Fatal(err)
	}
	if got := joined.wait(); got.code != 1 {
		t.Errorf("attach: got %+v, want exit 1", got)
	}
	awaitExit(t, first)
	if state := r.state("vs1"); state.InitPID != 0 || len(state.Terminals) != 1 || state.Terminals[0].Index != 1 {
		t.Errorf("after the first program's end: %+v", state)
	}
	if got := r.must("exec", "vs1", "--", "tty"); got != "/dev/pts/0\r" {
		t.Errorf("after the first program's end exec got %q", got)
	}
	if err := second.in.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := second.wait(), (result{}); got != want {
		t.Errorf("exec: got %+v, want %+v", got, want)
	}
	r.awaitEnd("vs1")
	r.checkEmpty()
}

// TestOpenerKeeps leaves a terminal to a daemon: the namespace lives as long as that
// holds it open.
func TestOpenerKeeps(t *testing.T) {
	for _, ptmx := range []string{"tap", "bind", "symlink"} {
		t.Run(ptmx, func(t *testing.T) {
			t.Parallel()
			need(t, "python3")
			r, dir := newRuntime(t), sharedDir(t)
			file := func(name string) string { return filepath.Join(dir, name) }
			daemon := fmt.Sprintf(`
import os
os.mkfifo("%[1]s")
m, s = os.openpty()
os.rename(os.path.abspath(open("%[2]s.new", "w").name), "%[2]s")
open("%[1]s").read()
os.close(s); os.close(m)
import signal; signal.pause()`, file("go"), file("ready"))
			r.must("run", "--name", "vs1", "--ptmx="+ptmx, "--", "sh", "-c",
				"setsid python3 -c '"+daemon+"' </dev/null >/dev/null 2>&1 & "+tell(file("pid"), "$!")+"; until [ -e "+file("ready")+" ]; do :; done")
			pid := toldPID(t, file("pid"))
			state := r.state("vs1")
			if state.InitPID != 0 || len(state.Terminals) != 1 || state.Terminals[0].Opener.Comm != "python3" {
				t.Errorf("with the daemon's terminal: %+v", state)
			}
			if got := r.must("exec", "vs1", "--", "echo", "still here"); got != "still here\r" {
				t.Errorf("exec: %q", got)
			}
			if !isAlive(pid) {
				t.Error("the daemon has gone")
			}
			if err := os.WriteFile(file("go"), nil, 0); err != nil {
				t.Fatal(err)
			}
			r.awaitEnd("vs1") // its last terminal is closed, though it still runs
			awaitExit(t, pid)
			r.checkEmpty()
		})
	}
}

// TestDetached starts programs and leaves them.
func TestDetached(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	done := filepath.Join(sharedDir(t), "done")
	out := r.run("run", "-d", "--name", "vs1", "--", "sh", "-c", tell(done, "`tty` `stty size`"))
	if want := (result{stdout: "vs1\n"}); out != want {
		t.Errorf("got %+v, want %+v", out, want)
	}
	if got, want := told(t, done), "/dev/pts/0 24 80"; got != want {
		t.Errorf("inside: %q, want %q", got, want)
	}
	r.awaitEnd("vs1")
	// Nothing of the client's is kept open: a pipe that it had ends with it.
	if got := r.shell("ptsns run -d -- sleep 1000 | cat; ptsns run -d -- sleep 1000 2>&1 | cat"); got.stdout != "vs1\nvs2\n" {
		t.Errorf("through pipes: %+v", got)
	}
	r.must("rm", "vs1", "vs2")
	r.checkEmpty()
}

// TestStatus sees how programs ended.
func TestStatus(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	r.must("run", "-d", "--name", "there", "--", "sleep", "1000")
	for script, want := range map[string]int{
		"exit 0": 0, "exit 1": 1, "exit 125": 125, "exit 255": 255,
		"kill -TERM $$": 143, "kill -KILL $$": 137, "kill -INT $$": 130, "kill -SEGV $$": 139, "kill -PIPE $$": 141,
	} {
		for _, args := range [][]string{{"run"}, {"run", "--pid"}, {"exec", "there"}} {
			args = append(args, "--", "bash", "-c", "ulimit -c 0; "+script)
			if got := r.run(args...); got.code != want || got.stderr != "" {
				t.Errorf("%q: got %+v, want exit %d", args, got, want)
			}
		}
	}
	// Signals to a client without a terminal are its program's.
	f := r.follow("run", "--", "bash", "-c", `trap "echo terminated; exit 6" TERM; echo ready; while :; do read x; done`)
	f.expect("ready\r\n")
	if err := f.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got, want := f.wait(), (result{stdout: "terminated\r\n", code: 6}); got != want {
		t.Errorf("after SIGTERM: got %+v, want %+v", got, want)
	}
}

// hashed is a hash and a count of what was written.
type hashed struct {
	hash.Hash
	n int
}

func (h *hashed) Write(p []byte) (int, error) {
	h.n += len(p)
	return h.Hash.Write(p)
}

func (h *hashed) String() string { return fmt.Sprintf("%d bytes, sha256 %x", h.n, h.Sum(nil)) }

// TestOutputComplete takes all the output of a program that has ended long before it is
// read, through a pipe.
func TestOutputComplete(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	const lines = 7_000_000 // 55 MB
	want := &hashed{Hash: sha256.New()}
	var block bytes.Buffer
	for i := 1; i <= lines; i++ {
		fmt.Fprintf(&block, "%d\n", i)
		if block.Len() > 1<<20 || i == lines {
			_, _ = block.WriteTo(want) // a hash takes everything
		}
	}
	for _, args := range [][]string{{"run", "--name", "vs1"}, {"exec", "there"}} {
		if args[0] == "exec" {
			r.must("run", "-d", "--name", "there", "--", "sleep", "1000")
		}
		got := &hashed{Hash: sha256.New()}
		cmd := r.command(append(args, "--", "sh", "-c", fmt.Sprintf("stty -opost; exec seq %d", lines))...)
		cmd.Stdout = got
		if out := r.runCommand(cmd); out.code != 0 || out.stderr != "" {
			t.Errorf("%q: %+v", args, out)
		}
		if got.String() != want.String() {
			t.Errorf("%q: got %v, want %v", args, got, want)
		}
	}
}

// TestInputComplete relays input: lines to a program that reads lines, and any bytes to
// one that has asked for them.
func TestInputComplete(t *testing.T) {
	t.Parallel()
	r, dir := newRuntime(t), sharedDir(t)
	var text bytes.Buffer
	for i := range 400_000 {
		fmt.Fprintf(&text, "line %d%s\n", i, strings.Repeat(".", i%60))
	}
	want := &hashed{Hash: sha256.New()}
	_, _ = want.Write(text.Bytes()) // a hash takes everything
	got := filepath.Join(dir, "got")
	cmd := r.command("run", "--", "sh", "-c", "stty -echo; cat > "+got)
	cmd.Stdin = &text
	if out := r.runCommand(cmd); out.code != 0 || out.stderr != "" {
		t.Errorf("%+v", out)
	}
	checkFile(t, got, want)

	raw := make([]byte, 5<<20)
	fill := rand.NewChaCha8([32]byte{1})
	_, _ = fill.Read(raw) // never fails
	want = &hashed{Hash: sha256.New()}
	_, _ = want.Write(raw)
	f := r.follow("run", "--", "sh", "-c", fmt.Sprintf("stty raw -echo; echo ready; exec head -c %d > %s", len(raw), got))
	f.expect("ready\n")
	if _, err := f.in.Write(raw); err != nil {
		t.Fatal(err)
	}
	if out := f.wait(); out != (result{}) {
		t.Errorf("%+v", out)
	}
	checkFile(t, got, want)
}

func checkFile(t *testing.T, path string, want *hashed) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := &hashed{Hash: sha256.New()}
	if _, err := io.Copy(got, f); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestInputEnds ends the input of programs: it is theirs that ends.
func TestInputEnds(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	r.must("run", "-d", "--name", "there", "--", "sleep", "1000")
	for _, c := range []struct {
		input string
		argv  []string
		want  string // that the output has
	}{
		{"", []string{"cat"}, ""},
		{"word", []string{"cat"}, "wordword"},
		{"line\n", []string{"cat"}, "line\r\nline\r\n"},
		{"line\nword", []string{"sh", "-c", "stty -echo; exec cat"}, "line\r\nword"},
		{"echo $((6*7))\n", []string{"sh"}, "42\r\n"},
		{"echo $((6*7))\n", []string{"bash", "--norc"}, "42\r\n"},
		{"exit 0\n", []string{"bash", "--norc"}, "exit"},
		{"", []string{"bash", "--norc"}, "exit"},
		{"", []string{"sh"}, ""},
		{"", []string{"python3", "-q"}, ">>>"},
	} {
		for _, args := range [][]string{{"run"}, {"exec", "there"}} {
			args = append(append(args, "--"), c.argv...)
			cmd := r.command(args...)
			cmd.Stdin = strings.NewReader(c.input)
			if out := r.runCommand(cmd); out.code != 0 || out.stderr != "" || !strings.Contains(out.stdout, c.want) {
				t.Errorf("%q with input %q: got %+v, want output with %q", args, c.input, out, c.want)
			}
		}
	}
}

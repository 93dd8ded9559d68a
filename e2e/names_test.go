//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNames gives the commands names that cannot be, are taken, or mean nothing.
func TestNames(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	r.must("run", "-d", "--name", "taken", "--", "sleep", "1000")

	long := strings.Repeat("x", 49)
	bad := []struct{ name, why string }{
		{"a/b", `name "a/b"`}, {"/", `name "/"`}, {"..", `name ".."`}, {".", `name "."`}, {"", "empty"},
		{"-x", `name "-x"`}, {"a b", `name "a b"`}, {"a\nb", `name "a\nb"`}, {"ä", `name "ä"`},
		{long, "longer than 48 bytes"}, {strings.Repeat("x", 300), "longer than 48 bytes"},
	}
	for _, b := range bad {
		r.refused(2, b.why, "run", "--name="+b.name, "--", "true")
		r.refused(2, b.why, "rm", "--", b.name)
		r.refused(2, b.why, "exec", "--", b.name, "true")
		if !strings.Contains(b.name, "/") { // else it is an id
			r.refused(2, b.why, "attach", "--", b.name)
			r.refused(2, b.why, "path", "--", b.name)
		}
	}
	r.must("run", "--name", long[1:], "--", "true")
	r.refused(125, `name "taken" is taken`, "run", "--name", "taken", "--", "true")

	r.refused(125, `no namespace "nope"`, "exec", "nope", "--", "true")
	r.refused(125, `no namespace "nope"`, "attach", "nope")
	r.refused(125, `no namespace "nope"`, "attach", "nope/0")
	r.refused(125, `no namespace "nope"`, "path", "nope")
	r.refused(125, `no namespace "nope"`, "rm", "nope")
	for _, command := range []string{"attach", "path"} {
		r.refused(125, "taken/7: no such terminal", command, "taken/7")
		for _, index := range []string{"", "x", "-1", "0x0", "00", "1048576", "0/0"} {
			r.refused(2, `"taken/`+index+`"`, command, "taken/"+index)
		}
	}
	// One that is not there does not keep rm from the others.
	r.must("run", "-d", "--name", "other", "--", "sleep", "1000")
	r.refused(125, `no namespace "nope"`, "rm", "nope", "other")
	if states := r.list(); len(states) != 1 || states[0].Name != "taken" {
		t.Errorf("after all this there are %v", states)
	}
	r.must("rm", "taken")
	r.checkEmpty()
}

// TestUnstartable starts programs that cannot be: the namespace made for one goes
// again, and one that was there stays.
func TestUnstartable(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	dir := publicDir(t)
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain", "#!/bin/sh\n", 0o644)
	garbage := write("garbage", "\x01\x02\x03", 0o755)
	widow := write("widow", "#!/nonexistent/interpreter\n", 0o755)
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	r.must("run", "-d", "--name", "there", "--", "sleep", "1000")
	for _, c := range []struct {
		why  string
		code int
		argv []string
	}{
		{"no such file", 127, []string{"/nonexistent"}},
		{"no such file", 127, []string{"no-such-program"}},
		{"no such file", 127, []string{""}},
		{"no such file", 127, []string{widow}},
		{"permission denied", 126, []string{plain}},
		{"permission denied", 126, []string{dir}},
		{"exec format error", 126, []string{garbage}},
		{"too many levels", 126, []string{loop}},
		{"not a directory", 126, []string{plain + "/x"}},
	} {
		r.refused(c.code, c.why, append([]string{"run", "--name", "new", "--"}, c.argv...)...)
		r.refused(c.code, c.why, append([]string{"run", "-d", "--"}, c.argv...)...)
		r.refused(c.code, c.why, append([]string{"exec", "there", "--"}, c.argv...)...)
		if states := r.list(); len(states) != 1 || len(states[0].Terminals) != 1 {
			t.Fatalf("after %q there are %v", c.argv, states)
		}
	}

	missing := filepath.Join(dir, "missing")
	r.refused(125, "working directory", "run", "-w", missing, "--", "true")
	r.refused(125, "working directory", "run", "-w", plain, "--", "true")
	r.refused(125, "working directory", "exec", "-w", missing, "there", "--", "true")
	r.refused(125, "root directory", "run", "--root", missing, "--", "true")
	r.refused(125, "root directory", "run", "--root", plain, "--", "true")
	for _, env := range []string{"", "=", "=x", "NAME"} {
		r.refused(2, "want K=V", "run", "-e", env, "--", "true")
		r.refused(2, "want K=V", "exec", "-e", env, "there", "--", "true")
	}
	r.refused(2, "want tap, symlink, bind", "run", "--ptmx=other", "--", "true")
	r.refused(2, "unknown flag", "run", "--nonsense", "--", "true")
	r.refused(2, "detach", "run", "--detach-keys", "ctrl-", "--", "true")
	r.must("rm", "there")
	r.checkEmpty()
}

// TestClosedFiles runs without stdin, stdout or stderr, and with outputs that refuse.
func TestClosedFiles(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	for _, c := range []struct {
		script string
		want   result
	}{
		{`ptsns run -- sh -c 'echo one; cat; echo two; exit 3' <&-`, result{stdout: "one\r\ntwo\r\n", code: 3}},
		{`ptsns run -- sh -c 'echo one; exit 3' </dev/null >&-`, result{code: 3}},
		{`ptsns run -- sh -c 'echo one; exit 3' </dev/null 2>&-`, result{stdout: "one\r\n", code: 3}},
		{`ptsns run -- sh -c 'echo one; exit 3' <&- >&- 2>&-`, result{code: 3}},
		{`ptsns run -- sh -c 'echo one; exit 3' </dev/null >/dev/full`, result{code: 125, stderr: "ptsns: run: vs1/0: write its output: write /dev/stdout: no space left on device\n"}},
		{`ptsns ls >/dev/full`, result{code: 125, stderr: "ptsns: ls: write /dev/stdout: no space left on device\n"}},
	} {
		if got := r.shell(c.script); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.script, got, c.want)
		}
		for _, state := range r.list() {
			r.awaitEnd(state.Name) // left by a client that could not go on
		}
	}
	// Nobody reads any more: the client leaves as SIGPIPE would have it, and the program
	// stays.
	got := r.shell(`{ ptsns run --name left -- sh -c 'echo one; read x; echo two; exec sleep 1000' </dev/null; echo $? >&2; } | head -n 0`)
	if got.stderr != "141\n" {
		t.Errorf("without a reader: got %+v, want 141", got)
	}
	if !isAlive(r.state("left").InitPID) {
		t.Error("the program has gone with its client's reader")
	}
	r.must("rm", "left")
	r.checkEmpty()
}

//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/cast"
	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/internal/chromium"
	"github.com/ptsns/ptsns/screen"
)

// handsMount is a mount that is called vm to the parent.
func handsMount(t *testing.T, programs ...string) (r *runtimeDir, dir string) {
	t.Helper()
	need(t, append(programs, "fuse")...)
	if !private(t) {
		return nil, ""
	}
	r = newRuntime(t)
	return r, r.mountDir("--name", "vm", "-o", "ptmxmode=0666,max=8")
}

// Who joins a terminal of a mount sees what is on it, in their own window, and takes part;
// it can be typed at, looked at, waited for and recorded, as others can.
func TestMountHands(t *testing.T) {
	t.Parallel()
	r, dir := handsMount(t, "vim")
	if r == nil {
		return
	}
	file := filepath.Join(publicDir(t), "text")
	if err := os.WriteFile(file, []byte("日本語 👍 e\u0301\n"+strings.Repeat("a line\n", 50)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := r.on(dir, 24, 80, "vim", "-u", "NONE", "-N", "-n", "-c", "syntax on", "-c", "set number hlsearch title", file)
	client := r.dial("vm")
	awaitScreen(t, client, 0, "23 a line")

	same, other := r.eye(24, 80, "attach", "vm"), r.eye(16, 60, "attach", "--read-only", "vm/0")
	same.awaitInStep(client, 0)
	other.awaitText("日本語 👍")
	same.enter("/line\r")
	awaitScreen(t, client, 0, "/line")
	same.awaitInStep(client, 0)
	other.enter("ZZ") // goes nowhere
	typeOn(t, client, 0, "Goall in step\x1b")
	awaitScreen(t, client, 0, "52 all in step")
	same.awaitInStep(client, 0)
	other.awaitText("all in step")

	state := r.state("vm")
	if state.Kind != "virtual" || state.Path != dir || state.ServerPID != r.server(dir) || state.Options != "rw,relatime,mode=600,ptmxmode=666,max=8" {
		t.Errorf("the namespace: %+v", state)
	}
	term, _ := r.terminal("vm", 0)
	if term.Opener.PID != os.Getpid() || term.Foreground.Comm != "vim" || term.Rows != 24 || term.Cols != 80 || !strings.Contains(term.Title, "text") {
		t.Errorf("the terminal: %+v", term)
	}
	var viewers []string
	for _, v := range term.Viewers {
		viewers = append(viewers, fmt.Sprint(v.Door, v.UID, v.PID, v.ReadOnly, v.Rows, v.Cols))
	}
	want := []string{fmt.Sprint("local", 0, same.cmd.Process.Pid, false, 24, 80), fmt.Sprint("local", 0, other.cmd.Process.Pid, true, 16, 60)}
	if slices.Sort(viewers); !slices.Equal(viewers, slices.Sorted(slices.Values(want))) {
		t.Errorf("viewers %q, want %q", viewers, want)
	}

	awaitText(t, filepath.Join(r.systems(), "always", "log"), `"msg":"joined","system":"always","namespace":"vm"`)

	recording := filepath.Join(publicDir(t), "vim.cast")
	r.must("record", "vm/0", recording)
	r.must("send", "vm/0", `:echo 60*70\r`)
	r.must("wait", "vm/0", "--text", "4200")
	if text := r.must("screen", "vm/0"); !strings.Contains(text, "52 all in step") || !strings.Contains(text, "\n4200") {
		t.Errorf("screen shows %q", text)
	}
	r.must("record", "--stop", "vm/0")
	checkWhole(t, r, recording)
	if path := r.must("path", "vm/0"); path != dir+"/0" {
		t.Errorf("path says %q", path)
	}
	if out := r.run("exec", "vm", "--", "true"); out.code != 125 || !strings.Contains(out.stderr, "virtual terminals") {
		t.Errorf("exec: %+v", out)
	}
	if out := r.run("record", "vm/0", recording); out.code != 125 || !strings.Contains(out.stderr, "exists") {
		t.Errorf("a file that is there: %+v", out)
	}

	r.must("kick", "vm/0", "--all")
	for _, e := range []*eye{same, other} {
		if code := e.wait(); code != 125 {
			t.Errorf("kicked: exit status %d", code)
		}
	}
	c.enter(":q!\r")
	if code := c.wait(); code != 0 {
		t.Errorf("vim: exit status %d", code)
	}
}

// The doors have it, too.
func TestMountDoors(t *testing.T) {
	t.Parallel()
	r, dir := handsMount(t, "bash", "ssh", chromium.Program)
	if r == nil {
		return
	}
	c := r.on(dir, 24, 80, "bash", "--norc", "--noediting")
	c.expect(`^prompt> `)

	ssh := openSSHDoor(t, r)
	if out := ssh.run("dev", "-T", "ptsns@127.0.0.1"); out.code != 0 || !strings.Contains(out.stdout, "vm/0") || strings.Contains(out.stdout, "new terminal") {
		t.Errorf("the list by ssh: %+v", out)
	}
	if out := ssh.run("dev", "vm@127.0.0.1", "true"); out.code != 255 || !strings.Contains(out.stderr, "virtual terminals") {
		t.Errorf("a new terminal by ssh: %+v", out)
	}
	joined := ssh.console("dev", "vm/0@127.0.0.1")
	joined.expect(`prompt>`)
	joined.enter("echo by $((6*7)) ssh\n")
	c.expect(`by 42 ssh\r\n`)
	joined.expect(`by 42 ssh\r\n`)

	web := serveWebFor(t, r)
	p := chromium.Start(t).Open(t, web.url())
	openInPage(p, "vm/0")
	awaitOnPage(p, "by 42 ssh")
	p.Type("echo by $((6*7)) web\r")
	c.expect(`by 42 web\r\n`)
	awaitOnPage(p, "by 42 web")
	var offered bool
	p.Eval(`[...document.querySelectorAll("section button")].some(b => !b.hidden && b.title.includes("New terminal"))`, &offered)
	if offered {
		t.Error("the page offers a new terminal")
	}
	ownProblems(t, p, "")

	c.enter("exit\n")
	c.wait()
	_ = c.ptm.Close() // as its opener would
	joined.wait()
	p.Await(`document.querySelector(".pane.active").textContent.includes("This terminal has ended")`)
}

// rm hangs up what is on the terminals and takes the mount away, whether or not openers let
// go of theirs.
func TestMountRm(t *testing.T) {
	t.Parallel()
	r, dir := handsMount(t, "bash")
	if r == nil {
		return
	}
	again := r.mountDir("--name", "other")
	ptm, tty := openVirtual(t, again)
	defer ptm.Close()
	defer tty.Close()
	bash := r.on(dir, 24, 80, "bash", "--norc", "--noediting")
	bash.expect(`^prompt> `)
	stays, staysTTY := openVirtual(t, dir)
	defer stays.Close()
	defer staysTTY.Close()
	viewer := r.console("attach", "vm/0")
	viewer.expect(`prompt>`)

	r.must("rm", "vm")
	if code := bash.wait(); code != -1 {
		t.Errorf("bash: exit status %d", code)
	}
	viewer.wait()
	if isMounted(t, dir) {
		t.Error("it is still mounted")
	}
	if _, err := unix.Read(fdOf(t, stays), make([]byte, 1)); !errors.Is(err, unix.ECONNABORTED) && !errors.Is(err, unix.ENOTCONN) && !errors.Is(err, unix.EIO) {
		t.Errorf("who still has a terminal reads %v", err)
	}
	if out := r.must("ls"); strings.Contains(out, "vm") {
		t.Errorf("ls says %s", out)
	}
	if _, err := io.WriteString(tty, "x"); err != nil {
		t.Errorf("another instance: %v", err)
	}
	if out := r.run("rm", "vm"); out.code != 125 || !strings.Contains(out.stderr, `no namespace "vm"`) {
		t.Errorf("rm again: %+v", out)
	}
}

// One name is for one instance, and stays with it while it has a mount.
func TestMountCalled(t *testing.T) {
	t.Parallel()
	r, dir := handsMount(t)
	if r == nil {
		return
	}
	for what, args := range map[string][]string{
		`name "vm" is taken`: {"mount", "-o", "name=vm", "lxcpts", publicDir(t)},
		`name ".."`:          {"mount", "--name", "..", "lxcpts", publicDir(t)},
		`called "vm"`:        {"mount", "-o", "remount,name=x", "lxcpts", dir},
		`first mount says`:   {"mount", "-o", "remount,record=/nowhere", "lxcpts", dir},
		`how much history`:   {"mount", "-o", "remount,history=2M", "lxcpts", dir},
		`--record DIR`:       {"mount", "--record-input", "lxcpts", publicDir(t)},
		`history`:            {"mount", "-o", "history=much", "lxcpts", publicDir(t)},
	} {
		if out := r.run(args...); out.code == 0 || !strings.Contains(out.stderr, what) {
			t.Errorf("%q: %+v, want %s", args, out, what)
		}
	}
	// As mount -o remount does where fstab names them.
	r.must("mount", "-o", "remount,name=vm,history=1M,ptmxmode=0640", "lxcpts", dir)
	if got := r.mountedAt(dir); !strings.Contains(got.options, "ptmxmode=640") {
		t.Errorf("remounted: %+v", got)
	}
	one := r.mountDir("--generation", "multiple", "--name", "first")
	two := r.mountDir("--generation", "multiple") // the same instance
	three := r.mountDir("--generation", "multiple", "-o", "newinstance,name=apart")
	for at, name := range map[string]string{dir: "vm", one: "first", two: "first", three: "apart"} {
		if got := r.mountedAt(at).name; got != name {
			t.Errorf("what is at %s is called %q, want %q", at, got, name)
		}
	}
	if out := r.run("mount", "--generation", "multiple", "--name", "second", "lxcpts", publicDir(t)); out.code != 125 || !strings.Contains(out.stderr, `called "first"`) {
		t.Errorf("another name for the same: %+v", out)
	}
	if out := r.run("mount", "--generation", "multiple", "--record", publicDir(t), "lxcpts", publicDir(t)); out.code != 125 || !strings.Contains(out.stderr, "its first mount") {
		t.Errorf("recordings of the same: %+v", out)
	}
	unmount(t, one)
	ptm, tty := openVirtual(t, two)
	if s := r.state("first"); s.Path != two || len(s.Terminals) != 1 {
		t.Errorf("with one mount less: %+v", s)
	}
	if err := errors.Join(tty.Close(), ptm.Close()); err != nil {
		t.Fatal(err)
	}
	unmount(t, two)
	awaitDir(t, r.path, func(names []string) bool { return !slices.Contains(names, "first") })
	r.mountAt(one, "--generation", "multiple", "--name", "first") // the name is free
}

// A program inside keeps its terminal's history for whoever comes later: what scrolled off,
// and the screen, which nobody looked at meanwhile.
func TestMountHistory(t *testing.T) {
	t.Parallel()
	r, dir := handsMount(t, "sh")
	if r == nil {
		return
	}
	c := r.on(dir, 10, 40, "sh", "-c", "seq 1000; read x")
	client := r.dial("vm")
	awaitScreen(t, client, 0, "1000")
	s, err := client.Screen(t.Context(), 0, true)
	if err != nil || len(s.History) != 991 || s.History[0] != "1" {
		t.Errorf("%d lines of history, %v", len(s.History), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	stream, err := client.Attach(ctx, 0, control.AttachOptions{Rows: 10, Cols: 40, Who: hub.Who{Door: "local"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	window := screen.New(10, 40, screen.Options{HistoryBytes: 1 << 20})
	for !strings.Contains(window.Text(), "1000") {
		e, err := stream.Next()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = window.Write(e.Output) // never fails
	}
	if h := window.History(); len(h) < 991 {
		t.Errorf("the viewer's scrollback has %d lines", len(h))
	}
	c.enter("\n")
	c.wait()
}

// Every terminal of a mount is recorded from its first byte, into a directory that the
// server itself does not see.
func TestMountRecord(t *testing.T) {
	t.Parallel()
	need(t, "fuse", "sh")
	if !private(t) {
		return
	}
	r, casts := newRuntime(t), publicDir(t)
	dir := publicDir(t)
	out := r.run("mount", "-o", "name=vm,record="+casts, "--record-input", "lxcpts", dir)
	if out.code != 0 || !strings.Contains(out.stderr, "what is typed") {
		t.Fatalf("mount: %+v", out)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // the test may have done it
	c := r.on(dir, 24, 80, "sh", "-c", `echo first; read x; echo "got $x"`)
	c.expect(`^first\r\n`)
	c.enter("line\n")
	c.expect(`got line\r\n`)
	c.wait()
	c.close()
	unmount(t, dir)
	awaitDir(t, r.path, func(names []string) bool { return !slices.Contains(names, "vm") }) // complete then
	files := castFiles(t, casts)
	if len(files) != 1 || !strings.HasPrefix(filepath.Base(files[0]), "vm-0-") {
		t.Fatalf("recordings: %q", files)
	}
	checkWhole(t, r, files[0])
	if got := recorded(t, files[0], cast.Output); got != "first\r\nline\r\ngot line\r\n" {
		t.Errorf("the output on record is %q", got)
	}
	if got := recorded(t, files[0], cast.Input); got != "line\n" {
		t.Errorf("the input on record is %q", got)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// client is a program's way to the namespace vs1.
func (w *world) client() *control.Client {
	w.t.Helper()
	c, err := control.Dial(w.t.Context(), filepath.Join(w.dir, "vs1", "socket"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// must stops the test when something went wrong.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A test of a program that draws: vim, from its first screen to its exit status.
func TestDriveVim(t *testing.T) {
	if _, err := exec.LookPath("vim"); err != nil {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skip("vim is not installed")
	}
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "cat") // keeps the namespace
	c := w.client()
	dir := t.TempDir()
	vim, err := c.Open(t.Context(), server.Spec{Argv: []string{"vim", "-u", "NONE", "-i", "NONE", "file"}, Dir: dir, Rows: 24, Cols: 80,
		Env: []string{"TERM=xterm-256color", "PATH=" + os.Getenv("PATH"), "HOME=" + dir}})
	must(t, err)
	vim.Timeout = hung
	_, err = vim.Await(control.Regexp(`"file" \[New( File)?\]`))
	must(t, err)
	must(t, vim.Type("ihello\x1b"))
	drawn, err := vim.Await(control.Regexp(`^hello\n~\n`).And(control.Quiet(10 * time.Millisecond)))
	must(t, err)
	must(t, vim.Resize(10, 40))
	_, err = vim.Await(control.Text("~").After(drawn.Next)) // it is drawn anew once vim knows of the size
	must(t, err)
	must(t, vim.Type(":set lines? columns?\r"))
	seen, err := vim.Await(control.Regexp(`lines=(\d+)(?s:.*)columns=(\d+)`))
	must(t, err)
	if got := strings.Join(seen.Match[1:], "x"); got != "10x40" {
		t.Errorf("vim has %s", got)
	}
	if !seen.Screen.Alternate || seen.Screen.Rows != 10 {
		t.Errorf("the screen has %d rows, alternate %v", seen.Screen.Rows, seen.Screen.Alternate)
	}
	must(t, vim.Type("\r:x\r"))
	code, err := vim.Wait()
	if code != 0 || err != nil {
		t.Errorf("vim ended with %d, %v", code, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "file")); string(b) != "hello\n" {
		t.Errorf("vim wrote %q, %v", b, err)
	}

	// It has ended, and its index is another's: it is not mistaken.
	_, err = vim.Await(control.AtEnd()) // the program's end comes before its terminal's
	must(t, err)
	other, err := c.Open(t.Context(), server.Spec{Argv: []string{"sh", "-c", "exit 3"}})
	must(t, err)
	code, err = other.Wait()
	if other.Index() != vim.Index() || code != 3 || err != nil {
		t.Errorf("another program on %d ended with %d, %v", other.Index(), code, err)
	}
	if code, err = vim.Wait(); code != 0 || err != nil {
		t.Errorf("vim ended with %d, %v", code, err)
	}
	o, err := vim.Output(0, 1<<20, 0)
	if err != nil || !o.Ended || !strings.Contains(string(o.Data), "hello") {
		t.Errorf("its output is %+v, %v", o, err)
	}
}

// All output can be read by cursor, whenever that is, to the end.
func TestDriveOutput(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "cat")
	seq, err := w.client().Open(t.Context(), server.Spec{Argv: []string{"seq", "100000"}})
	must(t, err)
	var b strings.Builder
	for next := uint64(0); ; {
		o, err := seq.Output(next, 7777, time.Minute)
		must(t, err)
		if o.From != next {
			t.Fatalf("%d bytes were lost at %d", o.From-next, next)
		}
		b.Write(o.Data)
		if next = o.Next; o.Ended {
			break
		}
	}
	lines := strings.Split(b.String(), "\r\n")
	if len(lines) != 100001 || lines[99999] != "100000" {
		t.Errorf("got %d lines, the last %q", len(lines), lines[max(0, len(lines)-2)])
	}
}

// A password is typed once nothing is echoed, and asked for again where that is wrong.
func TestDrivePassword(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "sh", "-c", "stty -echo; cat")
	term, err := w.client().Open(t.Context(), server.Spec{Argv: []string{"sh", "-c",
		`stty -echo; printf 'Password: '; read x; stty echo; echo; [ "$x" = secret ] && echo in || echo out; read y`},
		Env: []string{"PATH=" + os.Getenv("PATH")}})
	must(t, err)
	_, err = term.Await(control.Text("Password: ").And(control.Echo(false)))
	must(t, err)
	seen, err := term.Ask("secret\r", control.Regexp(`\n(in|out)`))
	must(t, err)
	if seen.Match[1] != "in" || strings.Contains(seen.Text, "secret") {
		t.Errorf("on the screen is %q", seen.Text)
	}
	_, err = term.Await(control.Echo(true))
	must(t, err)
	must(t, term.Type("\r"))
	_, err = term.Await(control.AtEnd())
	must(t, err)
	_, err = term.Await(control.Text("never"))
	if !errors.Is(err, hub.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// Input that nobody reads is bounded by the time that the one who types has.
func TestDriveTimesOut(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "sh", "-c", "stty raw -echo; echo ready; kill -STOP $$")
	c := w.client()
	term := c.Terminal(t.Context(), 0)
	_, err := term.Await(control.Text("ready"))
	must(t, err)
	term.Timeout = 50 * time.Millisecond
	if err := term.Type(strings.Repeat("x", 100000)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("typing: %v", err)
	}
	if _, err := c.State(t.Context()); err != nil {
		t.Error(err)
	}
}

// Who is kicked hears by whom, and the program goes on.
func TestKicked(t *testing.T) {
	w := newWorld(t)
	owner := w.open(24, 80, run(t)...)
	owner.expect("[24x80 <nil>]")
	guest := w.open(24, 80, "attach", "vs1/0")
	guest.expect("[24x80 <nil>]")
	viewers := w.viewers("vs1", 2)
	me := localWho().Name
	if v := viewers[0]; v.Door != "local" || v.Name != me || v.UID != os.Geteuid() || v.PID != owner.cmd.Process.Pid || !v.Owner {
		t.Errorf("the owner is listed as %+v", v)
	}
	if v := viewers[1]; v.Door != "local" || v.Name != me || v.UID != os.Geteuid() || v.PID != guest.cmd.Process.Pid || v.Owner || v.ReadOnly {
		t.Errorf("the guest is listed as %+v", v)
	}
	w.output("kick", "vs1", fmt.Sprint(viewers[1].ID))
	guest.expect("ptsns: attach: vs1/0: kicked by " + me + "\r\n")
	guest.end(exitFailure)
	w.output("kick", "vs1/0", me)
	owner.expect("ptsns: run: vs1/0: kicked by " + me + "\r\n")
	owner.end(exitFailure)
	if w.state("vs1").InitPID == 0 {
		t.Error("the program has ended")
	}
}

// Who steals the input has it alone, until they leave.
func TestSteal(t *testing.T) {
	w := newWorld(t)
	owner := w.open(24, 80, run(t)...)
	owner.expect("[24x80 <nil>]")
	thief := w.open(24, 80, "attach", "--steal", "vs1/0")
	thief.expect("[24x80 <nil>]")
	if v := w.viewers("vs1", 2); v[0].Sole || !v[1].Sole {
		t.Errorf("listed as %+v", v)
	}
	owner.typeKeys("a")
	owner.expect("\a")
	cmd := w.command("send", "vs1", "x")
	out, _ := cmd.CombinedOutput() // its status is looked at below
	if got := string(out); cmd.ProcessState.ExitCode() != exitFailure || !strings.Contains(got, "ptsns: send: vs1: ") {
		t.Errorf("send: %v %q", cmd.ProcessState, got)
	}
	thief.typeKeys("b")
	thief.expect("<62>")
	owner.expect("<62>")
	thief.typeKeys("\x10\x11")
	thief.expect("detached from vs1/0; ptsns attach vs1/0 comes back\r\n")
	thief.end(0)
	w.viewers("vs1", 1)
	owner.typeKeys("c")
	owner.expect("<63>")
	owner.typeKeys("q")
	owner.end(7)
}

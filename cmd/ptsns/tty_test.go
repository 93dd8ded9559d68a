package main

import (
	"encoding/json"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

func TestTerminalIsThePrograms(t *testing.T) {
	w := newWorld(t)
	c := w.open(33, 101, run(t)...)
	c.expect("[33x101 <nil>]") // from its first byte
	if c.modes() == c.was {
		t.Error("the outer terminal is not raw")
	}
	c.typeKeys("\x1a\x03\x04\x1c") // ^Z ^C ^D ^\
	c.expect("<1a><03><04><1c>")
	c.resize(40, 120)
	c.expect("[40x120 <nil>]")
	c.typeKeys("q")
	c.end(7)
}

func TestDetachAndAttach(t *testing.T) {
	w := newWorld(t)
	c := w.open(24, 80, run(t)...)
	c.expect("[24x80 <nil>]")
	c.typeKeys("\x10x")
	c.expect("<10><78>")
	c.typeKeys("\x10\x11")
	c.expect("ptsns: detached from vs1/0; ptsns attach vs1/0 comes back\r\n")
	c.end(0)

	c = w.open(30, 90, "attach", "--detach-keys", "ctrl-a,d", "vs1")
	c.expect("[30x90 <nil>]") // joining brings the window
	c.typeKeys("\x10\x11")
	c.expect("<10><11>")
	c.typeKeys("\x01d")
	c.expect("detached from vs1/0")
	c.end(0)

	c = w.open(31, 91, "attach", "--detach-keys", "", "vs1/0")
	c.expect("[31x91 <nil>]")
	c.typeKeys("\x10\x11q")
	c.expect("<10><11>")
	c.end(7)
}

func TestReadOnlyAttach(t *testing.T) {
	w := newWorld(t)
	owner := w.open(24, 80, run(t)...)
	owner.expect("[24x80 <nil>]")
	guest := w.open(50, 50, "attach", "--read-only", "vs1/0")
	other := w.open(24, 80, "attach", "vs1/0")
	w.viewers("vs1", 3)
	guest.typeKeys("zzz")
	other.typeKeys("y")
	guest.expect("<79>")
	owner.expect("<79>")
	other.expect("<79>")
	guest.typeKeys("\x10\x11")
	guest.expect("detached")
	guest.end(0)
	owner.typeKeys("q")
	owner.end(7)
	other.end(7)
}

// viewers waits until so many have joined the namespace's only terminal. Who has
// joined is the server's to say, so it is asked until it says so.
func (w *world) viewers(name string, want int) []hub.ViewerInfo {
	w.t.Helper()
	for {
		if v := w.state(name).Terminals[0].Viewers; len(v) == want {
			return v
		}
		if w.t.Context().Err() != nil {
			w.t.Fatal("the viewers did not come")
		}
	}
}

// state is one namespace as ls --json tells it.
func (w *world) state(name string) server.State {
	w.t.Helper()
	var list []server.State
	if err := json.Unmarshal([]byte(w.output("ls", "--json")), &list); err != nil {
		w.t.Fatal(err)
	}
	for _, s := range list {
		if s.Name == name {
			return s
		}
	}
	w.t.Fatalf("ls does not list %q", name)
	panic("unreachable")
}

func TestSignalsRestoreTheTerminal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		w := newWorld(t)
		c := w.open(24, 80, run(t)...)
		c.expect("[24x80 <nil>]")
		if err := c.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		c.end(128 + int(sig))
		if w.state("vs1").InitPID == 0 {
			t.Errorf("%v to the client ended the program", sig)
		}
	}
}

func TestServerDeathRestoresTheTerminal(t *testing.T) {
	w := newWorld(t)
	c := w.open(24, 80, run(t)...)
	c.expect("[24x80 <nil>]")
	s := w.state("vs1")
	if err := syscall.Kill(s.ServerPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.expect("ptsns: run: vs1/0: the server of the namespace has gone\r\n")
	c.end(125)
	if out := w.output("ls"); len(out) == 0 {
		t.Error("ls says nothing")
	}
	if _, err := os.Lstat(w.dir + "/vs1"); err == nil {
		t.Error("the entry of a dead server is still there after ls")
	}
}

func TestOuterTerminalGoes(t *testing.T) {
	w := newWorld(t)
	c := w.open(24, 80, run(t)...)
	c.expect("[24x80 <nil>]")
	_ = c.ptm.Close()
	_ = c.cmd.Wait()
	if got := c.cmd.ProcessState.ExitCode(); got != 129 {
		t.Errorf("exit status %d, want 129", got)
	}
	if w.state("vs1").InitPID == 0 {
		t.Error("the program ended with the outer terminal")
	}
}

func TestOneSideIsNoTerminal(t *testing.T) {
	t.Run("stdout", func(t *testing.T) {
		w := newWorld(t)
		r, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := w.command(run(t)...)
		cmd.Stdout = out
		c := w.openCmd(20, 70, cmd)
		_ = out.Close()
		c.out.Reset(r)
		_ = r.SetReadDeadline(time.Now().Add(hung)) // a pipe has deadlines
		c.expect("[20x70 <nil>]")
		c.typeKeys("\x03")
		c.expect("<03>")
		c.typeKeys("q")
		c.end(7)
		_ = r.Close()
	})
	t.Run("stdin", func(t *testing.T) {
		w := newWorld(t)
		in, keys, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := w.command(run(t)...)
		cmd.Stdin = in
		c := w.openCmd(20, 70, cmd)
		_ = in.Close()
		c.expect("[20x70 <nil>]")
		if c.modes() != c.was {
			t.Error("a terminal that is only looked at was made raw")
		}
		_, _ = keys.WriteString("\x10\x11") // nobody's detach keys
		c.expect("<10><11>")
		_, _ = keys.WriteString("q")
		c.end(7)
		_ = keys.Close()
	})
}

func TestStopAndContinue(t *testing.T) {
	w := newWorld(t)
	c := w.open(24, 80, run(t)...)
	c.expect("[24x80 <nil>]")
	raw := c.modes()
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// A shell has its own modes while we are stopped.
	c.setModes(c.was)
	c.resize(10, 20)
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.expect("[10x20 <nil>]")
	if c.modes() != raw {
		t.Error("not raw again")
	}
	c.typeKeys("q")
	c.end(7)
}

package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
)

// Somebody looks who is busy, joins that terminal, comes back, looks on at it, and leaves.
func TestTop(t *testing.T) {
	w := newWorld(t)
	w.output(append([]string{"run", "-d"}, run(t)[1:]...)...)
	c := w.open(24, 80, "top", "-d", "0.1")
	c.expect("\x1b[?1049h")
	c.expect("1 namespace  1 terminal  0 viewers")
	if c.modes() == c.was {
		t.Error("the outer terminal is not raw")
	}
	c.resize(12, 60)
	c.expect("vs1/0")
	c.typeKeys("\r")
	c.expect("no terminal is selected")
	c.typeKeys("\x1b[B")
	c.expect("\x1b[7mvs1/0")

	c.typeKeys("\r")
	c.expect("\x1b[?1049l")
	c.expect("[12x60 <nil>]") // joining brings the window
	c.typeKeys("y")
	c.expect("<79>")
	c.typeKeys("\x10\x11")
	c.expect("\x1b[?1049h")
	c.expect("ptsns: detached from vs1/0")

	c.typeKeys("r")
	c.expect("\x1b[?1049l")
	w.viewers("vs1", 1)
	c.typeKeys("z\x10\x11")
	c.expect("\x1b[?1049h")
	w.viewers("vs1", 0)

	c.typeKeys("q")
	c.expect("\x1b[?25h\x1b[?1049l")
	c.end(0)
	if s := w.state("vs1"); s.Terminals[0].BytesIn != 1 {
		t.Errorf("%d bytes were typed, want y alone", s.Terminals[0].BytesIn)
	}
}

// However top ends, the terminal is as it was.
func TestTopEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		end    func(*console)
		status int
	}{
		"q":       {func(c *console) { c.typeKeys("q") }, 0},
		"ctrl-c":  {func(c *console) { c.typeKeys("\x03") }, 0},
		"SIGTERM": {func(c *console) { _ = c.cmd.Process.Signal(syscall.SIGTERM) }, 143},
		"SIGHUP":  {func(c *console) { _ = c.cmd.Process.Signal(syscall.SIGHUP) }, 129},
		"SIGINT":  {func(c *console) { _ = c.cmd.Process.Signal(syscall.SIGINT) }, 130},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := w.open(24, 80, "top")
			c.expect("no terminals; ")
			tt.end(c)
			c.expect("\x1b[?7h\x1b[?25h\x1b[?1049l")
			c.end(tt.status)
		})
	}
}

// While somebody has joined a terminal, the same holds.
func TestTopEndsJoined(t *testing.T) {
	w := newWorld(t)
	w.output(append([]string{"run", "-d"}, run(t)[1:]...)...)
	c := w.open(20, 70, "top", "-d", "0.1")
	c.expect("vs1/0")
	c.typeKeys("j\r")
	c.expect("[20x70 <nil>]")
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.end(143)
	w.viewers("vs1", 0)
}

// Its terminal going is as good as any end.
func TestTopHungUp(t *testing.T) {
	w := newWorld(t)
	c := w.open(24, 80, "top")
	c.expect("no terminals; ")
	_ = c.ptm.Close()
	_ = c.cmd.Wait()
	if got := c.cmd.ProcessState.ExitCode(); got != 129 {
		t.Errorf("exit status %d, want 129", got)
	}
}

// In a pipe it is one sample.
func TestTopBatch(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "sh", "-c", "while :; do echo "+strings.Repeat("x", 200)+"; done")
	out := w.output("top", "-d", "0.1")
	if lines := strings.Split(out, "\n"); len(lines) != 6 || !strings.HasPrefix(lines[0], "NAMESPACE  ") || !strings.HasPrefix(lines[1], "vs1  ") ||
		lines[2] != "" || !strings.HasPrefix(lines[3], "TERMINAL  ") || !strings.HasPrefix(lines[4], "vs1/0  ") || strings.Contains(out, "\x1b") {
		t.Errorf("top says\n%s", out)
	}
	var s topSample
	if err := json.Unmarshal([]byte(w.output("top", "--json", "-d", "0.1")), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Terminals) != 1 || s.Terminals[0].ID != "vs1/0" || s.Terminals[0].Out <= 0 || s.Seconds < 0.1 {
		t.Errorf("the sample is %+v", s)
	}
	c := w.open(24, 80, "top", "--once", "-d", "0.1")
	c.expect("vs1/0")
	c.end(0)
}

// After a stop, in which a shell has its own modes and screen, top takes the terminal anew.
func TestTopStopAndContinue(t *testing.T) {
	w := newWorld(t)
	c := w.open(24, 80, "top")
	c.expect("no terminals; ")
	raw := c.modes()
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.setModes(c.was)
	c.resize(10, 40)
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.expect("\x1b[?1049h")
	c.expect("no terminals; ptsns run -- bash opens o>") // 40 columns
	if c.modes() != raw {
		t.Error("not raw again")
	}
	c.typeKeys("q")
	c.end(0)
}

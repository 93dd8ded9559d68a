package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ptsns/ptsns/screen"
)

// rest reads what is still to come until the process has closed its terminal.
func (c *console) rest() string {
	c.t.Helper()
	if err := c.ptm.SetReadDeadline(time.Now().Add(hung)); err != nil {
		c.t.Fatal(err)
	}
	got, _ := io.ReadAll(c.out) // EIO is a terminal's end
	return string(got)
}

// Leaving the alternate screen brings a cursor back, in some terminals whether or not they
// were on it.
func TestLeavingTheScreen(t *testing.T) {
	for _, tt := range []struct {
		prints string
		leaves bool
	}{
		{`one\n$ here`, false},
		{`\033[?1049h\033[?1003hhere`, true},
		{`\033[?1049h\033[?1049lhere`, false},
	} {
		w := newWorld(t)
		w.output("run", "-d", "--name", "vs1", "--", "sh", "-c", "printf '"+tt.prints+"'; read x")
		w.output("wait", "vs1", "--text", "here")
		c := w.open(24, 80, "attach", "vs1")
		c.expect("here")
		c.typeKeys("\x10")
		c.typeKeys("\x11")
		_, got, _ := strings.Cut(c.rest(), "\x1b[?2026l")
		c.end(0)
		if leaves := strings.Contains(got, "\x1b[?1049l"); leaves != tt.leaves {
			t.Errorf("%s: left with %q; leaves the alternate screen: %v, want %v", tt.prints, got, leaves, tt.leaves)
		}
		if want := "\r\n\x1b[Jptsns: detached from vs1/0; ptsns attach vs1/0 comes back\r\n"; !strings.HasSuffix(got, want) {
			t.Errorf("%s: left with %q, want %q at its end", tt.prints, got, want)
		}
	}
}

// A program that has no time to clean up leaves nothing of itself on the terminals of those
// who looked on.
func TestTerminalIsCalmAfterAnEnd(t *testing.T) {
	w := newWorld(t)
	owner := w.open(24, 80, "run", "--name", "vs1", "--", "sh", "-c", `printf '\033[?1049h\033[?1003;2004h\033[?25lhere'; read x`)
	owner.expect("here")
	guest := w.open(10, 90, "attach", "--read-only", "vs1")
	guest.expect("here")
	w.output("rm", "vs1")
	for _, c := range []*console{owner, guest} {
		s := screen.New(24, 80, screen.Options{})
		_, _ = s.Write([]byte("\x1b[?1049h\x1b[?1003;2004h\x1b[?25l" + c.rest())) // never fails
		_ = c.cmd.Wait()                                                          // how it ends is not what this is about
		got := s.Snapshot()
		if fresh := screen.New(24, 80, screen.Options{}).Snapshot(); got.Alternate || !slices.Equal(got.Modes, fresh.Modes) {
			t.Errorf("%q: the alternate screen %v, modes %q", c.cmd.Args, got.Alternate, got.Modes)
		}
	}
}

// Nothing that the program puts out comes between leaving it and what is said then.
func TestLeavingAFlood(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "yes", "flood")
	for range 5 {
		c := w.open(24, 80, "attach", "vs1")
		c.expect("flood\r\nflood")
		c.typeKeys("\x10\x11")
		_, got, _ := strings.Cut(c.rest(), "\r\n\x1b[J")
		c.end(0)
		if !strings.HasPrefix(got, "ptsns: detached from vs1/0; ") || strings.Contains(got, "flood") {
			t.Fatalf("left with %q", got)
		}
	}
}

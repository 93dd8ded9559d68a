//go:build linux

package e2e

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// A terminal's number is used again, its serial is not, by a namespace of the same name
// neither: who gives it joins that terminal, or hears how it ended.
func TestSerials(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	seen := make(map[string]bool)
	check := func(serial string) string {
		t.Helper()
		if serial == "" || seen[serial] {
			t.Errorf("the serial %q is none, or another's", serial)
		}
		seen[serial] = true
		return serial
	}
	namespace := func() *control.Client {
		r.must("run", "-d", "--name", "vs1", "--", "sleep", "1000")
		check(r.state("vs1").Serial)
		return r.dial("vs1")
	}
	c := namespace()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	start := func(c *control.Client, script string) (*control.Terminal, string) {
		t.Helper()
		term, err := c.Open(ctx, server.Spec{Argv: []string{"sh", "-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Rows: 24, Cols: 80})
		if err != nil || term.Index() != 1 {
			t.Fatalf("a program on %v: %v, want vs1/1", term, err)
		}
		row, _ := r.terminal("vs1", 1)
		if term.Serial() != row.Serial {
			t.Errorf("the serial is %q, and %q in the list", term.Serial(), row.Serial)
		}
		return term, check(row.Serial)
	}
	join := func(c *control.Client, serial string) error {
		s, err := c.Attach(ctx, 1, control.AttachOptions{Serial: serial})
		if err == nil {
			if s.Serial() != serial {
				t.Errorf("joined %q in place of %q", s.Serial(), serial)
			}
			_ = s.Close() // it was all that is wanted
		}
		return err
	}
	ended := func(err error, status int) {
		t.Helper()
		said := (*control.Error)(nil)
		if !errors.Is(err, hub.ErrEnded) || !errors.As(err, &said) || (said.Exit == nil) != (status < 0) || said.Exit != nil && *said.Exit != status {
			t.Errorf("got %v, want an end with status %d", err, status)
		}
	}

	first, one := start(c, "read x; exit 3")
	if err := join(c, one); err != nil {
		t.Error(err)
	}
	if err := first.Type("\r"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Await(control.Condition{Ended: true}); err != nil {
		t.Fatal(err)
	}
	ended(join(c, one), 3) // nobody has the number
	_, two := start(c, "sleep 1000")
	ended(join(c, one), 3)
	if err := join(c, two); err != nil {
		t.Error(err)
	}
	if err := first.Type("for the other\r"); !errors.Is(err, hub.ErrEnded) {
		t.Errorf("typed at one that has ended: %v", err)
	}
	if code, err := first.Wait(); code != 3 || err != nil {
		t.Errorf("ended with %d, %v", code, err)
	}
	r.refused(125, "the terminal has ended, with status 3", "attach", "--serial", one, "vs1/1")

	r.must("rm", "vs1")
	c = namespace()
	start(c, "sleep 1000")
	ended(join(c, two), -1)
}

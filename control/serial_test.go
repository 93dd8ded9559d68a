package control

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// Who joins by serial joins that terminal, and hears of its end where it has ended.
func TestAttachBySerial(t *testing.T) {
	ns := newFakeNamespace()
	v, status := newFakeViewer(), 3
	ns.joined, ns.exit = joined{index: 5, serial: "fake-1", viewer: v}, &status
	c := serveFake(t, ns, nil).dial(t)
	s, err := c.Attach(t.Context(), 5, AttachOptions{Serial: "fake-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Serial() != "fake-1" {
		t.Errorf("the stream's serial is %q", s.Serial())
	}
	_, err = c.Attach(t.Context(), 5, AttachOptions{Serial: "fake-0"})
	said := (*Error)(nil)
	if !errors.Is(err, hub.ErrEnded) || !errors.As(err, &said) || said.Exit == nil || *said.Exit != status {
		t.Errorf("of one that has ended: %v", err)
	}
	ns.exit = nil
	if _, err = c.Attach(t.Context(), 5, AttachOptions{Serial: "fake-0"}); !errors.Is(err, hub.ErrEnded) || err.Error() != hub.ErrEnded.Error() {
		t.Errorf("of one whose status nobody knows: %v", err)
	}
}

// What takes several requests is about one terminal, also when another has its index by
// the next.
func TestRequestsStayWithATerminal(t *testing.T) {
	t.Run("input", func(t *testing.T) {
		_, term, _, c := serveTerminal(t)
		typed := make(chan error, 1)
		go func() { typed <- c.Type(t.Context(), 0, make([]byte, 2*maxInput)) }()
		next(t, term.did)
		if err := <-typed; err != nil {
			t.Fatal(err)
		}
		next(t, term.did)
		term.typing = func() { term.number.Add(1) }
		if err := c.Type(t.Context(), 0, make([]byte, 2*maxInput)); !errors.Is(err, server.ErrNoTerminal) {
			t.Errorf("half of it for another: %v", err)
		}
		if got := len(term.did); got != 1 {
			t.Errorf("typed %d times", got)
		}
	})
	t.Run("await", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ns := newFakeNamespace()
			ns.terminal = newFakeTerminal()
			conn, done := inBubble(t, ns)
			defer done()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			time.AfterFunc(30*time.Second, func() { ns.terminal.number.Add(1) })
			if _, err := NewClient(conn).Await(ctx, 0, Text("x")); !errors.Is(err, server.ErrNoTerminal) {
				t.Errorf("another in its place: %v", err)
			}
		})
	})
	t.Run("handle", func(t *testing.T) {
		ns := newFakeNamespace()
		ns.terminal, ns.joined = newFakeTerminal(), joined{index: 0, serial: "fake-1"}
		h, err := serveFake(t, ns, nil).dial(t).Open(t.Context(), server.Spec{Argv: []string{"x"}})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := h.Screen(); err != nil || s.Serial != h.Serial() {
			t.Errorf("screen of %q, %v, want %q", s.Serial, err, h.Serial())
		}
		ns.terminal.number.Add(1)
		if _, err := h.Screen(); !errors.Is(err, server.ErrNoTerminal) {
			t.Errorf("screen of another: %v", fmt.Sprint(err))
		}
	})
}

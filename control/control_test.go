package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/nsexec"
	"github.com/ptsns/ptsns/server"
)

func TestState(t *testing.T) {
	ns := newFakeNamespace()
	ns.state = server.State{
		Name: "vs1", Kind: "kernel", ServerPID: 7, Path: "/run/x", Created: time.Unix(1e9, 0).UTC(),
		Terminals: []server.Terminal{{ID: "vs1/0", Mode: "0620", Opener: server.Proc{PID: 1, Comm: "sh"}, BytesOut: 1 << 40}},
	}
	c := serveFake(t, ns, nil).dial(t)
	for range 2 { // on one connection
		got, err := c.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ns.state, got); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
	}
}

func TestEnd(t *testing.T) {
	s := serveFake(t, newFakeNamespace(), nil)
	if err := s.dial(t).End(t.Context()); err != nil {
		t.Fatal(err)
	}
	next(t, s.ended)
}

func TestServeEndsNamespaceWithContext(t *testing.T) {
	s := serveFake(t, newFakeNamespace(), nil)
	s.cancel()
	next(t, s.ended)
}

func TestStart(t *testing.T) {
	ns := newFakeNamespace()
	ns.joined = joined{index: 3, pid: 42, process: newFakeProcess()}
	c := serveFake(t, ns, nil).dial(t)
	want := server.Spec{Argv: []string{"sh", "-c", "\xff<&>"}, Env: []string{"A=b"}, Dir: "/d", DirDefault: "/e", Rows: 5, Cols: 6,
		Modes: []byte("\x35\x00\x00\x00\x00\x00"), Who: hub.Who{Name: "ada", UID: 99, PID: 99}}
	index, pid, err := c.Start(t.Context(), want)
	if err != nil || index != 3 || pid != 42 {
		t.Fatalf("Start = %d, %d, %v, want 3, 42", index, pid, err)
	}
	want.Who = hub.Who{Door: "api", Name: "ada", UID: os.Geteuid(), PID: os.Getpid()}
	if diff := cmp.Diff(want, next(t, ns.specs)); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

func TestStartWithBadModes(t *testing.T) {
	c := serveFake(t, newFakeNamespace(), nil).dial(t)
	_, _, err := c.Start(t.Context(), server.Spec{Argv: []string{"sh"}, Modes: []byte("\x35\x00")})
	if !errors.Is(err, ErrBadRequest) {
		t.Errorf("modes that are cut: %v, want ErrBadRequest", err)
	}
}

func TestErrorsCrossTheSocket(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("start %q: %w", "x", err) }
	start := func(on string, err error) error {
		return wrap(&nsexec.StartError{On: on, Name: "x", Err: err})
	}
	tests := []struct{ err, want error }{
		{start(nsexec.OnProgram, syscall.ENOENT), syscall.ENOENT},
		{start(nsexec.OnProgram, syscall.EACCES), syscall.EACCES},
		{start(nsexec.OnProgram, syscall.ENOEXEC), syscall.EACCES},
		{start(nsexec.OnDir, syscall.ENOENT), syscall.ENOTDIR},
		{start(nsexec.OnTerminal, syscall.ENOENT), nil},
		{wrap(syscall.ENOSPC), syscall.ENOSPC},
		{wrap(server.ErrNoTerminal), server.ErrNoTerminal},
		{wrap(server.ErrNotTapped), server.ErrNotTapped},
		{wrap(server.ErrEnding), server.ErrEnding},
		{wrap(hub.ErrEnded), hub.ErrEnded},
		{wrap(hub.ErrReadOnly), hub.ErrReadOnly},
		{errors.New("the moon is full"), nil},
	}
	for _, tt := range tests {
		ns := newFakeNamespace()
		ns.err = tt.err
		s := serveFake(t, ns, nil)
		_, _, startErr := s.dial(t).Start(t.Context(), server.Spec{Argv: []string{"x"}})
		_, attachedErr := s.dial(t).StartAttached(t.Context(), server.Spec{Argv: []string{"x"}})
		_, joinErr := s.dial(t).Attach(t.Context(), 1, AttachOptions{})
		for _, err := range []error{startErr, attachedErr, joinErr} {
			if err == nil || err.Error() != tt.err.Error() {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && errors.Unwrap(err) != nil {
				t.Errorf("error %v is not %v", err, tt.want)
			}
			if got := (*Error)(nil); !errors.As(err, &got) {
				t.Errorf("error %v is a %T, want *Error", err, err)
			}
		}
	}
}

func TestStream(t *testing.T) {
	ns := newFakeNamespace()
	v, p := newFakeViewer(), newFakeProcess()
	ns.joined = joined{index: 2, pid: 99, viewer: v, process: p}
	c := serveFake(t, ns, nil).dial(t)
	s, err := c.StartAttached(t.Context(), server.Spec{Argv: []string{"cat"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Index() != 2 || s.PID() != 99 {
		t.Errorf("index %d, pid %d, want 2, 99", s.Index(), s.PID())
	}
	if _, err := c.State(t.Context()); err != nil {
		t.Errorf("the client does not connect anew: %v", err)
	}

	v.out <- chunk{p: "hello"}
	v.out <- chunk{p: "world", lost: 1 << 33}
	want := []string{`0 "hello" 0 0`, `1 "" 8589934592 0`, `0 "world" 0 0`}
	for _, w := range want {
		if got := nextEvent(t, s); got != w {
			t.Errorf("event %s, want %s", got, w)
		}
	}

	if n, err := s.Write([]byte("abc")); n != 3 || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	if got := next(t, v.did); got != "type abc" {
		t.Errorf("viewer got %q", got)
	}
	if err := s.Resize(50, 132); err != nil {
		t.Error(err)
	}
	if got := next(t, v.did); got != "resize 50x132" {
		t.Errorf("viewer got %q", got)
	}
	if err := s.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	if got := next(t, p.got); got != syscall.SIGINT {
		t.Errorf("process got %v", got)
	}
	for range 2 {
		if err := s.EndInput(); err != nil {
			t.Error(err)
		}
	}
	if got := next(t, v.did); got != "end" {
		t.Errorf("viewer got %q", got)
	}
	if _, err := s.Write([]byte("x")); err == nil {
		t.Error("input after its end was taken")
	}

	close(v.out)
	p.code <- 137
	if got := nextEvent(t, s); got != `2 "" 0 137` {
		t.Errorf("event %s, want exit 137", got)
	}
	if _, err := s.Next(); err != io.EOF {
		t.Errorf("after the last event: %v, want EOF", err)
	}
	next(t, v.closed)
}

func nextEvent(t *testing.T, s *Stream) string {
	t.Helper()
	e, err := s.Next()
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return fmt.Sprintf("%d %q %d %d", e.Kind, e.Output, e.Lost, e.Code)
}

func TestAttach(t *testing.T) {
	ns := newFakeNamespace()
	v := newFakeViewer()
	ns.joined = joined{index: 5, viewer: v}
	s, err := serveFake(t, ns, nil).dial(t).Attach(t.Context(), -1, AttachOptions{
		Who: hub.Who{Door: "ssh", Name: "ada", UID: 99, PID: 99}, ReadOnly: true, Steal: true, NoHistory: true, Rows: 1, Cols: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := fmt.Sprintf("-1 uid %d pid %d {Who:ssh ada ReadOnly:true Steal:true NoHistory:true Rows:1 Cols:2}", os.Geteuid(), os.Getpid())
	if got := next(t, ns.joins); got != want {
		t.Errorf("joined %q, want %q", got, want)
	}
	if err := s.Signal(syscall.SIGINT); err != nil { // nobody to get it
		t.Error(err)
	}
	close(v.out)
	if got := nextEvent(t, s); got != `3 "" 0 0` {
		t.Errorf("event %s, want ended", got)
	}
}

func TestReadOnlyViewerMayNotType(t *testing.T) {
	ns := newFakeNamespace()
	v := newFakeViewer()
	v.denied = hub.ErrReadOnly
	ns.joined = joined{viewer: v}
	s := serveFake(t, ns, nil).attach(t)
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); !errors.Is(err, hub.ErrReadOnly) {
		t.Errorf("Next: %v, want ErrReadOnly", err)
	}
	next(t, v.closed)
}

func TestReadOnlyViewerSendsNoSignals(t *testing.T) {
	ns := newFakeNamespace()
	v, p := newFakeViewer(), newFakeProcess()
	ns.joined = joined{viewer: v, process: p}
	s, err := serveFake(t, ns, nil).dial(t).Attach(t.Context(), 0, AttachOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Signal(syscall.SIGKILL), s.Resize(10, 20)); err != nil {
		t.Fatal(err)
	}
	if got := next(t, v.did); got != "resize 10x20" || len(p.got) != 0 {
		t.Errorf("it did %q and sent %d signals", got, len(p.got))
	}
}

// A terminal that was opened inside has no program of ours, and a foreground all the same.
func TestSignalToATerminalOpenedInside(t *testing.T) {
	ns := newFakeNamespace()
	v := newFakeViewer()
	got := make(chan syscall.Signal, 1)
	ns.joined = joined{viewer: v, signal: func(sig syscall.Signal) error { got <- sig; return nil }}
	s := serveFake(t, ns, nil).attach(t)
	for _, sig := range []syscall.Signal{0, 65, syscall.SIGINT} {
		if err := s.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	if sig := next(t, got); sig != syscall.SIGINT {
		t.Errorf("got %v", sig)
	}
	close(v.out)
	if got := nextEvent(t, s); got != `3 "" 0 0` {
		t.Errorf("event %s, want ended", got)
	}
}

func TestSignalOvertakesInput(t *testing.T) {
	ns := newFakeNamespace()
	v, p := newFakeViewer(), newFakeProcess()
	v.gate = make(chan struct{})
	ns.joined = joined{viewer: v, process: p}
	s := serveFake(t, ns, nil).attach(t)
	go func() { // takes window frames; ends with the stream
		for {
			if _, err := s.Next(); err != nil {
				return
			}
		}
	}()
	wrote := make(chan int, 1)
	go func() {
		n, _ := s.Write(make([]byte, 3*inputWindow))
		_ = s.EndInput()
		wrote <- n
	}()
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	next(t, p.got)
	typed := 0
	for typed < 3*inputWindow {
		v.gate <- struct{}{}
		typed += len(next(t, v.did)) - len("type ")
	}
	if typed != 3*inputWindow || next(t, v.did) != "end" {
		t.Errorf("typed %d bytes, want %d and the end", typed, 3*inputWindow)
	}
	if n := next(t, wrote); n != 3*inputWindow {
		t.Errorf("wrote %d", n)
	}
}

func TestCloseEndsWaiting(t *testing.T) {
	ns := newFakeNamespace()
	v := newFakeViewer()
	v.gate = make(chan struct{}) // never opened
	ns.joined = joined{viewer: v}
	s := serveFake(t, ns, nil).attach(t)
	wrote, read := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.Write(make([]byte, 2*inputWindow))
		wrote <- err
	}()
	go func() {
		_, err := s.Next()
		read <- err
	}()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := next(t, wrote); err == nil {
		t.Error("Write succeeded")
	}
	if err := next(t, read); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Next: %v, want net.ErrClosed", err)
	}
	next(t, v.closed)
}

func TestFirstConnection(t *testing.T) {
	t.Run("unused", func(t *testing.T) {
		client, first := connPair(t)
		ns := newFakeNamespace()
		serveFake(t, ns, first)
		_ = client.Close()
		next(t, ns.ended)
	})
	t.Run("used for a refusal", func(t *testing.T) {
		client, first := connPair(t)
		ns := newFakeNamespace()
		ns.err = &nsexec.StartError{On: nsexec.OnProgram, Name: "x", Err: syscall.ENOENT}
		serveFake(t, ns, first)
		c := NewClient(client)
		if _, err := c.StartAttached(t.Context(), server.Spec{Argv: []string{"x"}}); !errors.Is(err, syscall.ENOENT) {
			t.Fatal(err)
		}
		_ = c.Close()
		next(t, ns.ended)
	})
	t.Run("used", func(t *testing.T) {
		client, first := connPair(t)
		ns := newFakeNamespace()
		v := newFakeViewer()
		ns.joined = joined{viewer: v, process: newFakeProcess()}
		served := serveFake(t, ns, first)
		s, err := NewClient(client).StartAttached(t.Context(), server.Spec{Argv: []string{"x"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		next(t, v.closed)
		if _, err := served.dial(t).State(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ns.ended:
			t.Error("a client that left ended the namespace")
		default:
		}
	})
}

func connPair(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestOwnerHearsAllAfterTheEnd(t *testing.T) {
	ns := newFakeNamespace()
	v, p := newFakeViewer(), newFakeProcess()
	ns.joined = joined{viewer: v, process: p}
	served := serveFake(t, ns, nil)
	s, err := served.dial(t).StartAttached(t.Context(), server.Spec{Argv: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	close(ns.done)
	v.out <- chunk{p: "last words"}
	if got := nextEvent(t, s); got != `0 "last words" 0 0` {
		t.Errorf("event %s", got)
	}
	close(v.out)
	p.code <- 3
	if got := nextEvent(t, s); got != `2 "" 0 3` {
		t.Errorf("event %s", got)
	}
	if err := next(t, served.result); err != nil {
		t.Errorf("serve: %v", err)
	}
	served.result <- nil // for the cleanup
}

func TestServerGone(t *testing.T) {
	ours, theirs := connPair(t)
	s := newStream(ours, bufio.NewReader(ours), ref{})
	defer s.Close()
	if _, err := theirs.Write([]byte{frameOutput, 0, 0, 0, 9, 'x'}); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	if _, err := s.Next(); !errors.Is(err, ErrServerGone) {
		t.Errorf("Next: %v, want ErrServerGone", err)
	}
}

// A server that ends with a request unread resets the connection, and before the request
// is written breaks it. Both are the end of the server.
func TestServerGoneUnderARequest(t *testing.T) {
	for name, end := range map[string]func(server net.Conn){
		"reset": func(server net.Conn) {
			if _, err := server.Read(make([]byte, 1)); err != nil { // the request is on its way
				t.Error(err)
			}
			_ = server.Close()
		},
		"broken": func(server net.Conn) { _ = server.Close() },
	} {
		conn, server := connPair(t)
		c := NewClient(conn)
		if name == "broken" {
			end(server)
		} else {
			go end(server)
		}
		if _, err := c.State(t.Context()); !errors.Is(err, ErrServerGone) {
			t.Errorf("%s: %v, want ErrServerGone", name, err)
		}
		_ = c.Close()
	}
}

func TestClientGivesUpWithContext(t *testing.T) {
	ours, theirs := connPair(t)
	defer theirs.Close()
	c := NewClient(ours)
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // the server reads the request and says nothing
		buf := make([]byte, 4096)
		_, _ = theirs.Read(buf)
		cancel()
	}()
	if _, err := c.State(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("State: %v, want context.Canceled", err)
	}
}

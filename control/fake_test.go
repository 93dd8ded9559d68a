package control

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

// fakeNamespace is a namespace made of channels. What it gives out is set before
// it is served.
type fakeNamespace struct {
	state  server.State
	joined joined
	err    error

	specs  chan server.Spec
	joins  chan string // "INDEX OPTIONS"
	ended  chan struct{}
	endOne sync.Once
	done   chan struct{}
}

func newFakeNamespace() *fakeNamespace {
	return &fakeNamespace{
		specs: make(chan server.Spec, 16), joins: make(chan string, 16),
		ended: make(chan struct{}), done: make(chan struct{}),
	}
}

func (n *fakeNamespace) State() server.State   { return n.state }
func (n *fakeNamespace) End()                  { n.endOne.Do(func() { close(n.ended) }) }
func (n *fakeNamespace) Done() <-chan struct{} { return n.done }

func (n *fakeNamespace) Start(spec server.Spec) (joined, error) {
	if n.err != nil {
		return joined{}, n.err
	}
	n.specs <- spec
	j := n.joined
	if !spec.Attach {
		j.viewer = nil
	}
	return j, nil
}

func (n *fakeNamespace) Join(index int, o hub.ViewerOptions) (joined, error) {
	if n.err != nil {
		return joined{}, n.err
	}
	n.joins <- fmt.Sprintf("%d %+v", index, o)
	return n.joined, nil
}

// chunk is what one Next gives.
type chunk struct {
	p    string
	lost uint64
}

// fakeViewer puts out what is sent to out, and notes what is done to it.
type fakeViewer struct {
	out    chan chunk    // closed: the terminal ends
	did    chan string   // what was typed and resized
	gate   chan struct{} // nil, or Write waits for a value of it
	denied error         // what Write returns
	closed chan struct{}
}

func newFakeViewer() *fakeViewer {
	return &fakeViewer{out: make(chan chunk, 16), did: make(chan string, 1024), closed: make(chan struct{})}
}

func (v *fakeViewer) Next(ctx context.Context, p []byte) (int, uint64, error) {
	select {
	case c, ok := <-v.out:
		if !ok {
			return 0, 0, io.EOF
		}
		if len(c.p) > len(p) {
			panic("the fake's chunk is too long")
		}
		return copy(p, c.p), c.lost, nil
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
}

func (v *fakeViewer) Write(ctx context.Context, p []byte) error {
	if v.denied != nil {
		return v.denied
	}
	if v.gate != nil {
		select {
		case <-v.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	v.did <- "type " + string(p)
	return nil
}

func (v *fakeViewer) EndInput()                { v.did <- "end" }
func (v *fakeViewer) Resize(rows, cols uint16) { v.did <- fmt.Sprintf("resize %dx%d", rows, cols) }
func (v *fakeViewer) Close()                   { close(v.closed) }

// fakeProcess ends with the code sent to code.
type fakeProcess struct {
	code chan int
	got  chan syscall.Signal
}

func newFakeProcess() *fakeProcess {
	return &fakeProcess{code: make(chan int, 1), got: make(chan syscall.Signal, 16)}
}

func (p *fakeProcess) Wait(ctx context.Context) (int, error) {
	select {
	case c := <-p.code:
		return c, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (p *fakeProcess) Signal(sig syscall.Signal) error {
	p.got <- sig
	return nil
}

// served is a fake namespace behind a real socket.
type served struct {
	*fakeNamespace
	socket string
	cancel context.CancelFunc
	result chan error // of serve
}

// serveFake serves ns until the test ends.
func serveFake(t *testing.T, ns *fakeNamespace, first net.Conn) *served {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "socket")
	l, err := usock.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{fakeNamespace: ns, socket: socket, cancel: cancel, result: make(chan error, 1)}
	go func() { s.result <- serve(ctx, ns, first, l) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ns.done:
		default:
			close(ns.done)
		}
		if err := <-s.result; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s
}

func (s *served) dial(t *testing.T) *Client {
	t.Helper()
	c, err := Dial(t.Context(), s.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// attach joins the fake's terminal.
func (s *served) attach(t *testing.T) *Stream {
	t.Helper()
	stream, err := s.dial(t).Attach(t.Context(), -1, AttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

// next receives from ch. The test's own deadline is the only one.
func next[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-t.Context().Done():
		t.Fatal("the test ended first")
		panic("unreachable")
	}
}

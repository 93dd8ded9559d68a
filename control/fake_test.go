package control

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/screen"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

// fakeNamespace is a namespace made of channels. What it gives out is set before
// it is served.
type fakeNamespace struct {
	state    server.State
	joined   joined
	err      error
	terminal *fakeTerminal // of index 0, nil when there is none
	program  program       // likewise; process is nil when there is none
	exit     *int          // what Join says of terminals that have ended
	list     []hub.Event
	signal   func(syscall.Signal) error // of a terminal that was opened inside

	did    chan string // kicks and recordings
	specs  chan server.Spec
	joins  chan string // "INDEX OPTIONS"
	ended  chan struct{}
	endOne sync.Once
	done   chan struct{}
}

func newFakeNamespace() *fakeNamespace {
	return &fakeNamespace{
		specs: make(chan server.Spec, 16), joins: make(chan string, 16),
		ended: make(chan struct{}), done: make(chan struct{}), did: make(chan string, 1024),
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
	j := n.joinedNow()
	if !spec.Attach {
		j.viewer = nil
	}
	return j, nil
}

func (n *fakeNamespace) Join(r ref, o hub.ViewerOptions) (joined, error) {
	if n.err != nil {
		return joined{}, n.err
	}
	if !r.admits(n.program.pid, n.serial()) {
		return joined{}, &endedError{exit: n.exit}
	}
	n.joins <- fmt.Sprintf("%d uid %d pid %d %+v", r.index, o.Who.UID, o.Who.PID, o)
	return n.joinedNow(), nil
}

// joinedNow is joined, with its process to be signalled where nothing else is.
func (n *fakeNamespace) joinedNow() joined {
	j := n.joined
	switch {
	case j.signal != nil:
	case j.process != nil:
		j.signal = j.process.Signal
	default:
		j.signal = func(syscall.Signal) error { return ErrNoProgram }
	}
	return j
}

func (n *fakeNamespace) Terminal(r ref) (terminal, error) {
	if n.err != nil {
		return nil, n.err
	}
	if n.terminal == nil || r.index > 0 || !r.admits(n.program.pid, n.serial()) {
		return nil, server.ErrNoTerminal
	}
	return n.terminal, nil
}

func (n *fakeNamespace) Program(r ref) (program, error) {
	if n.err != nil {
		return program{}, n.err
	}
	if n.program.process == nil || r.index > 0 || !r.admits(n.program.pid, n.serial()) {
		return program{}, ErrNoProgram
	}
	return n.program, nil
}

func (n *fakeNamespace) Signal(r ref, sig syscall.Signal) error {
	if n.signal != nil && r.pid == 0 {
		return n.signal(sig)
	}
	p, err := n.Program(r)
	if err != nil {
		return err
	}
	return p.Signal(sig)
}

// Kick knows viewer 7.
func (n *fakeNamespace) Kick(id uint64) bool {
	if id != 7 {
		return false
	}
	n.did <- "kick"
	return true
}

func (n *fakeNamespace) Events(ctx context.Context, since uint64) ([]hub.Event, error) {
	if n.err != nil {
		return nil, n.err
	}
	if since < uint64(len(n.list)) {
		return n.list[since:], nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (n *fakeNamespace) Record(r ref, spec server.RecordSpec) error {
	if !r.admits(n.program.pid, n.serial()) {
		return server.ErrNoTerminal
	}
	if n.err == nil {
		n.did <- fmt.Sprintf("record %d %+v", r.index, spec)
	}
	return n.err
}

func (n *fakeNamespace) StopRecord(r ref, file string) error {
	if !r.admits(n.program.pid, n.serial()) {
		return server.ErrNoTerminal
	}
	if n.err == nil {
		n.did <- fmt.Sprintf("stop %d %q", r.index, file)
	}
	return n.err
}

// fakeTerminal is a terminal whose output the test says.
type fakeTerminal struct {
	did    chan string   // what was typed and set
	room   chan struct{} // nil, or a byte is typed for each value of it
	denied error         // what Type returns
	typing func()        // unless nil, Type calls it
	done   chan struct{}
	number atomic.Int64 // the serial is made of it
	wait   func(ctx context.Context, c hub.Condition) (hub.Seen, error)

	mu     sync.Mutex
	log    []byte
	screen *screen.Screen
	change chan struct{} // closed at the next output
}

func newFakeTerminal() *fakeTerminal {
	t := &fakeTerminal{did: make(chan string, 1024), done: make(chan struct{}),
		screen: screen.New(24, 80, screen.Options{}), change: make(chan struct{})}
	t.number.Store(1)
	return t
}

func (t *fakeTerminal) say(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log = append(t.log, s...)
	_, _ = t.screen.Write([]byte(s))
	close(t.change)
	t.change = make(chan struct{})
}

// kept is how much of the output a fakeTerminal keeps.
const kept = 100

func (t *fakeTerminal) Output(ctx context.Context, since uint64, most int) (hub.Output, error) {
	for {
		t.mu.Lock()
		if since > uint64(len(t.log)) {
			t.mu.Unlock()
			return hub.Output{}, hub.ErrBadCursor
		}
		from := max(int(since), len(t.log)-kept)
		data := t.log[from:min(from+most, len(t.log))]
		o := hub.Output{From: uint64(from), Next: uint64(from + len(data)), Data: data}
		o.Ended = closed(t.done) && int(o.Next) == len(t.log)
		change := t.change
		t.mu.Unlock()
		if len(data) > 0 || o.Ended {
			return o, nil
		}
		select {
		case <-change:
		case <-t.done:
		case <-ctx.Done():
			return hub.Output{}, ctx.Err()
		}
	}
}

// serial is that of the terminal of index 0.
func (n *fakeNamespace) serial() string {
	if n.terminal == nil {
		return "fake-1"
	}
	return n.terminal.Serial()
}

func (t *fakeTerminal) Index() int                { return 0 }
func (t *fakeTerminal) Serial() string            { return fmt.Sprint("fake-", t.number.Load()) }
func (t *fakeTerminal) Done() <-chan struct{}     { return t.done }
func (t *fakeTerminal) SetSize(rows, cols uint16) { t.did <- fmt.Sprintf("size %dx%d", rows, cols) }

func (t *fakeTerminal) Cursor() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return uint64(len(t.log))
}

func (t *fakeTerminal) Snapshot() screen.Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.Snapshot()
}

func (t *fakeTerminal) History() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.History()
}

func (t *fakeTerminal) Type(ctx context.Context, who hub.Who, p []byte) (int, error) {
	if t.denied != nil {
		return 0, t.denied
	}
	if t.typing != nil {
		t.typing()
	}
	if t.room == nil {
		t.did <- fmt.Sprintf("%s %s %d types %q", who.Door, who.Name, who.UID, p)
		return len(p), nil
	}
	for n := range p {
		select {
		case <-t.room:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
	return len(p), nil
}

// Await waits for the text, or as wait says.
func (t *fakeTerminal) Await(ctx context.Context, c hub.Condition) (hub.Seen, error) {
	if t.wait != nil {
		return t.wait(ctx, c)
	}
	for {
		t.mu.Lock()
		seen, change := hub.Seen{Cursor: uint64(len(t.log)), Screen: t.screen.Snapshot()}, t.change
		t.mu.Unlock()
		if strings.Contains(textOf(seen.Screen), c.Text) {
			return seen, nil
		}
		select {
		case <-change:
		case <-t.done:
			return seen, hub.ErrEnded
		case <-ctx.Done():
			return seen, ctx.Err()
		}
	}
}

// chunk is what one Next gives.
type chunk struct {
	p    string
	lost uint64
	err  error
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
		return copy(p, c.p), c.lost, c.err
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
		p.code <- c // for the next who asks
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

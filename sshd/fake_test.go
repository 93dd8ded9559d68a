package sshd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/screen"
	"github.com/ptsns/ptsns/server"
)

// patience turns a hang into a failure.
const patience = 20 * time.Second

// next takes what comes from a channel.
func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing comes")
		panic("not reached")
	}
}

// fakeStream is a terminal made of channels.
type fakeStream struct {
	index   int
	events  chan any // control.Event or error
	typed   chan string
	told    chan string // resizes, signals and ends of input
	closed  chan struct{}
	closing sync.Once
}

func newFakeStream(index int) *fakeStream {
	return &fakeStream{index: index, events: make(chan any, 100), typed: make(chan string, 1000), told: make(chan string, 1000), closed: make(chan struct{})}
}

func (s *fakeStream) Index() int { return s.index }

func (s *fakeStream) Next() (control.Event, error) {
	select {
	case e := <-s.events:
		if err, is := e.(error); is {
			return control.Event{}, err
		}
		return e.(control.Event), nil
	case <-s.closed:
		return control.Event{}, net.ErrClosed
	}
}

func (s *fakeStream) Write(p []byte) (int, error) {
	select {
	case s.typed <- string(p):
		return len(p), nil
	case <-s.closed:
		return 0, net.ErrClosed
	}
}

func (s *fakeStream) EndInput() error { s.told <- "end"; return nil }
func (s *fakeStream) Resize(rows, cols uint16) error {
	s.told <- fmt.Sprintf("%dx%d", rows, cols)
	return nil
}
func (s *fakeStream) Signal(sig syscall.Signal) error { s.told <- sig.String(); return nil }
func (s *fakeStream) Close() error                    { s.closing.Do(func() { close(s.closed) }); return nil }

func (s *fakeStream) say(text string) { s.events <- control.Event{Output: []byte(text)} }
func (s *fakeStream) exit(code int)   { s.events <- control.Event{Kind: control.Exit, Code: code} }

// fakeNamespaces has terminals for who asks.
type fakeNamespaces struct {
	attached chan string // "NAME/INDEX OPTIONS"
	started  chan server.Spec
	streams  chan *fakeStream // what the next ones get
	fail     chan error       // or what fails them

	mu   sync.Mutex
	list []Namespace // guarded by mu
}

func newFakeNamespaces() *fakeNamespaces {
	return &fakeNamespaces{
		attached: make(chan string, 100), started: make(chan server.Spec, 100), streams: make(chan *fakeStream, 100), fail: make(chan error, 100),
	}
}

func (n *fakeNamespaces) set(list ...Namespace) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = list
}

func (n *fakeNamespaces) List(context.Context) ([]Namespace, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.list, nil
}

func (n *fakeNamespaces) Attach(ctx context.Context, name string, index int, o control.AttachOptions) (Stream, error) {
	text := fmt.Sprintf("%s/%d %s %s read-only=%v %dx%d", name, index, o.Who.Door, o.Who.Name, o.ReadOnly, o.Rows, o.Cols)
	if o.Serial != "" {
		text += " " + o.Serial
	}
	n.attached <- text
	return n.give(ctx)
}

func (n *fakeNamespaces) Start(ctx context.Context, _ string, spec server.Spec) (Stream, error) {
	n.started <- spec
	return n.give(ctx)
}

func (n *fakeNamespaces) give(ctx context.Context) (Stream, error) {
	select {
	case err := <-n.fail:
		return nil, err
	case s := <-n.streams:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func terminals(name string, comms ...string) Namespace {
	ns := Namespace{State: server.State{Name: name}}
	for i, comm := range comms {
		ns.Terminals = append(ns.Terminals, server.Terminal{Index: i, Serial: fmt.Sprintf("%s-serial-%d", name, i), Rows: 24, Cols: 80, Foreground: server.Proc{PID: 1, Comm: comm}})
	}
	return ns
}

// door is a Server at work, on loopback, with fake namespaces.
type door struct {
	t      *testing.T
	s      *Server
	ns     *fakeNamespaces
	addr   string
	log    *syncBuffer
	signer ssh.Signer // of a key that may do everything
	cancel context.CancelFunc
	done   chan error
}

// newDoor starts a door; lines are of its authorized_keys file, beside the one for signer.
func newDoor(t *testing.T, change func(*Server), lines ...string) *door {
	t.Helper()
	d := &door{t: t, ns: newFakeNamespaces(), signer: newSigner(t), log: new(syncBuffer), done: make(chan error, 1)}
	lines = append(lines, line(d.signer.PublicKey(), "", "dev@laptop"))
	d.s = New(Config{
		HostKey: newSigner(t), Keys: writeKeys(t, lines...), Namespaces: d.ns, Shell: "/bin/zsh", Env: []string{"HOME=/home/dev"}, Dir: "/home/dev",
		Log: slog.New(slog.NewTextHandler(d.log, nil)),
	})
	d.s.limits.look = 10 * time.Millisecond
	if change != nil {
		change(d.s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go func() { d.done <- d.s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := next(t, d.done); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", d.log)
		}
	})
	return d
}

// login logs in; the error is the client's.
func (d *door) login(user string, signer ssh.Signer) (*ssh.Client, error) {
	d.t.Helper()
	c, err := ssh.Dial("tcp", d.addr, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(d.s.cfg.HostKey.PublicKey()), Timeout: patience,
	})
	if err != nil {
		return nil, err
	}
	d.t.Cleanup(func() { _ = c.Close() })
	_, _, err = c.SendRequest("ping", true, nil) // once it is answered, this one is no stranger any more
	return c, err
}

// loginOver logs in to vs1 on a connection, which is closed when that fails.
func (d *door) loginOver(nc net.Conn) (*ssh.Client, error) {
	cc, chans, reqs, err := ssh.NewClientConn(nc, "door", &ssh.ClientConfig{
		User: "vs1", Auth: []ssh.AuthMethod{ssh.PublicKeys(d.signer)}, HostKeyCallback: ssh.FixedHostKey(d.s.cfg.HostKey.PublicKey())})
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return ssh.NewClient(cc, chans, reqs), nil
}

// person is somebody at a client, and what they see.
type person struct {
	t    *testing.T
	s    *ssh.Session
	in   io.WriteCloser
	out  *syncBuffer
	errs *syncBuffer
}

// enter opens a channel as user, with a terminal when size is not 0x0, and runs command.
func (d *door) enter(user string, signer ssh.Signer, size window, modes ssh.TerminalModes, command string) *person {
	d.t.Helper()
	c, err := d.login(user, signer)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.open(c, size, modes, command)
}

func (d *door) open(c *ssh.Client, size window, modes ssh.TerminalModes, command string) *person {
	d.t.Helper()
	s, err := c.NewSession()
	if err != nil {
		d.t.Fatal(err)
	}
	p := &person{t: d.t, s: s, out: new(syncBuffer), errs: new(syncBuffer)}
	s.Stdout, s.Stderr = p.out, p.errs
	if p.in, err = s.StdinPipe(); err != nil {
		d.t.Fatal(err)
	}
	if size != (window{}) {
		if err := s.RequestPty("xterm-256color", int(size.rows), int(size.cols), modes); err != nil {
			d.t.Fatal(err)
		}
	}
	if command == "" {
		err = s.Shell()
	} else {
		err = s.Start(command)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, text); err != nil {
		p.t.Fatalf("type %q: %v", text, err)
	}
}

// status waits for the end and returns the exit status.
func (p *person) status() int {
	p.t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.s.Wait() }()
	switch err := next(p.t, done).(type) {
	case nil:
		return 0
	case *ssh.ExitError:
		return err.ExitStatus()
	default:
		p.t.Fatalf("wait: %v; stderr %q", err, p.errs)
		return -1
	}
}

// syncBuffer is a buffer that can be waited on.
type syncBuffer struct {
	mu   sync.Mutex
	b    bytes.Buffer
	grew chan struct{} // closed, and made anew, by each Write
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grew != nil {
		close(b.grew)
		b.grew = nil
	}
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// await waits until ok holds of what was written.
func (b *syncBuffer) await(t *testing.T, what string, ok func(text string) bool) {
	t.Helper()
	hang := time.After(patience)
	for {
		b.mu.Lock()
		if b.grew == nil {
			b.grew = make(chan struct{})
		}
		grew, text := b.grew, b.b.String()
		b.mu.Unlock()
		if ok(text) {
			return
		}
		select {
		case <-grew:
		case <-hang:
			t.Fatalf("waiting for %s: %q", what, text)
		}
	}
}

// sees waits until the person's screen satisfies ok.
func (p *person) sees(size window, what string, ok func(lines string) bool) {
	p.t.Helper()
	p.out.await(p.t, what, func(text string) bool {
		s := screen.New(int(size.rows), int(size.cols), screen.Options{})
		_, _ = s.Write([]byte(text))
		return ok(s.Text())
	})
}

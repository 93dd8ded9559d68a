package webd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/server"
)

const testToken = "the token of this test"

const fakeSerial = "fake-0" // of vs1/0

// deadline turns a hang into a failure.
const deadline = 20 * time.Second

// fakeNamespaces has one namespace, vs1, with one terminal, 0.
type fakeNamespaces struct {
	stream *fakeStream
	lists  func() ([]Namespace, error) // nil: the one

	mu       sync.Mutex
	attached []control.AttachOptions // guarded by mu
	started  []server.Spec           // guarded by mu
	fail     error                   // guarded by mu; of Attach and Start
}

func newFake() *fakeNamespaces { return &fakeNamespaces{stream: newStream()} }

func (f *fakeNamespaces) List(context.Context) ([]Namespace, error) {
	if f.lists != nil {
		return f.lists()
	}
	return []Namespace{{State: server.State{Name: "vs1", Kind: "kernel", Terminals: []server.Terminal{{Index: 0, Serial: fakeSerial, Rows: 24, Cols: 80, Title: "<b>title</b>"}}}}}, nil
}

func (f *fakeNamespaces) Attach(_ context.Context, name string, index int, o control.AttachOptions) (Stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return nil, f.fail
	}
	if name != "vs1" {
		return nil, fs.ErrNotExist
	}
	if o.Serial != "" && o.Serial != fakeSerial {
		status := 3
		return nil, &control.Error{Code: "terminal-ended", Text: "the terminal has ended", Exit: &status}
	}
	if index != 0 {
		return nil, &control.Error{Code: "no-such-terminal", Text: "no such terminal"}
	}
	f.attached = append(f.attached, o)
	return f.stream, nil
}

func (f *fakeNamespaces) Start(_ context.Context, name string, spec server.Spec) (int, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name != "vs1" {
		return 0, "", fs.ErrNotExist
	}
	f.started = append(f.started, spec)
	return 7, "fake-7", f.fail
}

// fakeStream is a terminal that says what it is told to and notes what it hears.
type fakeStream struct {
	events  chan control.Event
	resizes chan [2]uint16
	stuck   chan struct{} // unless nil, Write waits for it to be closed
	closed  chan struct{}
	once    sync.Once

	mu    sync.Mutex
	typed bytes.Buffer  // guarded by mu
	heard chan struct{} // one slot: typed grew
}

func newStream() *fakeStream {
	return &fakeStream{events: make(chan control.Event), resizes: make(chan [2]uint16, 16), closed: make(chan struct{}), heard: make(chan struct{}, 1)}
}

func (s *fakeStream) Next() (control.Event, error) {
	select {
	case e, ok := <-s.events:
		if !ok {
			return control.Event{}, control.ErrServerGone
		}
		return e, nil
	case <-s.closed:
		return control.Event{}, net.ErrClosed
	}
}

func (s *fakeStream) Write(p []byte) (int, error) {
	if s.stuck != nil {
		select {
		case <-s.stuck:
		case <-s.closed:
			return 0, net.ErrClosed
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.typed.Write(p)
	select {
	case s.heard <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *fakeStream) Resize(rows, cols uint16) error {
	select {
	case s.resizes <- [2]uint16{rows, cols}:
	default:
	}
	return nil
}

func (s *fakeStream) Index() int { return 0 }

func (s *fakeStream) Serial() string { return fakeSerial }

func (s *fakeStream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *fakeStream) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.typed.String()
}

// testDoor is a door that is served, and a browser of sorts.
type testDoor struct {
	t      testing.TB
	fake   *fakeNamespaces
	server *Server
	addr   string
	cookie string
	key    string
}

// openDoor serves a door with the token and what change makes of its configuration.
func openDoor(t testing.TB, change func(*Config)) *testDoor {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveDoor(t, l, change)
}

func serveDoor(t testing.TB, l net.Listener, change func(*Config)) *testDoor {
	t.Helper()
	d := &testDoor{t: t, fake: newFake(), addr: l.Addr().String()}
	cfg := Config{Namespaces: d.fake, Token: testToken, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	var err error
	if d.server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		for range maxSockets { // every websocket has ended
			d.server.sockets <- struct{}{}
		}
		_ = d.server.Close()
	})
	d.cookie = "ptsns-" + d.addr[strings.LastIndex(d.addr, ":")+1:] + "=" + d.server.pass.cookie
	d.key = d.server.pass.key
	return d
}

// asked is how a request differs from one of the page's.
type asked struct {
	method, host, origin, cookie, key, body string // "-" leaves the header out
	header                                  http.Header
}

func (d *testDoor) request(path string, a asked) *http.Request {
	d.t.Helper()
	if a.method == "" {
		a.method = "GET"
	}
	r, err := http.NewRequest(a.method, "http://"+d.addr+path, strings.NewReader(a.body))
	if err != nil {
		d.t.Fatal(err)
	}
	for k, v := range a.header {
		r.Header[k] = v
	}
	set := func(key, value, usual string) {
		if value == "" {
			value = usual
		}
		if value != "-" {
			r.Header.Set(key, value)
		}
	}
	set("Origin", a.origin, "http://"+d.addr)
	set("Cookie", a.cookie, d.cookie)
	set(keyHeader, a.key, d.key)
	if a.host != "" {
		r.Host = a.host
	}
	return r
}

// ask does a request and gives its status and body.
func (d *testDoor) ask(path string, a asked) (*http.Response, string) {
	d.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport, Timeout: deadline}).Do(d.request(path, a))
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, string(body)
}

// status is that of an answer, with the code of a failure.
func (d *testDoor) status(path string, a asked) (int, string) {
	d.t.Helper()
	resp, body := d.ask(path, a)
	var f failure
	_ = json.Unmarshal([]byte(body), &f) // not every answer is one
	return resp.StatusCode, f.Code
}

// browser is the page's end of a websocket.
type browser struct {
	t    testing.TB
	conn *websocket.Conn
}

func (d *testDoor) dial(path string, a asked) (*browser, int, error) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	r := d.request(path, a)
	protocols := []string{protocol}
	if key := r.Header.Get(keyHeader); key != "" { // as the page does
		protocols = append(protocols, keyProtocol+key)
		r.Header.Del(keyHeader)
	}
	conn, resp, err := websocket.Dial(ctx, "ws://"+d.addr+path, &websocket.DialOptions{
		HTTPHeader: r.Header, Host: a.host, Subprotocols: protocols})
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	if err != nil {
		return nil, status, err
	}
	conn.SetReadLimit(1 << 20)
	d.t.Cleanup(func() { _ = conn.CloseNow() })
	return &browser{d.t, conn}, status, nil
}

func (d *testDoor) join(query string) *browser {
	d.t.Helper()
	b, _, err := d.dial("/api/terminals/vs1/0?rows=24&cols=80"+query, asked{})
	if err != nil {
		d.t.Fatal(err)
	}
	if m := b.message(); m.Type != "attached" {
		d.t.Fatalf("first message: got %+v, want attached", m)
	}
	return b
}

func (b *browser) read() (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	return b.conn.Read(ctx)
}

// message reads a text message.
func (b *browser) message() message {
	b.t.Helper()
	kind, p, err := b.read()
	if err != nil || kind != websocket.MessageText {
		b.t.Fatalf("got %v %q, %v, want a text message", kind, p, err)
	}
	var m message
	if err := json.Unmarshal(p, &m); err != nil {
		b.t.Fatal(err)
	}
	return m
}

// closing reads to the end, and gives the status of the closing.
func (b *browser) closing() (websocket.StatusCode, string) {
	b.t.Helper()
	for {
		_, _, err := b.read()
		if err == nil {
			continue
		}
		var c websocket.CloseError
		if !errors.As(err, &c) {
			b.t.Fatalf("the connection ended without a closing: %v", err)
		}
		return c.Code, c.Reason
	}
}

func (b *browser) send(kind websocket.MessageType, p string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := b.conn.Write(ctx, kind, []byte(p)); err != nil {
		b.t.Fatal(err)
	}
}

func prefixes(s ...string) (list []netip.Prefix) {
	for _, p := range s {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

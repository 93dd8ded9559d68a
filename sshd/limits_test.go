package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

// Only a key in the file lets in, and nothing else does.
func TestWrongKey(t *testing.T) {
	elsewhere, expired, odd := newSigner(t), newSigner(t), newSigner(t)
	d := newDoor(t, nil,
		line(elsewhere.PublicKey(), `from="10.0.0.0/8"`, ""),
		line(expired.PublicKey(), `expiry-time="20200101"`, ""),
		line(odd.PublicKey(), `command="true"`, ""))
	for name, signer := range map[string]ssh.Signer{"another": newSigner(t), "of elsewhere": elsewhere, "expired": expired, "with an unknown option": odd, "the host's": d.s.cfg.HostKey} {
		if _, err := d.login("vs1", signer); err == nil {
			t.Errorf("a key that is %s lets in", name)
		}
	}
	for name, method := range map[string]ssh.AuthMethod{
		"a password":  ssh.Password(""),
		"a challenge": ssh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return nil, nil }),
	} {
		_, err := ssh.Dial("tcp", d.addr, &ssh.ClientConfig{User: "vs1", Auth: []ssh.AuthMethod{method}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
		if err == nil || !strings.Contains(err.Error(), "attempted methods [none]") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, want := range []string{"not in the file", "not for 127.0.0.1", "has expired", `not known here`} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

// The key that signs is the key that counts, not one that was asked about before.
func TestKeyThatSigns(t *testing.T) {
	viewer := newSigner(t)
	d := newDoor(t, nil, line(viewer.PublicKey(), "read-only", "tv"))
	// The client has the other's public key and signs with its own.
	fake := mismatched{d.signer.PublicKey(), viewer}
	if _, err := d.login("vs1", fake); err == nil {
		t.Fatal("a signature of another key lets in")
	}
	c, err := ssh.Dial("tcp", d.addr, &ssh.ClientConfig{User: "vs1", Auth: []ssh.AuthMethod{ssh.PublicKeys(fake, viewer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		return // x/crypto's client may give up
	}
	defer c.Close()
	p := d.open(c, defaultWindow, nil, "")
	if got := p.status(); got != exitFailure || !strings.Contains(p.errs.String(), "looks on") {
		t.Errorf("status %d, said %q", got, p.errs)
	}
}

type mismatched struct {
	pub ssh.PublicKey
	ssh.Signer
}

func (m mismatched) PublicKey() ssh.PublicKey { return m.pub }

func TestTooManyKeys(t *testing.T) {
	d := newDoor(t, func(s *Server) { s.limits.tries = 3 })
	signers := []ssh.Signer{newSigner(t), newSigner(t), newSigner(t), d.signer}
	_, err := ssh.Dial("tcp", d.addr, &ssh.ClientConfig{User: "vs1", Auth: []ssh.AuthMethod{ssh.PublicKeys(signers...)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err == nil {
		t.Error("the fourth key lets in, after three tries")
	}
	if _, err := ssh.Dial("tcp", d.addr, &ssh.ClientConfig{User: "vs1", Auth: []ssh.AuthMethod{ssh.PublicKeys(signers[2:]...)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}); err != nil {
		t.Errorf("the second key does not let in: %v", err)
	}
}

func TestTooManyConnections(t *testing.T) {
	d := newDoor(t, func(s *Server) { s.limits.conns, s.limits.strangers = 3, 2 })
	dial := func() net.Conn {
		nc, err := net.Dial("tcp", d.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
		return nc
	}
	hello := func(nc net.Conn) string {
		b := make([]byte, 4)
		if _, err := io.ReadFull(nc, b); err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one, two := dial(), dial()
	if a, b := hello(one), hello(two); a != "SSH-" || b != "SSH-" {
		t.Fatalf("strangers are greeted with %q, %q", a, b)
	}
	third := dial()
	text, err := io.ReadAll(third)
	if string(text) != "ptsns: too many connections\r\n" || err != nil {
		t.Errorf("a third stranger is greeted with %q, %v", text, err)
	}
	_, _ = one.Close(), two.Close()
	var c *ssh.Client
	for c == nil { // once the two have been noticed to go
		c, _ = d.login("vs1", d.signer)
	}
	for range 2 {
		if _, err := d.login("vs1", d.signer); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.login("vs1", d.signer); err == nil {
		t.Error("a fourth connection is let in")
	}
	_ = c.Close()
}

// One source cannot take all places of those that have not shown a key; who has shown one
// takes none.
func TestTooManyStrangersOfOneSource(t *testing.T) {
	inMemory(t, func(t *testing.T, d *door, l *pipeListener) {
		greeted := func(from string) (net.Conn, bool) {
			nc := l.dialFrom(from)
			t.Cleanup(func() { _ = nc.Close() })
			b := make([]byte, 4)
			_, err := io.ReadFull(nc, b)
			return nc, err == nil && string(b) == "SSH-"
		}
		most := defaultLimits.source
		var last net.Conn
		for i := range most + 1 {
			nc, ok := greeted("192.0.2.1")
			if ok != (i < most) {
				t.Errorf("stranger %d of one address is greeted: %v", i+1, ok)
			}
			if ok {
				last = nc
			}
		}
		if _, ok := greeted("::ffff:192.0.2.1"); ok {
			t.Error("the address is another as IPv6 has it")
		}
		for i := range most + 1 {
			if _, ok := greeted(fmt.Sprintf("2001:db8::%d", i)); ok != (i < most) {
				t.Errorf("stranger %d of one /64 is greeted: %v", i+1, ok)
			}
		}
		_ = last.Close()
		synctest.Wait() // it has been noticed
		for range most + 1 {
			nc := l.dialFrom("192.0.2.1")
			cc, chans, reqs, err := ssh.NewClientConn(nc, "door", &ssh.ClientConfig{
				User: "vs1", Auth: []ssh.AuthMethod{ssh.PublicKeys(d.signer)}, HostKeyCallback: ssh.FixedHostKey(d.s.cfg.HostKey.PublicKey())})
			if err != nil {
				t.Fatalf("with a key: %v", err)
			}
			defer ssh.NewClient(cc, chans, reqs).Close()
			synctest.Wait() // the door has seen the key before the client hears of it, and counts it after
		}
	})
}

// Behind a proxy on this machine there are many, but not so many that others find no place.
func TestSources(t *testing.T) {
	s := New(Config{})
	here, left := sourceOf(netip.MustParseAddr("127.0.0.1")), defaultLimits.here
	for s.enter(here) {
		left--
	}
	if left != 0 {
		t.Errorf("of the places for this machine %d are left", left)
	}
	for name, want := range map[string]source{
		"127.0.0.9": here, "::1": here, "": here, "192.0.2.1": source(netip.MustParsePrefix("192.0.2.1/32")),
		"2001:db8::1": source(netip.MustParsePrefix("2001:db8::/64")), "fe80::1%eth0": source(netip.MustParsePrefix("fe80::/64")),
	} {
		addr, _ := netip.ParseAddr(name) // "" is none
		if got := sourceOf(addr); got != want {
			t.Errorf("%q is %v, want %v", name, got, want)
		}
	}
	other := sourceOf(netip.MustParseAddr("192.0.2.1"))
	if !s.enter(other) {
		t.Error("nobody else finds a place")
	}
	s.known(other)
	for range defaultLimits.here {
		s.known(here)
	}
	if len(s.sources) != 0 || s.strangers != 0 {
		t.Errorf("left over: %v, %d", s.sources, s.strangers)
	}
}

func TestTooManyChannels(t *testing.T) {
	d := newDoor(t, func(s *Server) { s.limits.visits = 2 })
	c, err := d.login("vs1", d.signer)
	if err != nil {
		t.Fatal(err)
	}
	one, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSession(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSession(); err == nil || !strings.Contains(err.Error(), "too many channels") {
		t.Errorf("a third channel: %v", err)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	for { // once its end has been noticed
		if s, err := c.NewSession(); err == nil {
			_ = s.Close()
			return
		}
	}
}

// pipeListener hands out connections in memory, whose time is the test's.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// dial makes a connection whose writes wait for nobody.
func (l *pipeListener) dial() net.Conn { return l.dialFrom("127.0.0.1") }

func (l *pipeListener) dialFrom(addr string) net.Conn {
	here, there := net.Pipe()
	b := newBuffered(there)
	b.from = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 1024))
	l.conns <- b
	return newBuffered(here)
}

// buffered is a connection with room for what is written.
type buffered struct {
	net.Conn
	wake   chan struct{} // one slot: queue has grown
	closed chan struct{}
	once   sync.Once
	from   net.Addr // nil: the other end's own

	mu    sync.Mutex
	queue []byte // guarded by mu
}

func newBuffered(c net.Conn) *buffered {
	b := &buffered{Conn: c, wake: make(chan struct{}, 1), closed: make(chan struct{})}
	go b.pump() // ends with the connection
	return b
}

func (b *buffered) RemoteAddr() net.Addr {
	if b.from != nil {
		return b.from
	}
	return b.Conn.RemoteAddr()
}

func (b *buffered) pump() {
	for {
		select {
		case <-b.wake:
		case <-b.closed:
			return
		}
		b.mu.Lock()
		p := b.queue
		b.queue = nil
		b.mu.Unlock()
		if _, err := b.Conn.Write(p); err != nil {
			return
		}
	}
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	b.queue = append(b.queue, p...)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (b *buffered) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Conn.Close()
}

// inMemory runs f with a door on a pipeListener in a bubble.
func inMemory(t *testing.T, f func(t *testing.T, d *door, l *pipeListener)) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{t: t, ns: newFakeNamespaces(), signer: newSigner(t), log: new(syncBuffer), done: make(chan error, 1)}
		d.s = New(Config{HostKey: newSigner(t), Keys: writeKeys(t, line(d.signer.PublicKey(), "", "me")), Namespaces: d.ns, Shell: "/bin/sh",
			Log: slog.New(slog.NewTextHandler(d.log, nil))})
		l := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { d.done <- d.s.Serve(ctx, l) }()
		f(t, d, l)
		cancel()
		if err := <-d.done; err != nil {
			t.Error(err)
		}
	})
}

// Who shows no key in time is shown out.
func TestGrace(t *testing.T) {
	inMemory(t, func(t *testing.T, d *door, l *pipeListener) {
		nc := l.dial()
		defer nc.Close()
		start := time.Now()
		_, _ = io.Copy(io.Discard, nc) // until it is closed
		if got := time.Since(start); got != defaultLimits.grace {
			t.Errorf("shown out after %v, want %v", got, defaultLimits.grace)
		}
	})
}

// stalling is a connection whose owner can stop reading.
type stalling struct {
	net.Conn
	stalled chan struct{} // closed to stall
	closed  chan struct{}
	once    sync.Once
}

func (s *stalling) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	select {
	case <-s.stalled:
		<-s.closed
		return 0, errors.New("stalled")
	default:
		return n, err
	}
}

func (s *stalling) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// A client that answers stays as long as it likes; one that does not any more has gone
// after a while, and its terminal is left.
func TestKeepAlive(t *testing.T) {
	inMemory(t, func(t *testing.T, d *door, l *pipeListener) {
		nc := &stalling{Conn: l.dial(), stalled: make(chan struct{}), closed: make(chan struct{})}
		cc, chans, reqs, err := ssh.NewClientConn(nc, "door", &ssh.ClientConfig{
			User: "vs1", Auth: []ssh.AuthMethod{ssh.PublicKeys(d.signer)}, HostKeyCallback: ssh.FixedHostKey(d.s.cfg.HostKey.PublicKey())})
		if err != nil {
			t.Fatal(err)
		}
		c := ssh.NewClient(cc, chans, reqs)
		defer c.Close()
		s := newFakeStream(0)
		d.ns.streams <- s
		p := d.open(c, defaultWindow, nil, "")
		p.types("x")
		<-s.typed

		<-time.After(24 * time.Hour) // of the bubble
		p.types("y")
		if got := <-s.typed; got != "y" {
			t.Errorf("typed %q", got)
		}

		close(nc.stalled)
		start := time.Now()
		<-s.closed
		at := defaultLimits.keepalive
		if got, most := time.Since(start), time.Duration(defaultLimits.misses+1)*at; got > most || got < most-at {
			t.Errorf("given up after %v, want %v to %v", got, most-at, most)
		}
	})
}

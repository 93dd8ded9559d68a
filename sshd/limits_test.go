package sshd

import (
	"errors"
	"fmt"
	"io"
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

// Who finds no place hears so.
func TestNoPlace(t *testing.T) {
	d := newDoor(t, func(s *Server) { s.limits.strangers = 0 })
	nc, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	text, err := io.ReadAll(nc)
	if string(text) != "ptsns: too many connections\r\n" || err != nil {
		t.Errorf("greeted with %q, %v", text, err)
	}
}

func TestTooManyConnections(t *testing.T) {
	inMemory(t, func(t *testing.T, d *door, l *pipeListener) {
		d.s.limits.conns, d.s.limits.strangers = 3, 2 // nobody has come yet
		one, is := l.greeted("127.0.0.1")
		two, are := l.greeted("127.0.0.1")
		if _, ok := l.greeted("127.0.0.1"); !is || !are || ok {
			t.Errorf("strangers are greeted: %v, %v, %v; want the first two alone", is, are, ok)
		}
		_, _ = one.Close(), two.Close()
		synctest.Wait() // they have been noticed to go
		for range 3 {
			c, err := d.loginBy(l, "127.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		if _, err := d.loginBy(l, "127.0.0.1"); err == nil {
			t.Error("a fourth connection is let in")
		}
	})
}

// One source cannot take all places of those that have not shown a key; who has shown one
// takes none.
func TestTooManyStrangersOfOneSource(t *testing.T) {
	inMemory(t, func(t *testing.T, d *door, l *pipeListener) {
		most := defaultLimits.source
		var last net.Conn
		for i := range most + 1 {
			nc, ok := l.greeted("192.0.2.1")
			defer nc.Close()
			if ok != (i < most) {
				t.Errorf("stranger %d of one address is greeted: %v", i+1, ok)
			}
			if ok {
				last = nc
			}
		}
		if _, ok := l.greeted("::ffff:192.0.2.1"); ok {
			t.Error("the address is another as IPv6 has it")
		}
		for i := range most + 1 {
			nc, ok := l.greeted(fmt.Sprintf("2001:db8::%d", i))
			defer nc.Close()
			if ok != (i < most) {
				t.Errorf("stranger %d of one /64 is greeted: %v", i+1, ok)
			}
		}
		_ = last.Close()
		synctest.Wait() // it has been noticed to go
		for range most + 1 {
			c, err := d.loginBy(l, "192.0.2.1")
			if err != nil {
				t.Fatalf("with a key: %v", err)
			}
			defer c.Close()
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
	inMemory(t, func(t *testing.T, d *door, l *pipeListener) {
		d.s.limits.visits = 2 // nobody has come yet
		c, err := d.loginBy(l, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
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
		synctest.Wait() // its end has been noticed
		if _, err := c.NewSession(); err != nil {
			t.Errorf("in place of one: %v", err)
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

func newStalling(nc net.Conn) *stalling {
	return &stalling{Conn: nc, stalled: make(chan struct{}), closed: make(chan struct{})}
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
		nc := newStalling(l.dial())
		c, err := d.loginOver(nc)
		if err != nil {
			t.Fatal(err)
		}
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

package sshd

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/ssh"
)

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

// greeted is a stranger's connection, and tells whether the door speaks SSH with it; else it
// is closed.
func (l *pipeListener) greeted(addr string) (net.Conn, bool) {
	nc := l.dialFrom(addr)
	b := make([]byte, 4)
	if _, err := io.ReadFull(nc, b); err != nil || string(b) != "SSH-" {
		_ = nc.Close()
		return nc, false
	}
	return nc, true
}

// loginBy logs in from an address; when it returns the door has counted that.
func (d *door) loginBy(l *pipeListener, addr string) (*ssh.Client, error) {
	c, err := d.loginOver(l.dialFrom(addr))
	if err == nil {
		synctest.Wait()
	}
	return c, err
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

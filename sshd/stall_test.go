package sshd

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/control"
)

// dialTCP makes a connection on loopback.
func dialTCP(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return c.(*net.TCPConn), a.(*net.TCPConn)
}

// userTimeout is after what time the kernel ends the connection, 0 when that is its affair.
func userTimeout(t *testing.T, c *net.TCPConn) time.Duration {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ms := 0
	if cerr := raw.Control(func(fd uintptr) { ms, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return time.Duration(ms) * time.Millisecond
}

// The kernel is impatient while something has waited for long, and then no more.
func TestStall(t *testing.T) {
	c, _ := dialTCP(t)
	synctest.Test(t, func(t *testing.T) {
		s := stall{nc: c, after: defaultLimits.stall}
		want := func(when string, d time.Duration) {
			t.Helper()
			synctest.Wait()
			if got := userTimeout(t, c); got != d {
				t.Errorf("%s: %v, want %v", when, got, d)
			}
		}
		one := s.begin()
		want("at first", 0)
		<-time.After(s.after / 2)
		want("when something waits", s.after)
		two := s.begin()
		<-time.After(s.after / 2)
		one()
		want("when one of two waits", s.after)
		two()
		want("when nothing does", 0)
		s.begin()()
		<-time.After(s.after)
		want("after something short", 0)
	})
}

// A client that takes nothing has gone when a program waits for it, long before it is found
// to answer nothing.
func TestStalledOwner(t *testing.T) {
	d := newDoor(t, func(s *Server) { s.limits.stall = 100 * time.Millisecond })
	tcp, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	nc := newStalling(tcp)
	c, err := d.loginOver(nc)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := newFakeStream(0)
	d.ns.streams <- s
	p := d.open(c, defaultWindow, nil, "")
	p.types("x")
	next(t, s.typed)
	close(nc.stalled)
	go func() { // ends with the stream
		for {
			select {
			case s.events <- control.Event{Output: make([]byte, 32<<10)}:
			case <-s.closed:
				return
			}
		}
	}()
	next(t, s.closed)
}

package sshd

import (
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stall ends a connection whose other end takes nothing for a while although something
// waits for it, which makes a program wait too. What tells is TCP: a slow link takes
// something, and so does a client whose user has paused it. The kernel is told of it only
// while something waits, for else it would end connections that are merely idle.
type stall struct {
	nc    net.Conn      // immutable, like after
	after time.Duration // without anything taken

	mu      sync.Mutex
	waiting int // guarded by mu: for longer than a part of after
}

// begin notes that something waits, until end is called once.
func (s *stall) begin() (end func()) {
	const part = 3                // of after; what takes less is no stall, and costs no system call
	counted, over := false, false // guarded by mu
	timer := time.AfterFunc(s.after/part, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if over {
			return
		}
		counted = true
		if s.waiting++; s.waiting == 1 {
			s.set(s.after)
		}
	})
	return func() {
		if timer.Stop() {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		over = true
		if !counted {
			return
		}
		if s.waiting--; s.waiting == 0 {
			s.set(0)
		}
	}
}

// set has the kernel end the connection after so long without an acknowledgement or room
// for what was written to it; 0 is its own patience.
func (s *stall) set(after time.Duration) {
	sc, is := s.nc.(syscall.Conn)
	if !is {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return // it has gone
	}
	_ = raw.Control(func(fd uintptr) { // the same
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds())) // one without it is as patient as ever
	})
}

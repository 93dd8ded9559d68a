//go:build linux

package usock

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// Guard gives of what l accepts the connections of those who may enter, and no more than
// limit at once. It closes all others without a word.
func Guard(l net.Listener, limit int) net.Listener { return &guard{Listener: l, limit: int64(limit)} }

type guard struct {
	net.Listener
	limit int64        // immutable
	open  atomic.Int64 // connections given out and not closed
}

// Accept gives the next connection.
func (g *guard) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if MayEnter(c) {
			if g.open.Add(1) <= g.limit {
				return &guarded{Conn: c, leave: sync.OnceFunc(func() { g.open.Add(-1) })}, nil
			}
			g.open.Add(-1)
		}
		_ = c.Close() // nothing was said on it yet
	}
}

// guarded is a connection that makes room when it is closed.
type guarded struct {
	net.Conn
	leave func()
}

func (c *guarded) Close() error {
	c.leave()
	return c.Conn.Close()
}

// SyscallConn is for Peer: whom the kernel was asked about once has one.
func (c *guarded) SyscallConn() (syscall.RawConn, error) {
	return c.Conn.(syscall.Conn).SyscallConn()
}

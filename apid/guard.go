//go:build linux

package apid

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/ptsns/ptsns/usock"
)

// maxConns is how many connections may be open at once. One more is closed at once.
const maxConns = 1024

// guarded accepts our own user and root.
type guarded struct {
	net.Listener
	open atomic.Int32
}

// Accept gives the next connection of somebody who may come in.
func (g *guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if usock.MayEnter(c) {
			if g.open.Add(1) <= maxConns {
				return &counted{Conn: c, leave: sync.OnceFunc(func() { g.open.Add(-1) })}, nil
			}
			g.open.Add(-1)
		}
		_ = c.Close() // nothing was said on it yet
	}
}

type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}

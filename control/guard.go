package control

import (
	"net"
	"sync"

	"github.com/ptsns/ptsns/usock"
)

// maxConns is how many connections may be open at once. A connection more is
// closed at once.
const maxConns = 2048

// guardedListener accepts for those who may come in: first, which was inherited
// and is given out before anything else, and then what l accepts from our own
// user and root.
type guardedListener struct {
	net.Listener
	mu    sync.Mutex
	first net.Conn // guarded by mu; nil when given out
	open  int      // guarded by mu; connections given out and not closed
}

// Accept gives the next connection of somebody who may come in.
func (g *guardedListener) Accept() (net.Conn, error) {
	g.mu.Lock()
	first := g.first
	g.first = nil
	g.mu.Unlock()
	if first != nil {
		return first, nil
	}
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if usock.MayEnter(c) && g.enter() {
			return &guardedConn{Conn: c, leave: sync.OnceFunc(g.leave)}, nil
		}
		_ = c.Close() // nothing was said on it yet
	}
}

func (g *guardedListener) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= maxConns {
		return false
	}
	g.open++
	return true
}

func (g *guardedListener) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
}

type guardedConn struct {
	net.Conn
	leave func()
}

func (c *guardedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

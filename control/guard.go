package control

import (
	"net"
	"sync"

	"github.com/ptsns/ptsns/usock"
)

// maxConns is how many connections may be open at once. A connection more is
// closed at once.
const maxConns = 2048

// firstListener gives out first, which was inherited, before anything that it accepts.
type firstListener struct {
	net.Listener
	mu    sync.Mutex
	first net.Conn // guarded by mu; nil when given out
}

// guardListener accepts for those who may come in: first, and then of what l accepts
// our own user and root.
func guardListener(l net.Listener, first net.Conn) net.Listener {
	return &firstListener{Listener: usock.Guard(l, maxConns), first: first}
}

// Accept gives the next connection of somebody who may come in.
func (l *firstListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	first := l.first
	l.first = nil
	l.mu.Unlock()
	if first != nil {
		return first, nil
	}
	return l.Listener.Accept()
}

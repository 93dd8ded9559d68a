package webd

import (
	"net"
	"net/netip"
	"strings"
	"sync"
)

// IsLoopback tells whether host, a name or an address, is this machine alone.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// limited is a listener that drops connections when there are too many.
type limited struct {
	net.Listener
	slots slots
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.slots.take() {
			return &counted{Conn: c, free: sync.OnceFunc(l.slots.free)}, nil
		}
		_ = c.Close() // there is no room to say so
	}
}

// counted is a connection that frees its place when it is closed.
type counted struct {
	net.Conn
	free func()
}

func (c *counted) Close() error {
	c.free()
	return c.Conn.Close()
}

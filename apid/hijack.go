//go:build linux

package apid

import (
	"bufio"
	"net"
	"net/http"
)

// whole is a ResponseWriter whose connection, where it becomes a stream, still has what
// the client sent right behind its request. The server has read that already, and
// httputil.ReverseProxy looks at the connection alone.
type whole struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController.
func (w whole) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack implements http.Hijacker.
func (w whole) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return wholeConn{conn, rw.Reader}, rw, nil
}

type wholeConn struct {
	net.Conn
	r *bufio.Reader
}

func (c wholeConn) Read(p []byte) (int, error) { return c.r.Read(p) }

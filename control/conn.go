package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ptsns/ptsns/usock"
)

const (
	maxAnswer = 64 << 20 // more than the State of a namespace with every terminal there can be
	maxIdle   = 4        // connections that a client keeps for its next requests
	// idleUse is how long a connection may have been idle and still be used: the server
	// closes it after idleTimeout.
	idleUse = idleTimeout / 2
)

var (
	errUsedUp = errors.New("the connection has become a stream")
	errClosed = fmt.Errorf("the client: %w", net.ErrClosed)
)

// clientConn is one connection of a client. It belongs to one request at a time.
type clientConn struct {
	net.Conn
	r    *bufio.Reader
	idle time.Time // since when; guarded by conns.mu
	last bool      // the server closes it after its answer
}

func newClientConn(c net.Conn) *clientConn {
	return &clientConn{Conn: c, r: bufio.NewReaderSize(c, frameHeader+outputChunk)}
}

// conns are a client's connections to one server.
type conns struct {
	socket string // immutable; "" when no other than the first can be had
	server int    // immutable: the pid of the server, 0 when it is not known

	mu     sync.Mutex
	idle   []*clientConn            // guarded by mu
	busy   map[*clientConn]struct{} // guarded by mu
	closed bool                     // guarded by mu
	given  chan struct{}            // holds a token after a connection came back, where no other can be had
	used   bool                     // guarded by mu; the only one has become a stream, or broke
}

func newConns(socket string, first net.Conn) *conns {
	_, server, _ := usock.Peer(first)
	return &conns{socket: socket, server: server, idle: []*clientConn{newClientConn(first)},
		busy: make(map[*clientConn]struct{}), given: make(chan struct{}, 1)}
}

// take gives a connection that nobody uses: an idle one, or a new one where it can be
// had, else it waits.
func (cs *conns) take(ctx context.Context) (*clientConn, error) {
	for {
		c, err := cs.takeIdle()
		if c != nil || err != nil {
			return c, err
		}
		if cs.socket != "" {
			return cs.dial(ctx)
		}
		select {
		case <-cs.given:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (cs *conns) takeIdle() (*clientConn, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		return nil, errClosed
	}
	if cs.used {
		cs.tokenLocked() // the next that waits is to hear it too
		return nil, errUsedUp
	}
	for n := len(cs.idle); n > 0; n = len(cs.idle) {
		c := cs.idle[n-1]
		cs.idle = cs.idle[:n-1]
		if cs.socket != "" && !c.idle.IsZero() && time.Since(c.idle) > idleUse {
			_ = c.Close() // nothing is on its way
			continue
		}
		cs.busy[c] = struct{}{}
		return c, nil
	}
	return nil, nil
}

// dial makes one more connection. Another server than at first is none: it has another
// namespace of that name.
func (cs *conns) dial(ctx context.Context) (*clientConn, error) {
	conn, err := usock.Dial(ctx, cs.socket)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", cs.socket, err)
	}
	if _, server, ok := usock.Peer(conn); ok && server != cs.server {
		_ = conn.Close() // nothing was said on it
		return nil, ErrServerGone
	}
	c := newClientConn(conn)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		_ = conn.Close() // the same
		return nil, errClosed
	}
	cs.busy[c] = struct{}{}
	return c, nil
}

// put takes a connection back. One that is not good any more is closed, and one that has
// become a stream is its user's.
func (cs *conns) put(c *clientConn, good, stream bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.busy, c)
	switch {
	case stream:
		cs.used = cs.socket == ""
	case good && !c.last && !cs.closed && len(cs.idle) < maxIdle:
		c.idle = time.Now()
		cs.idle = append(cs.idle, c)
	default:
		_ = c.Close() // whatever it says, it is over
		cs.used = cs.socket == ""
	}
	cs.tokenLocked()
}

func (cs *conns) tokenLocked() {
	select {
	case cs.given <- struct{}{}:
	default:
	}
}

func (cs *conns) close() (err error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for _, c := range cs.idle {
		err = errors.Join(err, c.Close())
	}
	for c := range cs.busy {
		err = errors.Join(err, c.Close()) // ends what is asked on it
	}
	cs.idle = nil
	cs.tokenLocked()
	return err
}

// refusal is an answer that tells of a failure, with all that it says.
type refusal struct {
	said *Error
	body []byte
}

func (r refusal) Error() string { return r.said.Text }
func (r refusal) Unwrap() error { return r.said }

// plain is err as callers get it: a refusal is what the server said.
func plain(err error) error {
	if said := (refusal{}); errors.As(err, &said) {
		return said.said
	}
	return err
}

// ask does a request whose answer, unless into is nil, is JSON.
func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	return plain(c.try(ctx, method, path, body, into))
}

// try is ask, whose refusals come with all that they say.
func (c *Client) try(ctx context.Context, method, path string, body, into any) error {
	conn, err := c.conns.take(ctx)
	if err != nil {
		return err
	}
	stop := interruptible(ctx, conn)
	answer, err := conn.ask(ctx, method, path, body)
	refused := errors.As(err, new(refusal))
	good := stop() && (err == nil || refused)
	c.conns.put(conn, good, false)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

func (c *clientConn) ask(ctx context.Context, method, path string, body any) ([]byte, error) {
	resp, err := c.roundTrip(ctx, method, path, body, false)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", orCause(ctx, err))
	}
	return answer, nil
}

// upgrade does a request whose answer is a stream.
func (c *Client) upgrade(ctx context.Context, path string, body any) (_ *Stream, err error) {
	conn, err := c.conns.take(ctx)
	if err != nil {
		return nil, err
	}
	good, stream := false, false
	defer func() { c.conns.put(conn, good, stream) }()
	stop := interruptible(ctx, conn)
	resp, err := conn.roundTrip(ctx, http.MethodPost, path, body, true)
	if !stop() && err == nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		good = errors.As(err, new(refusal)) && ctx.Err() == nil
		return nil, plain(err)
	}
	s, err := streamOf(conn, resp)
	stream = err == nil
	return s, err
}

// roundTrip sends a request and reads the head of its answer. The server's refusal is an
// error. The caller has made the connection interruptible.
func (c *clientConn) roundTrip(ctx context.Context, method, path string, body any, stream bool) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, "http://ptsns"+path, content)
	if err != nil {
		return nil, err
	}
	if stream {
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", protocol)
	}
	if err := req.Write(c); err != nil {
		return nil, fmt.Errorf("ask the server: %w", orCause(ctx, err))
	}
	resp, err := http.ReadResponse(c.r, req)
	if err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", orCause(ctx, err))
	}
	c.last = resp.Close
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	said := refusal{said: new(Error)}
	said.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || json.Unmarshal(said.body, said.said) != nil || said.said.Text == "" {
		return nil, fmt.Errorf("the server answered %q", resp.Status)
	}
	return nil, said
}

// interruptible makes I/O on conn fail from the end of ctx on, until stop.
func interruptible(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// orCause prefers ctx's reason to the I/O error that its end produced.
func orCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return goneOr(err)
}

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
	"strconv"
	"sync"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

const (
	headerTerminal = "Ptsns-Terminal"
	headerPID      = "Ptsns-Pid"
	maxAnswer      = 64 << 20 // more than the State of a namespace with every terminal there can be
)

// AttachOptions say how a terminal is joined.
type AttachOptions struct {
	Who        hub.Who // who joins; the server itself fills in UID and PID
	ReadOnly   bool
	Steal      bool   // take the input for itself: what others type is refused until it leaves
	NoHistory  bool   // paint the screen without what has scrolled off it
	Rows, Cols uint16 // the window's size; 0, 0 when there is none: output as it comes, from now on
}

// Client is one connection to the server of a namespace. Its methods wait for
// the answer or for ctx, which ends the connection, and may be called from any
// goroutine, one at a time being served. After StartAttached or Attach the
// connection is the stream's, and the client's methods fail.
type Client struct {
	mu   sync.Mutex
	conn net.Conn      // guarded by mu; nil once it is a stream's
	r    *bufio.Reader // guarded by mu
}

var errUsedUp = errors.New("the connection has become a stream")

// Dial connects to the socket of a namespace. A path of any length will do.
func Dial(ctx context.Context, socket string) (*Client, error) {
	conn, err := usock.Dial(ctx, socket)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", socket, err)
	}
	return NewClient(conn), nil
}

// NewClient makes a client of a connection, which becomes its own.
func NewClient(conn net.Conn) *Client {
	return &Client{conn: conn, r: bufio.NewReaderSize(conn, frameHeader+outputChunk)}
}

// Close ends the connection, unless it has become a stream.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return nil
	}
	return c.conn.Close()
}

// State asks what the namespace is now.
func (c *Client) State(ctx context.Context) (server.State, error) {
	var s server.State
	err := c.ask(ctx, http.MethodGet, "/v1/namespace", nil, &s)
	return s, err
}

// End asks for the end of the namespace and everything in it, which may not have
// happened yet when it returns.
func (c *Client) End(ctx context.Context) error {
	return c.ask(ctx, http.MethodDelete, "/v1/namespace", nil, nil)
}

// Start starts a program on a new terminal and leaves it alone. spec.Attach does
// not count.
func (c *Client) Start(ctx context.Context, spec server.Spec) (index, pid int, err error) {
	spec.Attach = false
	var a startAnswer
	err = c.ask(ctx, http.MethodPost, "/v1/programs", requestOf(spec), &a)
	return a.Index, a.PID, err
}

// StartAttached starts a program on a new terminal, which it joins before the
// program's first byte. The stream gets all output: the terminal waits for its
// reader.
func (c *Client) StartAttached(ctx context.Context, spec server.Spec) (*Stream, error) {
	spec.Attach = true
	return c.upgrade(ctx, "/v1/programs", requestOf(spec))
}

// Attach joins the terminal with that index; -1 is the one with the lowest. The
// terminal does not wait for the stream's reader: see Event's Lost.
func (c *Client) Attach(ctx context.Context, index int, o AttachOptions) (*Stream, error) {
	n := "-"
	if index >= 0 {
		n = strconv.Itoa(index)
	}
	return c.upgrade(ctx, "/v1/terminals/"+n+"/attach", attachRequest{Door: o.Who.Door, Name: o.Who.Name,
		ReadOnly: o.ReadOnly, Steal: o.Steal, NoHistory: o.NoHistory, Rows: o.Rows, Cols: o.Cols})
}

// ask does a request whose answer, unless into is nil, is JSON.
func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return errUsedUp
	}
	defer interruptible(ctx, c.conn)()
	resp, err := c.roundTripLocked(ctx, method, path, body, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", orCause(ctx, err))
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// upgrade does a request whose answer is a stream.
func (c *Client) upgrade(ctx context.Context, path string, body any) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return nil, errUsedUp
	}
	stop := interruptible(ctx, c.conn)
	resp, err := c.roundTripLocked(ctx, http.MethodPost, path, body, true)
	if !stop() && err == nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	index, err := strconv.Atoi(resp.Header.Get(headerTerminal))
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the server answered %q and no stream", resp.Status)
	}
	pid, _ := strconv.Atoi(resp.Header.Get(headerPID)) // absent after an attach
	s := newStream(c.conn, c.r, index, pid)
	c.conn, c.r = nil, nil
	return s, nil
}

// roundTripLocked sends a request and reads the head of its answer. The server's
// refusal is an error. The caller has made the connection interruptible.
func (c *Client) roundTripLocked(ctx context.Context, method, path string, body any, stream bool) (*http.Response, error) {
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
	if err := req.Write(c.conn); err != nil {
		return nil, fmt.Errorf("ask the server: %w", orCause(ctx, err))
	}
	resp, err := http.ReadResponse(c.r, req)
	if err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", orCause(ctx, err))
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	refusal := new(Error)
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxPayload))
	if err != nil || json.Unmarshal(text, refusal) != nil || refusal.Text == "" {
		return nil, fmt.Errorf("the server answered %q", resp.Status)
	}
	return nil, refusal
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
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrServerGone
	}
	return err
}

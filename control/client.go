package control

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

const (
	headerTerminal = "Ptsns-Terminal"
	headerPID      = "Ptsns-Pid"
	headerSerial   = "Ptsns-Serial"
)

// AttachOptions say how a terminal is joined.
type AttachOptions struct {
	Who        hub.Who // who joins; the server itself fills in UID and PID
	ReadOnly   bool
	Steal      bool   // take the input for itself: what others type is refused until it leaves
	NoHistory  bool   // paint the screen without what has scrolled off it
	Serial     string // as in server.Terminal: only that terminal is joined, and no other with its index; "" for any
	Rows, Cols uint16 // the window's size; 0, 0 when there is none: output as it comes, from now on
}

// Client asks the server of one namespace. Its methods wait for the answer or for ctx,
// and may be called from any number of goroutines at once: each uses a connection to
// itself, and a client made by Dial connects anew when none is free. One made by
// NewClient has a single connection, so its methods wait for each other, and fail once
// StartAttached or Attach has turned it into a stream or ctx has ended one in the middle.
//
// An index of -1 is the terminal with the lowest.
type Client struct {
	// Who is who types and kicks, as people know it. The server itself fills in UID and
	// PID. It is set before the client is used.
	Who hub.Who

	conns *conns
}

// Dial connects to the socket of a namespace. A path of any length will do.
func Dial(ctx context.Context, socket string) (*Client, error) {
	conn, err := usock.Dial(ctx, socket)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", socket, err)
	}
	return &Client{conns: newConns(socket, conn)}, nil
}

// NewClient makes a client of a connection, which becomes its own.
func NewClient(conn net.Conn) *Client { return &Client{conns: newConns("", conn)} }

// Close ends the client's connections and the requests on them, but for those that have
// become streams.
func (c *Client) Close() error { return c.conns.close() }

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
	a, err := c.start(ctx, spec)
	return a.Index, a.PID, err
}

func (c *Client) start(ctx context.Context, spec server.Spec) (a startAnswer, err error) {
	spec.Attach = false
	err = c.ask(ctx, http.MethodPost, "/v1/programs", requestOf(spec), &a)
	return a, err
}

// StartAttached starts a program on a new terminal, which it joins before the
// program's first byte. The stream gets all output: the terminal waits for its
// reader.
func (c *Client) StartAttached(ctx context.Context, spec server.Spec) (*Stream, error) {
	spec.Attach = true
	return c.upgrade(ctx, "/v1/programs", requestOf(spec))
}

// Attach joins the terminal with that index. The terminal does not wait for the stream's
// reader: see Event's Lost. Where o has a Serial and that terminal has ended, the error
// wraps hub.ErrEnded, and the *Error says with which status, if that is known.
func (c *Client) Attach(ctx context.Context, index int, o AttachOptions) (*Stream, error) {
	return c.upgrade(ctx, ref{index: index, serial: o.Serial}.path("attach", nil), attachRequest{Door: o.Who.Door, Name: o.Who.Name,
		ReadOnly: o.ReadOnly, Steal: o.Steal, NoHistory: o.NoHistory, Rows: o.Rows, Cols: o.Cols})
}

// Type types p, and waits while the program does not read and much was typed before. An
// error that wraps hub.ErrTaken means that somebody has the input for himself.
func (c *Client) Type(ctx context.Context, index int, p []byte) error {
	_, err := c.typeAt(ctx, ref{index: index}, p)
	return err
}

// Output is what the terminal put out since the cursor, which is a number of bytes since
// its beginning: at most max of it, or what there is once there is some. It waits for
// some, for at most wait or a minute. Where From is past since, what is between is no
// longer kept. Next is the cursor for the next call. The last screens and outputs of some
// programs that have ended can still be had.
func (c *Client) Output(ctx context.Context, index int, since uint64, max int, wait time.Duration) (hub.Output, error) {
	return c.outputAt(ctx, ref{index: index}, since, max, wait)
}

// Resize sets the size of the terminal.
func (c *Client) Resize(ctx context.Context, index int, rows, cols uint16) error {
	return c.ask(ctx, http.MethodPost, ref{index: index}.path("resize", nil), resizeRequest{rows, cols}, nil)
}

// Signal sends sig to the terminal's foreground process group, and to the program that
// ptsns started there. An error that wraps ErrNoProgram means that there is neither.
func (c *Client) Signal(ctx context.Context, index int, sig syscall.Signal) error {
	return c.signalAt(ctx, ref{index: index}, sig)
}

// WaitExit waits for the end of the program that ptsns started there, or started there
// last. A namespace that ends, as it does with its first program, takes what it knows of
// programs that nobody waited for with it.
func (c *Client) WaitExit(ctx context.Context, index int) (ExitStatus, error) {
	return c.waitExitAt(ctx, ref{index: index})
}

// Screen is what is on the terminal's screen now, and with history the lines above it.
func (c *Client) Screen(ctx context.Context, index int, history bool) (Screen, error) {
	return c.screenAt(ctx, ref{index: index}, history)
}

// Await waits until the terminal is as cond says, for as long as ctx does. Its error is
// an *AwaitError, with the screen in it, when the time is over or the terminal has ended.
func (c *Client) Await(ctx context.Context, index int, cond Condition) (Seen, error) {
	return c.awaitAt(ctx, ref{index: index}, cond)
}

// Kick ends the stream of a viewer, by its number in the State. An error that wraps
// ErrNoViewer means that there is no such viewer.
func (c *Client) Kick(ctx context.Context, id uint64) error {
	return c.ask(ctx, http.MethodPost, "/v1/viewers/"+strconv.FormatUint(id, 10)+"/kick", kickRequest{c.Who.Door, c.Who.Name}, nil)
}

// Record records the terminal from now on, until its end or StopRecord. The file is the
// server's to write: its path is absolute, and it must not exist.
func (c *Client) Record(ctx context.Context, index int, spec server.RecordSpec) error {
	return c.ask(ctx, http.MethodPost, ref{index: index}.path("record", nil),
		recordRequest{File: text(spec.File), Input: spec.Input, V2: spec.V2}, nil)
}

// StopRecord ends the recording of the terminal into that file, or with "" all of them.
func (c *Client) StopRecord(ctx context.Context, index int, file string) error {
	q := url.Values{}
	if file != "" {
		q.Set("file", file)
	}
	return c.ask(ctx, http.MethodDelete, ref{index: index}.path("record", q), nil, nil)
}

// Events are what was noted of the namespace after the event with that number, oldest
// first; 0 is all that is kept. It waits for some, for at most wait or a minute.
func (c *Client) Events(ctx context.Context, since uint64, wait time.Duration) ([]hub.Event, error) {
	q := url.Values{"since": {strconv.FormatUint(since, 10)}, "wait": {atMost(wait, maxWait).String()}}
	var a eventsAnswer
	if err := c.ask(ctx, http.MethodGet, "/v1/events?"+q.Encode(), nil, &a); err != nil {
		return nil, err
	}
	list := make([]hub.Event, len(a.Events))
	for i, e := range a.Events {
		list[i] = hub.Event{Seq: e.Seq, Time: e.Time, Kind: e.Kind, Terminal: e.Terminal, Text: e.Text}
	}
	return list, nil
}

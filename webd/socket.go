package webd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const (
	protocol   = "ptsns.1"         // the subprotocol
	maxMessage = 32 << 10          // of what the page sends
	silence    = 150 * time.Second // browsers slow the timers of pages in the background down to one a minute
	maxSize    = 2000              // rows and columns of a window
	outWindow  = 512 << 10         // bytes of output on the way to the page
	inWindow   = 64 << 10          // bytes of input that are not typed yet
)

// socket is a websocket of ours. Only read is for one goroutine at a time.
type socket struct{ *websocket.Conn }

// message is a text message, of either direction.
type message struct {
	Type     string `json:"type"`
	Bytes    uint64 `json:"bytes,omitempty"`
	Rows     int    `json:"rows,omitempty"`
	Cols     int    `json:"cols,omitempty"`
	Index    *int   `json:"index,omitempty"`
	Serial   string `json:"serial,omitempty"`
	ReadOnly *bool  `json:"read_only,omitempty"`
	Status   *int   `json:"status,omitempty"`
	Code     string `json:"code,omitempty"`
	Error    string `json:"error,omitempty"`
}

// violation is what a page must not send. It ends the connection.
type violation string

func (v violation) Error() string { return string(v) }

// accept makes a websocket of a request, in one of the places for them, which the caller
// has to free. When ok is false the request is answered.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (sock socket, ok bool) {
	if !s.sockets.take() {
		writeFailure(w, errTooMany)
		return socket{}, false
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{protocol},
		InsecureSkipVerify: true, // changing has looked at Origin, and knows of Config.Origin
	})
	if err != nil { // it was answered
		s.sockets.free()
		return socket{}, false
	}
	if c.Subprotocol() != protocol {
		_ = c.Close(websocket.StatusPolicyViolation, "the subprotocol is "+protocol) // it may have gone
		s.sockets.free()
		return socket{}, false
	}
	c.SetReadLimit(maxMessage)
	return socket{c}, true
}

// read waits for the next message. The error of a page that has gone, or says nothing
// for long, is not a violation.
func (s socket) read(ctx context.Context) (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	return s.Conn.Read(ctx)
}

// write sends a message, or ends the connection of a page that does not take it.
func (s socket) write(ctx context.Context, kind websocket.MessageType, p []byte) error {
	ctx, cancel := context.WithTimeout(ctx, ioTimeout)
	defer cancel()
	return s.Conn.Write(ctx, kind, p)
}

func (s socket) send(ctx context.Context, m message) error {
	p, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.write(ctx, websocket.MessageText, p)
}

// plain takes a message where only pings are expected.
func (s socket) plain(ctx context.Context, kind websocket.MessageType, p []byte) error {
	m, err := parse(kind, p)
	if err != nil {
		return err
	}
	if m.Type != "ping" {
		return violation(fmt.Sprintf("message %.20q", m.Type))
	}
	return s.send(ctx, message{Type: "pong"})
}

// refuse ends the connection of a page that sent what it must not; other errors ended it.
func (s socket) refuse(err error) {
	if v := violation(""); errors.As(err, &v) {
		_ = s.Close(websocket.StatusPolicyViolation, string(v)) // it may have gone
	}
}

// parse reads a text message.
func parse(kind websocket.MessageType, p []byte) (m message, err error) {
	if kind != websocket.MessageText {
		return m, violation("bytes where no bytes go")
	}
	if err := json.Unmarshal(p, &m); err != nil {
		return m, violation("not a message")
	}
	return m, nil
}

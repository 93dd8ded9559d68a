package webd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/coder/websocket"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
)

// attached is a terminal that is open in a page.
type attached struct {
	sock     socket
	stream   Stream
	readOnly bool
	in       *input
	out      *credit
}

// terminal is the websocket of one terminal.
func (s *Server) terminal(w http.ResponseWriter, r *http.Request, user string) {
	id, err := pts.ParseID(r.PathValue("name") + "/" + r.PathValue("index"))
	if err != nil {
		writeFailure(w, fmt.Errorf("%w: %w", control.ErrBadRequest, err))
		return
	}
	o := control.AttachOptions{Who: s.who(user), Serial: r.FormValue("serial"), ReadOnly: s.cfg.ReadOnly || r.FormValue("read_only") == "1"}
	o.Steal = !o.ReadOnly && r.FormValue("steal") == "1"
	if o.Rows, o.Cols, err = parseSize(r.FormValue("rows"), r.FormValue("cols")); err != nil {
		writeFailure(w, err)
		return
	}
	sock, ok := s.accept(w, r)
	if !ok {
		return
	}
	defer s.sockets.free()
	defer sock.CloseNow()
	ctx := r.Context()
	joining, cancel := context.WithTimeout(ctx, ioTimeout)
	stream, err := s.cfg.Namespaces.Attach(joining, id.Namespace, id.Index, o)
	cancel()
	if err != nil {
		sock.end(ctx, err)
		return
	}
	log := s.cfg.Log.With("terminal", id.String(), "user", user, "from", r.RemoteAddr)
	log.Info("joined", "read_only", o.ReadOnly)
	a := &attached{sock: sock, stream: stream, readOnly: o.ReadOnly, in: newInput(), out: newCredit()}
	a.serve(ctx)
	log.Info("left")
}

func (s *Server) who(user string) hub.Who { return hub.Who{Door: "web", Name: user} }

// parseSize reads the size of a window, both numbers of it.
func parseSize(rows, cols string) (uint16, uint16, error) {
	r, err1 := strconv.Atoi(rows)
	c, err2 := strconv.Atoi(cols)
	if err1 != nil || err2 != nil || !goodSize(r, c) {
		return 0, 0, fmt.Errorf("%w: a window of %.20q by %.20q", control.ErrBadRequest, rows, cols)
	}
	return uint16(r), uint16(c), nil
}

func goodSize(rows, cols int) bool { return rows > 0 && cols > 0 && rows <= maxSize && cols <= maxSize }

// serve relays both ways until the end of either side. It leaves no goroutine.
func (a *attached) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = a.stream.Close() }) // ends what waits for it
	defer stop()
	defer a.stream.Close()
	var running sync.WaitGroup
	running.Go(func() { // the reader
		defer cancel()
		a.readMessages(ctx)
	})
	running.Go(func() { a.typeInput(ctx) }) // the typist
	a.relayOutput(ctx)
	cancel()
	running.Wait()
}

// readMessages takes what the page sends.
func (a *attached) readMessages(ctx context.Context) {
	for {
		kind, p, err := a.sock.read(ctx)
		if err == nil {
			err = a.take(ctx, kind, p)
		}
		if err != nil {
			a.sock.refuse(err)
			return
		}
	}
}

// take does what one message says.
func (a *attached) take(ctx context.Context, kind websocket.MessageType, p []byte) error {
	if kind == websocket.MessageBinary {
		if a.readOnly {
			return violation("input of who only looks on")
		}
		if !a.in.put(p) {
			return violation("more input than there is room for")
		}
		return nil
	}
	m, err := parse(kind, p)
	if err != nil {
		return err
	}
	switch m.Type {
	case "ack":
		if !a.out.ack(m.Bytes) {
			return violation("more shown than was sent")
		}
		return nil
	case "resize":
		if !goodSize(m.Rows, m.Cols) {
			return violation("no such size")
		}
		return a.stream.Resize(uint16(m.Rows), uint16(m.Cols))
	case "ping":
		return a.sock.send(ctx, message{Type: "pong"})
	}
	return violation(fmt.Sprintf("message %.20q", m.Type))
}

// typeInput types what the page sent. How a stream fails, relayOutput hears.
func (a *attached) typeInput(ctx context.Context) {
	for {
		p, err := a.in.next(ctx)
		if err != nil {
			return
		}
		if _, err := a.stream.Write(p); err != nil {
			return
		}
		a.in.done()
		if a.sock.send(ctx, message{Type: "typed", Bytes: uint64(len(p))}) != nil {
			return
		}
	}
}

// relayOutput sends what the terminal puts out, and how it ended.
func (a *attached) relayOutput(ctx context.Context) {
	index := a.stream.Index()
	if a.sock.send(ctx, message{Type: "attached", Index: &index, Serial: a.stream.Serial(), ReadOnly: &a.readOnly}) != nil {
		return
	}
	for {
		e, err := a.stream.Next()
		if err != nil {
			a.sock.end(ctx, err)
			return
		}
		switch e.Kind {
		case control.Output:
			err = a.output(ctx, e.Output)
		case control.Lost:
			err = a.sock.send(ctx, message{Type: "lost", Bytes: e.Lost})
		case control.Refused:
			err = a.sock.send(ctx, message{Type: "refused", Bytes: uint64(e.Code)})
		case control.Exit:
			a.sock.last(ctx, message{Type: "exit", Status: &e.Code})
			return
		case control.Ended:
			a.sock.last(ctx, message{Type: "ended"})
			return
		}
		if err != nil {
			return
		}
	}
}

// output sends p once the page has shown enough of what came before.
func (a *attached) output(ctx context.Context, p []byte) error {
	if err := a.out.wait(ctx, len(p)); err != nil {
		return err
	}
	return a.sock.write(ctx, websocket.MessageBinary, p)
}

// end tells the page why there is no stream, or none any more, unless it left itself.
func (s socket) end(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	f := describe(err)
	s.last(ctx, message{Type: "failure", Code: f.Code, Error: f.Text, Status: f.exit})
}

// last sends the last message and closes.
func (s socket) last(ctx context.Context, m message) {
	if s.send(ctx, m) == nil {
		_ = s.Close(websocket.StatusNormalClosure, "") // it may have gone
	}
}

// start opens a new terminal.
func (s *Server) start(w http.ResponseWriter, r *http.Request, user string) {
	name := r.PathValue("name")
	if err := pts.CheckName(name); err != nil {
		writeFailure(w, fmt.Errorf("%w: %w", control.ErrBadRequest, err))
		return
	}
	if s.cfg.ReadOnly {
		writeFailure(w, errReadOnly)
		return
	}
	body, err := readBody(r)
	if err != nil {
		writeFailure(w, err)
		return
	}
	var req message
	if err := json.Unmarshal(body, &req); err != nil || !goodSize(req.Rows, req.Cols) {
		writeFailure(w, fmt.Errorf("%w: want rows and cols", control.ErrBadRequest))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ioTimeout)
	defer cancel()
	index, serial, err := s.cfg.Namespaces.Start(ctx, name, server.Spec{Rows: uint16(req.Rows), Cols: uint16(req.Cols), Who: s.who(user)})
	if err != nil {
		writeFailure(w, err)
		return
	}
	s.cfg.Log.Info("opened", "terminal", pts.ID{Namespace: name, Index: index}.String(), "user", user, "from", r.RemoteAddr)
	s.feed.soon()
	writeJSON(w, http.StatusOK, struct {
		Index  int    `json:"index"`
		Serial string `json:"serial"`
	}{index, serial})
}

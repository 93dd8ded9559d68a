package control

import (
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

const (
	apiVersion = 1

	maxSpec      = 16 << 20  // a Spec as JSON: all that execve takes (6 MiB at most), escaped
	maxBody      = 16 << 10  // any other body but input, as JSON
	maxDrain     = 256 << 10 // of a body that is of no use
	maxName      = 256       // who somebody says they are, and through which door
	bodyTimeout  = 30 * time.Second
	writeTimeout = 30 * time.Second
	maxWait      = time.Minute // that a request may ask to wait
)

// attachRequest is the body of an attach.
type attachRequest struct {
	Door      string `json:"door"`
	Name      string `json:"name"`
	ReadOnly  bool   `json:"read_only"`
	Steal     bool   `json:"steal"`
	NoHistory bool   `json:"no_history"`
	Rows      uint16 `json:"rows"`
	Cols      uint16 `json:"cols"`
}

// startAnswer is the answer to a program started without Attach.
type startAnswer struct {
	Index  int    `json:"index"`
	PID    int    `json:"pid"`
	Serial string `json:"serial"`
}

// versionAnswer says what is spoken here.
type versionAnswer struct {
	API   int    `json:"api"`   // the highest N of /vN
	Ptsns string `json:"ptsns"` // the version of the program, for people
}

// handler answers the requests on one namespace.
type handler struct {
	ns      namespace
	clients *clients
	started atomic.Bool // a program was started

	mu      sync.Mutex
	streams map[uint64]*attached // guarded by mu; by their viewers
}

// Handler answers the requests of the package comment on ns. It checks nobody's
// credentials: that is Serve's.
func Handler(ns Namespace) http.Handler { return newHandler(newLive(ns)) }

func newHandler(ns namespace) *handler {
	return &handler{ns: ns, clients: newClients(), streams: make(map[uint64]*attached)}
}

// peerKey is the key of a request's peer in its context.
type peerKey struct{}

// peer is the process at the other end of a connection, as the kernel knows it.
type peer struct{ uid, pid int }

// withPeer keeps who is at the other end of c for the requests that come on it.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	if uid, pid, ok := usock.Peer(c); ok {
		return context.WithValue(ctx, peerKey{}, peer{uid, pid})
	}
	return ctx
}

// who says who asks: the door and the name are what the client says, the rest is what
// the kernel does, -1 and 0 when it does not.
func who(r *http.Request, door, name string) (hub.Who, error) {
	for _, s := range []string{door, name} {
		if len(s) > maxName || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return hub.Who{}, badRequest("%.300q is no name: it is too long or has control characters", s)
		}
	}
	if door == "" {
		door = "api"
	}
	p, ok := r.Context().Value(peerKey{}).(peer)
	if !ok {
		p.uid = -1
	}
	return hub.Who{Door: door, Name: name, UID: p.uid, PID: p.pid}, nil
}

// patient gives a request that waits its time, and ctx, which ends with that, with the
// client, and a while after the namespace; its cause is what to answer. The body must
// have been read. The caller calls done.
func (h *handler) patient(w http.ResponseWriter, r *http.Request, as role, wait time.Duration) (ctx context.Context, done func(), err error) {
	life, leave, ok := h.clients.enter(as)
	if !ok {
		return nil, nil, server.ErrEnding
	}
	c := http.NewResponseController(w)
	until := time.Now().Add(wait + writeTimeout)
	_ = c.SetReadDeadline(until)  // only a test's writer has none; past it the client would seem to have gone
	_ = c.SetWriteDeadline(until) // the same
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(life, func() { cancel(server.ErrEnding) })
	ctx, release := context.WithTimeout(ctx, wait)
	return ctx, func() { stop(); release(); cancel(nil); leave() }, nil
}

func (h *handler) version(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseQuery(r); err != nil {
		return err
	}
	v := versionAnswer{API: apiVersion, Ptsns: "(unknown)"}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Ptsns = info.Main.Version
	}
	writeJSON(w, http.StatusOK, v)
	return nil
}

func (h *handler) state(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseQuery(r); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, h.ns.State())
	return nil
}

func (h *handler) end(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseQuery(r); err != nil {
		return err
	}
	h.ns.End()
	h.clients.hurry()
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (h *handler) start(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseQuery(r); err != nil {
		return err
	}
	var req programRequest
	if err := readJSON(w, r, maxSpec, &req); err != nil {
		return err
	}
	if req.Attach != wantsStream(r) {
		return badRequest("attach in the body and \"Upgrade: ptsns\" go together")
	}
	if len(req.Argv) == 0 {
		return badRequest("no program")
	}
	if _, err := hub.ParseSizing(req.Size); err != nil {
		return badRequest("%w", err)
	}
	who, err := who(r, req.Door, req.Name)
	if err != nil {
		return err
	}
	j, err := h.ns.Start(req.spec(who))
	if err != nil {
		return err
	}
	h.started.Store(true)
	if j.viewer == nil {
		writeJSON(w, http.StatusOK, startAnswer{Index: j.index, PID: j.pid, Serial: j.serial})
		return nil
	}
	return h.stream(w, j, owner)
}

func (h *handler) attach(w http.ResponseWriter, r *http.Request) error {
	if !wantsStream(r) {
		return badRequest("an attach wants \"Upgrade: ptsns\"")
	}
	q, err := parseQuery(r, "pid", "serial")
	if err != nil {
		return err
	}
	t, err := target(r, q)
	if err != nil {
		return err
	}
	var req attachRequest
	if err := readJSON(w, r, maxBody, &req); err != nil {
		return err
	}
	who, err := who(r, req.Door, req.Name)
	if err != nil {
		return err
	}
	j, err := h.ns.Join(t, hub.ViewerOptions{Who: who, ReadOnly: req.ReadOnly, Steal: req.Steal, NoHistory: req.NoHistory,
		Rows: req.Rows, Cols: req.Cols})
	if err != nil {
		return err
	}
	j.readOnly = req.ReadOnly
	return h.stream(w, j, guest)
}

package control

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
)

const (
	maxSpec      = 16 << 20 // a Spec as JSON: all that execve takes (6 MiB at most), escaped
	maxAttach    = 4 << 10  // an attach request as JSON
	bodyTimeout  = 30 * time.Second
	writeTimeout = 30 * time.Second
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
	Index int `json:"index"`
	PID   int `json:"pid"`
}

// handler answers the requests on one namespace.
type handler struct {
	ns      namespace
	mux     *http.ServeMux
	clients *clients
	started atomic.Bool // a program was started
}

// Handler answers the requests of the package comment on ns. It checks nobody's
// credentials: that is Serve's.
func Handler(ns *server.Namespace) http.Handler { return newHandler(live{ns}) }

func newHandler(ns namespace) *handler {
	h := &handler{ns: ns, mux: http.NewServeMux(), clients: newClients()}
	h.mux.HandleFunc("GET /v1/namespace", h.state)
	h.mux.HandleFunc("DELETE /v1/namespace", h.end)
	h.mux.HandleFunc("POST /v1/programs", h.start)
	h.mux.HandleFunc("POST /v1/terminals/{n}/attach", h.attach)
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The deadlines belong to one request; a stream lifts them.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(bodyTimeout))   // only a test's writer has none
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // the same
	h.mux.ServeHTTP(w, r)
}

func (h *handler) state(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, h.ns.State())
}

func (h *handler) end(w http.ResponseWriter, _ *http.Request) {
	h.ns.End()
	h.clients.hurry()
	w.WriteHeader(http.StatusAccepted)
}

func (h *handler) start(w http.ResponseWriter, r *http.Request) {
	var req programRequest
	if err := readJSON(w, r, maxSpec, &req); err != nil {
		writeError(w, err)
		return
	}
	if req.Attach != wantsStream(r) {
		writeError(w, badRequest("attach in the body and \"Upgrade: ptsns\" go together"))
		return
	}
	if len(req.Argv) == 0 {
		writeError(w, badRequest("no program"))
		return
	}
	j, err := h.ns.Start(req.spec())
	if err != nil {
		writeError(w, err)
		return
	}
	h.started.Store(true)
	if j.viewer == nil {
		writeJSON(w, http.StatusOK, startAnswer{Index: j.index, PID: j.pid})
		return
	}
	h.stream(w, j, owner)
}

func (h *handler) attach(w http.ResponseWriter, r *http.Request) {
	if !wantsStream(r) {
		writeError(w, badRequest("an attach wants \"Upgrade: ptsns\""))
		return
	}
	index, err := parseIndex(r.PathValue("n"))
	if err != nil {
		writeError(w, err)
		return
	}
	var req attachRequest
	if err := readJSON(w, r, maxAttach, &req); err != nil {
		writeError(w, err)
		return
	}
	j, err := h.ns.Join(index, hub.ViewerOptions{
		Who: hub.Who{Door: req.Door, Name: req.Name}, ReadOnly: req.ReadOnly, Steal: req.Steal, NoHistory: req.NoHistory,
		Rows: req.Rows, Cols: req.Cols})
	if err != nil {
		writeError(w, err)
		return
	}
	h.stream(w, j, guest)
}

func parseIndex(s string) (int, error) {
	if s == "-" {
		return -1, nil
	}
	n, err := strconv.ParseUint(s, 10, 20)
	if err != nil {
		return 0, badRequest("%q is not an index (0 to %d)", s, pts.MaxIndex)
	}
	return int(n), nil
}

// wantsStream tells whether the client asked to turn the connection into a stream.
func wantsStream(r *http.Request) bool {
	if !strings.EqualFold(r.Header.Get("Upgrade"), protocol) {
		return false
	}
	for _, v := range r.Header.Values("Connection") {
		for token := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return true
			}
		}
	}
	return false
}

// readJSON reads the whole body, of at most limit bytes, into v.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return badRequest("the body is longer than %d bytes", limit)
	}
	if err != nil {
		return badRequest("read the body: %w", err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return badRequest("the body: %w", err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

func writeError(w http.ResponseWriter, err error) {
	e, status := describe(err)
	writeJSON(w, status, e)
}

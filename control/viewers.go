package control

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// Requests about those who look on, and what is noted of a namespace.

type kickRequest struct {
	Door string `json:"door"`
	Name string `json:"name"`
}

type recordRequest struct {
	File  text `json:"file"`
	Input bool `json:"input,omitempty"`
	V2    bool `json:"v2,omitempty"`
}

type eventsAnswer struct {
	Next   uint64        `json:"next"`
	Events []eventAnswer `json:"events"`
}

// eventAnswer is a hub.Event as it crosses the socket.
type eventAnswer struct {
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`
	Terminal string    `json:"terminal"`
	Text     string    `json:"text,omitempty"`
}

func (h *handler) kick(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseQuery(r); err != nil {
		return err
	}
	id, err := strconv.ParseUint(r.PathValue("*"), 10, 64)
	if err != nil {
		return badRequest("%q is not the number of a viewer", r.PathValue("*"))
	}
	var req kickRequest
	if r.ContentLength != 0 {
		if err := readJSON(w, r, maxBody, &req); err != nil {
			return err
		}
	}
	who, err := who(r, req.Door, req.Name)
	if err != nil {
		return err
	}
	hurry := h.blame(id, who)
	if !h.ns.Kick(id) {
		return ErrNoViewer
	}
	hurry()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// register makes a stream known by its viewer until it is over.
func (h *handler) register(id uint64, a *attached) (over func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams[id] = a
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.streams, id)
	}
}

// blame notes who kicks a viewer, for what the viewer is told; it types nothing from then
// on. hurry is for after the kick.
func (h *handler) blame(id uint64, by hub.Who) (hurry func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.streams[id]
	if a == nil {
		return func() {}
	}
	a.kickedBy.Store(&by)
	return a.hurry
}

// kickError is what a viewer is told who was kicked.
type kickError struct{ by *hub.Who }

func (e kickError) Error() string {
	if e.by == nil {
		return hub.ErrKicked.Error()
	}
	return "kicked by " + e.by.String()
}

func (kickError) Unwrap() error { return hub.ErrKicked }

func (h *handler) record(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial")
	if err != nil {
		return err
	}
	t, err := target(r, q)
	if err != nil {
		return err
	}
	var req recordRequest
	if err := readJSON(w, r, maxBody, &req); err != nil {
		return err
	}
	if len(req.File) == 0 || req.File[0] != '/' {
		return badRequest("file %q: want an absolute path", req.File)
	}
	asker, _ := r.Context().Value(peerKey{}).(peer) // 0 where the kernel does not say
	if err := h.ns.Record(t, server.RecordSpec{File: string(req.File), Input: req.Input, V2: req.V2, Asker: asker.pid}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *handler) stopRecord(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial", "file")
	if err != nil {
		return err
	}
	t, err := target(r, q)
	if err != nil {
		return err
	}
	if err := h.ns.StopRecord(t, q["file"]); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *handler) events(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "since", "wait")
	if err != nil {
		return err
	}
	wait, err := q.wait("wait", 0)
	if err != nil {
		return err
	}
	var since uint64
	if s, ok := q["since"]; ok {
		if since, err = strconv.ParseUint(s, 10, 64); err != nil {
			return badRequest("since=%q: want the number of an event", s)
		}
	}
	ctx, done, err := h.patient(w, r, watcher, wait)
	if err != nil {
		return err
	}
	defer done()
	list, err := h.ns.Events(ctx, since)
	if err != nil && !isOf(ctx, err) {
		return err
	}
	a := eventsAnswer{Next: since, Events: []eventAnswer{}}
	for _, e := range list {
		a.Events = append(a.Events, eventAnswer{e.Seq, e.Time, e.Kind, e.Terminal, e.Text})
		a.Next = e.Seq
	}
	writeJSON(w, http.StatusOK, a)
	return nil
}

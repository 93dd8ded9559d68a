//go:build linux

package apid

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/usock"
)

const (
	headerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	bodyTimeout   = 30 * time.Second
	maxHeader     = 16 << 10
	maxConns      = 1024            // open at once
	leaveTime     = 2 * time.Second // that requests in progress may take once the door closes
)

// Parent is what the door needs of the namespaces. In life it is Live.
type Parent interface {
	List(ctx context.Context) ([]parent.Listed, error)
	// Create makes a namespace and starts its first program.
	Create(ctx context.Context, c Creation) (Created, error)
	End(ctx context.Context, name string) error
	// Socket is where the server of a living namespace listens; fs.ErrNotExist without one.
	Socket(name string) (string, error)
}

// handler answers requests.
type handler struct {
	parent Parent
	log    *slog.Logger
	proxy  *httputil.ReverseProxy
}

// Handler answers the requests of the package comment. It asks nobody who they are: that
// is Serve's.
func Handler(p Parent, log *slog.Logger) http.Handler {
	h := &handler{parent: p, log: log}
	h.proxy = &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.Out.URL = inner(r.In) },
		Transport:    &http.Transport{DialContext: h.dial, DisableKeepAlives: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { writeError(w, err) },
		ErrorLog:     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/namespaces", h.list)
	mux.HandleFunc("POST /v1/namespaces", h.create)
	mux.HandleFunc("GET /v1/namespaces/{name}", h.pass)
	mux.HandleFunc("DELETE /v1/namespaces/{name}", h.end)
	mux.HandleFunc("/v1/namespaces/{name}/{rest...}", h.pass)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusNotFound, &control.Error{Code: "no-such-request", Text: "no such request: " + r.Method + " " + r.URL.Path})
	})
	return mux
}

func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	list, err := h.parent.List(r.Context())
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, list)
}

func (h *handler) create(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // only a test's writer has none
	c, err := readCreation(w, r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, &control.Error{Code: "bad-request", Text: err.Error()})
		return
	}
	created, err := h.parent.Create(r.Context(), c)
	if err != nil {
		writeError(w, err)
		return
	}
	h.log.Info("created", "namespace", created.Name, "program", c.Program.Argv)
	writeJSON(w, http.StatusCreated, created)
}

func (h *handler) end(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if err := pts.CheckName(name); err != nil {
		writeJSON(w, http.StatusBadRequest, &control.Error{Code: "bad-request", Text: err.Error()})
		return
	}
	if err := h.parent.End(r.Context(), name); err != nil {
		writeError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// pass hands a request to the namespace that it names.
func (h *handler) pass(w http.ResponseWriter, r *http.Request) {
	if err := pts.CheckName(r.PathValue("name")); err != nil {
		writeJSON(w, http.StatusBadRequest, &control.Error{Code: "bad-request", Text: err.Error()})
		return
	}
	if _, err := h.parent.Socket(r.PathValue("name")); err != nil {
		writeError(w, err)
		return
	}
	h.proxy.ServeHTTP(whole{w}, r)
}

// inner is the address of a request where it is passed on to: the host is the namespace.
func inner(r *http.Request) *url.URL {
	u := *r.URL
	u.Scheme, u.Host = "http", r.PathValue("name")
	// What stands behind the name, which may have come escaped, too.
	_, rest, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/v1/namespaces/"), "/")
	if rest = "/" + rest; rest == "/" && !strings.HasSuffix(r.URL.Path, "/") {
		rest = "/namespace"
	}
	if path, err := url.PathUnescape(rest); err == nil { // it came unescaped from there
		u.Path, u.RawPath = "/v1"+path, "/v1"+rest
	}
	return &u
}

// dial connects to the server of the namespace that addr names.
func (h *handler) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	socket, err := h.parent.Socket(name)
	if err != nil {
		return nil, err
	}
	return usock.Dial(ctx, socket)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

func writeError(w http.ResponseWriter, err error) {
	var refusal *control.Error
	switch {
	case errors.As(err, &refusal):
		writeJSON(w, refusal.Status(), refusal)
	case errors.Is(err, rundir.ErrTaken):
		writeJSON(w, http.StatusConflict, &control.Error{Code: "name-taken", Text: err.Error()})
	case errors.Is(err, fs.ErrNotExist):
		writeJSON(w, http.StatusNotFound, &control.Error{Code: "no-such-namespace", Text: err.Error()})
	default:
		writeJSON(w, http.StatusInternalServerError, &control.Error{Code: "internal", Text: err.Error()})
	}
}

// Serve answers those that l accepts, if they are of our user or root, until ctx is done.
// It owns l. Streams end with it.
func Serve(ctx context.Context, l net.Listener, p Parent, log *slog.Logger) error {
	life, over := context.WithCancel(context.Background())
	defer over() // Shutdown and Close leave alone what has become a stream
	srv := &http.Server{
		Handler:           Handler(p, log),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return life },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(usock.Guard(l, maxConns)) }() // ends with Shutdown or Close
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	bound, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if srv.Shutdown(bound) != nil {
		_ = srv.Close() // who is still there has had their time
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

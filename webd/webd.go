package webd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/server"
)

// Namespaces is what the door needs of the namespaces there are. Its methods are called
// from many goroutines at once. Errors wrap fs.ErrNotExist when there is no such
// namespace; those of package control cross to the page with their code.
type Namespaces interface {
	List(ctx context.Context) ([]Namespace, error)
	// Attach joins a terminal. ctx is for the joining alone.
	Attach(ctx context.Context, name string, index int, o control.AttachOptions) (Stream, error)
	// Start starts a program on a new terminal of that namespace and leaves it alone. The
	// Spec has a size and who asks; the program is Start's to choose.
	Start(ctx context.Context, name string, spec server.Spec) (index int, serial string, err error)
}

// Namespace is one in a list of them.
type Namespace struct {
	server.State
	Error string // why its server does not answer; only the name is known then
}

// Stream is a terminal joined, as *control.Stream is. Close ends Next and Write.
type Stream interface {
	Next() (control.Event, error)
	Write(p []byte) (int, error)
	Resize(rows, cols uint16) error
	Index() int
	Serial() string
	Close() error
}

// Config says what a door leads to and whom it lets in.
type Config struct {
	Namespaces Namespaces
	Token      string // who knows it gets in; "" for nobody
	// TrustHeader is the header in which a proxy at one of the addresses TrustFrom says who
	// asks; from elsewhere it says nothing. "" for none.
	TrustHeader string
	TrustFrom   []netip.Prefix
	Origin      string // where the page is, too, when a proxy shows it: "https://host"; may be ""
	Recordings  string // a directory of asciicasts to be seen by all; "" for none
	ReadOnly    bool   // nobody types, nobody opens
	Log         *slog.Logger
}

// Server is the door. It is an http.Handler, and safe for concurrent use.
type Server struct {
	cfg        Config
	origin     origin   // of cfg.Origin; zero when there is none
	recordings *os.Root // nil when there are none
	pass       pass     // stands for the token
	mux        *http.ServeMux
	wrong      *bucket // of tokens
	feed       *feed
	sockets    slots
}

const (
	maxSockets = 256 // websockets, of all users
	maxConns   = 512 // connections
	maxHeader  = 16 << 10
	maxBody    = 16 << 10
	ioTimeout  = 20 * time.Second // for what is small
)

// Check tells what is wrong with what a person chose, before anything is made of it.
func (c Config) Check() error {
	if c.Origin != "" {
		if _, err := parseOrigin(c.Origin); err != nil {
			return err
		}
	}
	if c.Recordings != "" {
		info, err := os.Stat(c.Recordings)
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "open", Path: c.Recordings, Err: syscall.ENOTDIR}
		}
		if err != nil {
			return fmt.Errorf("recordings: %w", err)
		}
	}
	return nil
}

// New makes a door. Close frees what it holds.
func New(cfg Config) (*Server, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, pass: passOf(cfg.Token), wrong: newBucket(10, 3*time.Second), sockets: make(slots, maxSockets)}
	s.origin, _ = parseOrigin(cfg.Origin) // "" is the zero one, Check has seen others
	var err error
	if cfg.Recordings != "" {
		if s.recordings, err = os.OpenRoot(cfg.Recordings); err != nil {
			return nil, fmt.Errorf("recordings: %w", err)
		}
	}
	s.feed = newFeed(cfg.Namespaces.List)
	s.mux = http.NewServeMux()
	s.mux.Handle("/", page())
	s.mux.HandleFunc("POST /api/login", s.changing(s.login))
	s.mux.HandleFunc("POST /api/logout", s.changing(s.logout))
	s.mux.HandleFunc("GET /api/me", s.private(s.me))
	s.mux.HandleFunc("GET /api/live", s.changing(s.private(s.live)))
	s.mux.HandleFunc("GET /api/terminals/{name}/{index}", s.changing(s.private(s.terminal)))
	s.mux.HandleFunc("POST /api/namespaces/{name}/terminals", s.changing(s.private(s.start)))
	s.mux.HandleFunc("GET /api/recordings", s.private(s.listRecordings))
	s.mux.HandleFunc("GET /api/recordings/{file}", s.private(s.recording))
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) { writeFailure(w, errNoSuchRequest) })
	return s, nil
}

// Close frees the directory of recordings. Nothing is served any more by then.
func (s *Server) Close() error {
	if s.recordings == nil {
		return nil
	}
	return s.recordings.Close()
}

// Serve answers on l until ctx is done, and returns nil then. l is closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx) // ends the websockets, too
	defer cancel()
	h := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: ioTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = h.Close() })
	defer stop()
	err := h.Serve(&limited{Listener: l, slots: make(slots, maxConns)})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Websockets lift these, recordings give themselves longer.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(ioTimeout))  // only a test's writer has none
	_ = c.SetWriteDeadline(time.Now().Add(ioTimeout)) // the same
	protect(w.Header())
	if !s.ours(r.Host) {
		writeFailure(w, errForeignHost)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.mux.ServeHTTP(w, r)
}

// me tells the page what it may do.
func (s *Server) me(w http.ResponseWriter, _ *http.Request, user string) {
	writeJSON(w, http.StatusOK, struct {
		User       string `json:"user"`
		ReadOnly   bool   `json:"read_only"`
		Recordings bool   `json:"recordings"`
		Protocol   string `json:"protocol"`
	}{user, s.cfg.ReadOnly, s.recordings != nil, protocol})
}

// slots are so many places. A nil one has none.
type slots chan struct{}

func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) free() { <-s }

// readBody reads a short body whole.
func readBody(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", control.ErrBadRequest, err)
	}
	return b, nil
}

package webd

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/ptsns/ptsns/hub"
)

const (
	pollEvery   = time.Second
	pollTimeout = 10 * time.Second
)

// liveList is what the page is told of all namespaces.
type liveList struct {
	Type       string          `json:"type"` // "list"
	Namespaces []liveNamespace `json:"namespaces"`
	Error      string          `json:"error,omitempty"` // why there is no list
}

type liveNamespace struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"`
	Ptmx      string         `json:"ptmx"`
	Error     string         `json:"error,omitempty"`
	Terminals []liveTerminal `json:"terminals"`
}

type liveTerminal struct {
	Index     int              `json:"index"`
	Serial    string           `json:"serial"`
	Rows      int              `json:"rows"`
	Cols      int              `json:"cols"`
	Title     string           `json:"title"`
	Command   string           `json:"command"` // in the foreground
	Opener    string           `json:"opener"`
	Recorded  bool             `json:"recorded"`
	Viewers   []hub.ViewerInfo `json:"viewers"`
	BytesOut  uint64           `json:"bytes_out"`
	BytesLost uint64           `json:"bytes_lost"`
}

// feed asks for the list while somebody watches, once for all of them.
type feed struct {
	list func(context.Context) ([]Namespace, error)
	poke chan struct{} // one slot: look now

	mu       sync.Mutex
	watchers int                // guarded by mu
	stop     context.CancelFunc // guarded by mu; of the poll, nil when nobody watches
	latest   []byte             // guarded by mu; a message; nil before the first
	seq      uint64             // guarded by mu; counts the changes of latest
	changed  chan struct{}      // guarded by mu; closed with the next
}

func newFeed(list func(context.Context) ([]Namespace, error)) *feed {
	return &feed{list: list, poke: make(chan struct{}, 1), changed: make(chan struct{})}
}

// watch begins the polling unless it goes on already. leave is to be called once.
func (f *feed) watch() (leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers++; f.watchers == 1 {
		ctx, cancel := context.WithCancel(context.Background())
		f.stop = cancel
		go f.poll(ctx) // ends with the last watcher
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.watchers--; f.watchers == 0 {
			f.stop()
			f.latest = nil // old by the time somebody comes
		}
	}
}

func (f *feed) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		f.publish(ctx, f.look(ctx))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-f.poke:
		}
	}
}

// soon makes the poll look at once, as after a change of our own.
func (f *feed) soon() {
	select {
	case f.poke <- struct{}{}:
	default:
	}
}

// look makes the message that tells what there is.
func (f *feed) look(ctx context.Context) []byte {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	l := liveList{Type: "list", Namespaces: []liveNamespace{}}
	all, err := f.list(ctx)
	if err != nil {
		l.Error = err.Error()
	}
	for _, ns := range all {
		n := liveNamespace{Name: ns.Name, Kind: ns.Kind, Ptmx: ns.Ptmx, Error: ns.Error, Terminals: []liveTerminal{}}
		for _, t := range ns.Terminals {
			n.Terminals = append(n.Terminals, liveTerminal{Index: t.Index, Serial: t.Serial, Rows: t.Rows, Cols: t.Cols, Title: t.Title,
				Command: t.Foreground.Comm, Opener: t.Opener.Comm, Recorded: len(t.Recordings) > 0, Viewers: t.Viewers,
				BytesOut: t.BytesOut, BytesLost: t.BytesLost})
		}
		l.Namespaces = append(l.Namespaces, n)
	}
	message, err := json.Marshal(l)
	if err != nil {
		panic(err) // it is made of strings and numbers
	}
	return message
}

// publish shows the watchers a message that is new.
func (f *feed) publish(ctx context.Context, message []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil || bytes.Equal(f.latest, message) {
		return
	}
	f.latest = message
	f.seq++
	close(f.changed)
	f.changed = make(chan struct{})
}

// next waits for a message that is not the one numbered seen. One who is slow gets only
// the latest.
func (f *feed) next(ctx context.Context, seen uint64) (message []byte, seq uint64, err error) {
	for {
		f.mu.Lock()
		message, seq, changed := f.latest, f.seq, f.changed
		f.mu.Unlock()
		if message != nil && seq != seen {
			return message, seq, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// live is the websocket with the list.
func (s *Server) live(w http.ResponseWriter, r *http.Request, _ string) {
	sock, ok := s.accept(w, r)
	if !ok {
		return
	}
	defer s.sockets.free()
	ctx, cancel := context.WithCancel(r.Context())
	defer sock.CloseNow()
	defer cancel()
	defer s.feed.watch()()
	go func() { // ends with the connection
		defer cancel()
		for {
			kind, p, err := sock.read(ctx)
			if err == nil {
				err = sock.plain(ctx, kind, p)
			}
			if err != nil {
				sock.refuse(err)
				return
			}
		}
	}()
	for seen := uint64(0); ; {
		message, seq, err := s.feed.next(ctx, seen)
		if err != nil {
			return
		}
		seen = seq
		if sock.write(ctx, websocket.MessageText, message) != nil {
			return
		}
	}
}

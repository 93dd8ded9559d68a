package hub

import (
	"context"
	"io"
	"sync"
	"time"
)

const (
	// viewerLimit is how much output is kept for a viewer that does not read.
	viewerLimit = 1 << 20
	// ownerLimit is how far the hub reads ahead of an owner.
	ownerLimit = 256 << 10
)

// ViewerOptions say how somebody joins.
type ViewerOptions struct {
	Who        Who
	ReadOnly   bool
	Steal      bool   // take the input for itself
	NoHistory  bool   // paint the screen without the scrollback
	Rows, Cols uint16 // the viewer's window; 0, 0 when it has none
}

// Viewer is somebody who joined a terminal. Its methods may be called from any
// goroutine; Next from one at a time.
type Viewer struct {
	t        *Terminal     // immutable
	id       uint64        // immutable
	who      Who           // immutable
	since    time.Time     // immutable
	readOnly bool          // immutable
	lossless bool          // immutable: an owner, which the pump waits for
	limit    int           // immutable: bytes kept at most
	wake     chan struct{} // one slot: there is something for Next

	mu       sync.Mutex
	buf      []byte // guarded by mu; what Next has not taken, from off on
	off      int    // guarded by mu
	lost     uint64 // guarded by mu; bytes missed before buf[off]
	finished bool   // guarded by mu
}

func newViewer(t *Terminal, who Who, readOnly, lossless bool, limit int) *Viewer {
	return &Viewer{t: t, id: t.hub.lastViewer.Add(1), who: who, since: time.Now(), readOnly: readOnly, lossless: lossless, limit: limit, wake: make(chan struct{}, 1)}
}

// Join adds a viewer: it sees all output from now on. The terminal never waits for it.
// One that has a window, and may change the terminal's size, gets the screen painted:
// its foreground programs are told that the size may have changed, also when it has not.
func (t *Terminal) Join(o ViewerOptions) (*Viewer, error) {
	v := newViewer(t, o.Who, o.ReadOnly, false, viewerLimit)
	t.mu.Lock()
	if t.ended {
		t.mu.Unlock()
		return nil, ErrEnded
	}
	t.viewers[v] = struct{}{}
	t.watched.Store(true)
	t.mu.Unlock()
	if o.Rows == 0 && o.Cols == 0 || !v.sizes() {
		return v, nil
	}
	if rows, cols := t.Size(); rows == o.Rows && cols == o.Cols {
		t.repaint()
	} else {
		t.setSize(o.Rows, o.Cols)
	}
	return v, nil
}

// put keeps a copy of b. What does not fit pushes out the oldest bytes.
func (v *Viewer) put(b []byte) {
	v.mu.Lock()
	if over := len(v.buf) - v.off + len(b) - v.limit; over > 0 && !v.lossless {
		v.dropLocked(over)
		if len(b) > v.limit {
			v.lost += uint64(len(b) - v.limit)
			b = b[len(b)-v.limit:]
		}
	}
	if v.off > 0 && len(v.buf)+len(b) > cap(v.buf) {
		v.buf = v.buf[:copy(v.buf, v.buf[v.off:])]
		v.off = 0
	}
	v.buf = append(v.buf, b...)
	v.mu.Unlock()
	v.signal()
}

func (v *Viewer) dropLocked(n int) {
	n = min(n, len(v.buf)-v.off)
	v.off += n
	v.lost += uint64(n)
}

func (v *Viewer) signal() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// full tells whether an owner has enough to read.
func (v *Viewer) full() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.buf)-v.off >= v.limit
}

// finish marks the end of the output.
func (v *Viewer) finish() {
	v.mu.Lock()
	v.finished = true
	v.mu.Unlock()
	v.signal()
}

// Next waits for output and copies it to p. lost is how many bytes this viewer missed
// before those in p, because it did not read in time. io.EOF means that the terminal
// has ended and everything was delivered.
func (v *Viewer) Next(ctx context.Context, p []byte) (n int, lost uint64, err error) {
	for {
		n, lost, finished := v.take(p)
		if n > 0 || lost > 0 {
			v.t.release()
			return n, lost, nil
		}
		if finished {
			return 0, 0, io.EOF
		}
		select {
		case <-v.wake:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
}

func (v *Viewer) take(p []byte) (n int, lost uint64, finished bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n = copy(p, v.buf[v.off:])
	v.off += n
	lost, v.lost = v.lost, 0
	if v.off == len(v.buf) {
		v.buf, v.off = nil, 0 // a viewer in step keeps nothing
	}
	return n, lost, v.finished
}

// Write types p into the terminal and returns when all of it is taken, ctx is done, or
// the terminal has ended. A read-only viewer gets ErrReadOnly.
func (v *Viewer) Write(ctx context.Context, p []byte) error {
	if v.readOnly {
		return ErrReadOnly
	}
	v.t.noteInput(p)
	return v.t.typeAll(ctx, p)
}

// Resize tells the size of the viewer's window, which becomes that of a terminal that
// ptsns opened: the latest viewer to say so decides. The size of a terminal opened
// inside is its opener's, and a read-only viewer changes none.
func (v *Viewer) Resize(rows, cols uint16) {
	if v.sizes() {
		v.t.setSize(rows, cols)
	}
}

// sizes tells whether the viewer's window decides the terminal's size.
func (v *Viewer) sizes() bool { return v.t.owned && !v.readOnly }

// Close leaves the terminal. An owner that leaves no longer sets the pace.
func (v *Viewer) Close() {
	v.t.mu.Lock()
	delete(v.t.viewers, v)
	v.t.watched.Store(len(v.t.viewers) > 0)
	if v.t.owner == v {
		v.t.owner = nil
	}
	v.t.mu.Unlock()
	v.t.release()
}

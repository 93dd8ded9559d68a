package hub

import (
	"sync"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// TapStarter is Tap for an end that is a pts.Starter; what takes its place for whoever
// reads and writes it is one, too.
func (h *Hub) TapStarter(end pts.Starter, index int, opener Opener) (*Terminal, pts.Starter) {
	t := h.Tap(end, index, opener)
	return t, starter{t, end}
}

// starter is a tapped terminal whose opener's reads and writes wait by themselves.
type starter struct {
	*Terminal
	end pts.Starter
}

func (s starter) StartRead(c pts.Caller, p []byte, done func(n int, err error)) pts.Pending {
	return s.end.StartRead(c, p, func(n int, err error) {
		s.noteRead(p[:max(n, 0)])
		done(n, err)
	})
}

// StartWrite is as Write: what is not taken yet when a viewer takes the input for itself is
// dropped.
func (s starter) StartWrite(c pts.Caller, p []byte, done func(n int, err error)) pts.Pending {
	if s.drops() {
		s.dropped.Add(uint64(len(p)))
		done(len(p), nil)
		return pts.Over{}
	}
	w := &startedWrite{note: s.beginWrite()}
	pending := s.end.StartWrite(c, p, func(n int, err error) {
		taken := w.end()
		s.noteWrite(p[:max(n, 0)], w.note)
		if taken && n < len(p) && (err == nil || err == pts.EINTR) {
			s.dropped.Add(uint64(len(p) - max(n, 0)))
			n, err = len(p), nil
		}
		done(n, err)
	})
	w.mu.Lock()
	waits := !w.over
	if waits {
		w.pending = pending
		w.stop = s.room.Notify(wait.Out, func(wait.Events) { w.drop() })
	}
	w.mu.Unlock()
	if waits && s.drops() {
		w.drop() // it came in between
	}
	return pending
}

// startedWrite is a write under way.
type startedWrite struct {
	note func(taken []byte) // immutable

	mu      sync.Mutex  // a leaf
	pending pts.Pending // guarded by mu, like all below; nil until it is seen to wait
	stop    func()      // likewise: ends the notification
	taken   bool        // a viewer took the input for itself
	over    bool
}

// drop ends the write: the rest of it is dropped.
func (w *startedWrite) drop() {
	w.mu.Lock()
	pending := w.pending
	w.taken = true
	if w.over {
		pending = nil
	}
	w.mu.Unlock()
	if pending != nil {
		pending.Interrupt()
	}
}

// end says that the write is over, and tells whether the rest is to be dropped.
func (w *startedWrite) end() (taken bool) {
	w.mu.Lock()
	w.over = true
	stop, taken := w.stop, w.taken
	w.mu.Unlock()
	if stop != nil {
		stop()
	}
	return taken
}

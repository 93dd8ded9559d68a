// Package hub is what the parent does with terminals: it stands on the way of every
// byte, shows each viewer what is on the screen and then the output, types viewers'
// input, and has it all recorded.
//
// The output of a terminal goes into one bounded log, which is all that it costs while
// nobody looks. Viewers are places in the log, so that a hundred of them cost the program
// no more than one; a screen reads it, too, but not before somebody wants to see it.
// A terminal is either tapped, when a process inside opened it and reads its ptm
// through a door, or owned, when ptsns opened it for a program of its own and the hub
// reads it. The hub has no goroutine while nothing happens: doors and the driver's
// notifications run it.
//
// Lock order: Hub.mu, then Terminal.painting, .fitting and .mu, then the driver's and
// Events.mu. Hub.mu is never held while a terminal is used. Viewers are woken through
// channels that never block the sender. While the screen takes output, for up to some ten
// milliseconds for all that the log holds, a reader of the terminal waits at most for the
// piece in hand, or for room.
package hub

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ptsns/ptsns/pts"
)

var (
	// ErrReadOnly is what a read-only viewer gets for typing.
	ErrReadOnly = errors.New("joined read-only")
	// ErrEnded means that the terminal is closed.
	ErrEnded = errors.New("the terminal has ended")
	// ErrTaken is what somebody gets for typing while a viewer has the input for itself.
	ErrTaken = errors.New("another viewer has taken the input for itself")
	// ErrKicked means that the viewer was sent away.
	ErrKicked = errors.New("sent away")
	// ErrBadCursor means a place in the output that was never reached.
	ErrBadCursor = errors.New("no such cursor: there was less output so far")
)

// DefaultHistory is how much output, and how much scrollback, a terminal keeps at most
// when Options do not say.
const DefaultHistory = 1 << 20

// smallestHistory is the least output that is kept: viewers need some to read from.
const smallestHistory = 16 << 10

// Options are what a hub is made of.
type Options struct {
	// Ended is called after each terminal's end, with no lock held; it must not block.
	Ended func()
	// History bounds, in bytes, the output that each terminal keeps (rounded up to a power
	// of two, and 16 KiB at least), and likewise its scrollback; 0 is DefaultHistory, less
	// than 0 the least output and no scrollback.
	History int
	// Record makes the recorder of a new terminal, before anything is read from it. It may
	// be nil, and return nil.
	Record func(t *Terminal) Recorder
}

// Hub is the set of a namespace's open terminals that pass through us. It is safe for
// concurrent use.
type Hub struct {
	o        Options // immutable
	logBytes int     // immutable: of output that a terminal keeps
	history  int     // immutable: of scrollback, as a screen's options have it
	events   Events

	lastViewer atomic.Uint64
	lastActive atomic.Uint64
	opened     atomic.Uint64 // also the serial number of the last terminal
	lost       atomic.Uint64 // by viewers, of all terminals that ever were

	mu        sync.Mutex
	terminals map[*Terminal]struct{} // guarded by mu
	gone      Totals                 // guarded by mu; of terminals that have ended
}

// New returns an empty hub.
func New(o Options) *Hub {
	history := o.History
	if history == 0 {
		history = DefaultHistory
	}
	return &Hub{o: o, logBytes: powerOfTwo(max(history, smallestHistory)), history: history,
		terminals: make(map[*Terminal]struct{})}
}

// Events are what happened to the terminals.
func (h *Hub) Events() *Events { return &h.events }

// Opener is the process that opened a terminal, as it was then.
type Opener struct {
	PID  int
	Comm string
}

// Tap adds a terminal that a process inside opened: the result takes end's place for
// whoever reads and writes it, and ends with Close.
func (h *Hub) Tap(end pts.End, index int, opener Opener) *Terminal {
	t := newTerminal(h, end, index, opener)
	h.add(t)
	return t
}

// Own adds a terminal that ptsns opened; the hub reads it from now on, until Finish or
// Close. With attach its owner is returned too: the hub reads no faster than the owner
// does, so that the owner misses nothing.
func (h *Hub) Own(end pts.End, index int, opener Opener, attach bool, who Who) (*Terminal, *Viewer) {
	t := newTerminal(h, end, index, opener)
	t.owned = true
	var owner *Viewer
	if attach {
		owner = newViewer(t, who, false, true)
		t.owner = owner
		t.addLocked(owner) // nobody else has it yet
	}
	h.add(t)
	t.startPump()
	return t, owner
}

func (h *Hub) add(t *Terminal) {
	if h.o.Record != nil {
		if r := h.o.Record(t); r != nil {
			t.recordLocked(r) // nobody else has it yet
		}
	}
	h.events.Add(EventOpened, t.index, t.opener.Comm)
	h.mu.Lock()
	h.terminals[t] = struct{}{}
	h.mu.Unlock()
}

func (h *Hub) remove(t *Terminal) {
	h.mu.Lock()
	delete(h.terminals, t)
	h.gone.In += t.in.Load()
	h.gone.Out += t.out.Load()
	h.mu.Unlock()
}

// Terminals lists the open terminals by index.
func (h *Hub) Terminals() []*Terminal {
	h.mu.Lock()
	list := make([]*Terminal, 0, len(h.terminals))
	for t := range h.terminals {
		list = append(list, t)
	}
	h.mu.Unlock()
	slices.SortFunc(list, func(a, b *Terminal) int { return a.index - b.index })
	return list
}

// Lookup finds an open terminal by index, nil when there is none.
func (h *Hub) Lookup(index int) *Terminal {
	h.mu.Lock()
	defer h.mu.Unlock()
	for t := range h.terminals {
		if t.index == index {
			return t
		}
	}
	return nil
}

// Len is the number of open terminals.
func (h *Hub) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.terminals)
}

// Counts are what passed through a terminal, in bytes, and who looks on.
type Counts struct {
	In      uint64 // written to the ptm
	Out     uint64 // read from it
	Lost    uint64 // missed by viewers
	Dropped uint64 // written by the opener while a viewer had the input for itself
	Viewers int
}

// Totals are sums over all terminals that ever passed through a hub.
type Totals struct{ Opened, In, Out, Lost uint64 }

// Totals tells them.
func (h *Hub) Totals() Totals {
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := h.gone
	for t := range h.terminals {
		sum.In += t.in.Load()
		sum.Out += t.out.Load()
	}
	sum.Opened, sum.Lost = h.opened.Load(), h.lost.Load()
	return sum
}

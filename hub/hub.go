// Package hub is what the parent does with terminals: it stands on the way of every
// byte, hands each viewer a copy of the output, and types viewers' input.
//
// A terminal is either tapped, when a process inside opened it and reads its ptm
// through a door, or owned, when ptsns opened it for a program of its own and the hub
// reads it. The hub has no goroutine while nothing happens: doors and the driver's
// notifications run it.
//
// Lock order: Hub.mu, then Terminal.mu, then Viewer.mu, then the driver's. Hub.mu is
// never held while a terminal is used. Viewers are woken through channels that never
// block the sender.
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
)

// Hub is the set of a namespace's open terminals that pass through us. It is safe for
// concurrent use.
type Hub struct {
	ended func() // immutable: called after a terminal has ended

	lastViewer atomic.Uint64

	mu        sync.Mutex
	terminals map[*Terminal]struct{} // guarded by mu
}

// New returns an empty hub. ended is called after each terminal's end, with no lock
// held; it must not block.
func New(ended func()) *Hub { return &Hub{ended: ended, terminals: make(map[*Terminal]struct{})} }

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
		owner = newViewer(t, who, false, true, ownerLimit)
		t.owner = owner
		t.viewers[owner] = struct{}{}
		t.watched.Store(true)
	}
	h.add(t)
	t.startPump()
	return t, owner
}

func (h *Hub) add(t *Terminal) {
	h.mu.Lock()
	h.terminals[t] = struct{}{}
	h.mu.Unlock()
}

func (h *Hub) remove(t *Terminal) {
	h.mu.Lock()
	delete(h.terminals, t)
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
	Viewers int
}

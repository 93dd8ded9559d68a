package pty

import "slices"

// turn is who may read, or write: one call that may block at a time, in the order in which
// they came, also where the one before is interrupted and comes again.
type turn struct {
	taken   bool
	last    uint64   // ticket
	waiting []uint64 // tickets, in order
}

func (s *side) turn(write bool) *turn {
	if write {
		return &s.writing
	}
	return &s.reading
}

// freeFor tells whether x may take the turn.
func (t *turn) freeFor(x *op) bool {
	return !t.taken && (len(t.waiting) == 0 || t.waiting[0] == x.ticket)
}

// queue has x wait for its turn.
func (t *turn) queue(x *op) {
	if x.ticket != 0 {
		return
	}
	t.last++
	x.ticket = t.last
	t.waiting = append(t.waiting, x.ticket)
}

// forget ends that x waits, and tells whether it did.
func (t *turn) forget(x *op) bool {
	if x.ticket == 0 {
		return false
	}
	i := slices.Index(t.waiting, x.ticket)
	t.waiting = slices.Delete(t.waiting, i, i+1)
	x.ticket = 0
	return true
}

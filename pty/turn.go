package pty

import "slices"

// turns is those that wait for their turn to read or write at an end: one call that may block
// has it at a time, in the order in which they came, also where the one before is
// interrupted and comes again.
type turns struct {
	last    uint64   // ticket
	waiting []uint64 // tickets, in order
}

// turnTable is the four of a pair, made when somebody waits for the first time.
type turnTable [4]turns

// turn is whether somebody has the turn.
func (s *side) turn(write bool) *bool {
	if write {
		return &s.writing
	}
	return &s.reading
}

func (e *end) turnsLocked(write bool) *turns {
	if e.p.turns == nil {
		e.p.turns = new(turnTable)
	}
	i := 0
	if e.ptm {
		i += 2
	}
	if write {
		i++
	}
	return &e.p.turns[i]
}

// mayLocked tells whether x may take the turn.
func (e *end) mayLocked(x *op) bool {
	switch {
	case *e.sideLocked().turn(x.write):
		return false
	case e.p.turns == nil:
		return true
	}
	l := e.turnsLocked(x.write)
	return len(l.waiting) == 0 || l.waiting[0] == x.ticket
}

// queuedLocked tells whether anybody waits for a turn.
func (e *end) queuedLocked(write bool) bool {
	return e.p.turns != nil && len(e.turnsLocked(write).waiting) > 0
}

// queueLocked has x wait for its turn.
func (e *end) queueLocked(x *op) {
	if x.ticket != 0 {
		return
	}
	l := e.turnsLocked(x.write)
	l.last++
	x.ticket = l.last
	l.waiting = append(l.waiting, x.ticket)
}

// forgetLocked ends that x waits, if it does.
func (e *end) forgetLocked(x *op) {
	if x.ticket == 0 {
		return
	}
	l := e.turnsLocked(x.write)
	i := slices.Index(l.waiting, x.ticket)
	l.waiting = slices.Delete(l.waiting, i, i+1)
	x.ticket = 0
}

// discsLocked counts the times that a line discipline was set at e's end.
func (e *end) discsLocked() *uint16 {
	if e.ptm {
		return &e.p.discs[0]
	}
	return &e.p.discs[1]
}

// Package wait holds the readiness of a terminal end: the bits of poll(2),
// computed from state whenever somebody asks, and a queue of those who want to
// look again when it may have changed.
//
// Readiness is a level, not an event. A notification says only "look again": it
// may be spurious and is never lost, provided the waiter registers first, looks,
// and only then sleeps. The package owns no goroutine. Queue has one lock, a
// leaf: callbacks run after it is released.
package wait

import (
	"strings"
	"sync"
)

// Events is a set of poll(2) bits. The values are Linux's on every OS.
type Events uint32

const (
	In     Events = 0x1    // POLLIN: a read returns at once
	Pri    Events = 0x2    // POLLPRI: a packet mode status byte is pending
	Out    Events = 0x4    // POLLOUT: a write takes at least one byte
	Err    Events = 0x8    // POLLERR
	Hup    Events = 0x10   // POLLHUP: the other side is closed
	RdNorm Events = 0x40   // POLLRDNORM
	WrNorm Events = 0x100  // POLLWRNORM
	RdHup  Events = 0x2000 // POLLRDHUP: never set by a terminal, accepted in masks
)

var eventNames = []struct {
	bit  Events
	name string
}{
	{In, "IN"}, {Pri, "PRI"}, {Out, "OUT"}, {Err, "ERR"}, {Hup, "HUP"},
	{RdNorm, "RDNORM"}, {WrNorm, "WRNORM"}, {RdHup, "RDHUP"},
}

// String prints the set as poll(2) names joined by "|", "0" when empty.
func (e Events) String() string {
	var names []string
	for _, n := range eventNames {
		if e&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	if len(names) == 0 {
		return "0"
	}
	return strings.Join(names, "|")
}

// Queue is a list of callbacks to run when readiness may have changed. The zero
// value is empty and ready to use. It is safe for concurrent use.
type Queue struct {
	mu      sync.Mutex
	waiters map[*waiter]struct{} // guarded by mu; nil when empty
}

type waiter struct {
	mask Events
	f    func(Events)
}

// Notify registers f to run after each Wake whose events intersect mask, until
// stop is called. f must not block, and may still be running, or run once more,
// when stop returns. Calling stop again does nothing.
func (q *Queue) Notify(mask Events, f func(Events)) (stop func()) {
	w := &waiter{mask: mask, f: f}
	q.mu.Lock()
	if q.waiters == nil {
		q.waiters = make(map[*waiter]struct{})
	}
	q.waiters[w] = struct{}{}
	q.mu.Unlock()
	return func() {
		q.mu.Lock()
		delete(q.waiters, w)
		if len(q.waiters) == 0 {
			q.waiters = nil
		}
		q.mu.Unlock()
	}
}

// Wake runs the callbacks interested in any of e, on the caller's goroutine and
// with no lock of the queue held. Hup and Err wake everybody, as poll(2) reports
// them unasked.
func (q *Queue) Wake(e Events) {
	var few [4]func(Events)
	run := few[:0]
	q.mu.Lock()
	for w := range q.waiters {
		if e&(w.mask|Hup|Err) != 0 {
			run = append(run, w.f)
		}
	}
	q.mu.Unlock()
	for _, f := range run {
		f(e)
	}
}

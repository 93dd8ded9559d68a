package hub

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// Kinds of events.
const (
	EventOpened    = "opened"
	EventEnded     = "ended"
	EventJoined    = "joined"
	EventLeft      = "left"
	EventKicked    = "kicked"
	EventStolen    = "stolen"           // a viewer took the input for itself
	EventRefused   = "refused"          // an open of ptmx failed for want of room
	EventRecording = "recording-failed" // a recording ended before its terminal, or has a gap
)

// eventsKept is how many events are kept for those who ask late.
const eventsKept = 256

// Event is something that happened to a namespace's terminals.
type Event struct {
	Seq      uint64    `json:"seq"` // counts from 1
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`
	Terminal string    `json:"terminal,omitempty"` // its index
	Text     string    `json:"text,omitempty"`     // for people
}

// Events are the last events of a hub. It is safe for concurrent use; its lock is a
// leaf.
type Events struct {
	mu   sync.Mutex
	last uint64        // guarded by mu
	kept []Event       // guarded by mu; oldest first
	more chan struct{} // guarded by mu; closed by the next event; nil when nobody waits
}

// Add notes an event. index < 0 is none.
func (e *Events) Add(kind string, index int, text string) {
	e.mu.Lock()
	e.last++
	event := Event{Seq: e.last, Time: time.Now(), Kind: kind, Text: text}
	if index >= 0 {
		event.Terminal = strconv.Itoa(index)
	}
	if len(e.kept) == eventsKept {
		e.kept = e.kept[1:] // append copies the others once in a while
	}
	e.kept = append(e.kept, event)
	more := e.more
	e.more = nil
	e.mu.Unlock()
	if more != nil {
		close(more)
	}
}

// Since waits until there are events after the one numbered seq, and returns those that
// are kept: a gap in the numbers tells of others. When ctx is done first it returns its
// error.
func (e *Events) Since(ctx context.Context, seq uint64) ([]Event, error) {
	for {
		e.mu.Lock()
		var list []Event
		for i, event := range e.kept {
			if event.Seq > seq {
				list = append(list, e.kept[i:]...)
				break
			}
		}
		if e.more == nil {
			e.more = make(chan struct{})
		}
		more := e.more
		e.mu.Unlock()
		if list != nil {
			return list, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

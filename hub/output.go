package hub

import (
	"context"
	"slices"
)

// Output is a piece of a terminal's output.
type Output struct {
	From, Next uint64 // cursors: of its first byte, and of the first after it
	Data       []byte
	Ended      bool // the terminal has ended, and this is its last
}

// Cursor is the place behind the last byte of output so far, in bytes from the
// terminal's first.
func (t *Terminal) Cursor() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.log.end
}

// Output waits until there is output past the cursor since, and returns up to max bytes
// of it. A From past since means that what was between is no longer kept. It returns at
// once with Ended, and perhaps no data, when the terminal has ended; with ErrBadCursor
// for a cursor that was never reached; and with ctx's error when that is done first.
func (t *Terminal) Output(ctx context.Context, since uint64, max int) (Output, error) {
	w := make(sleeper, 1)
	for {
		t.mu.Lock()
		if since > t.log.end {
			t.mu.Unlock()
			return Output{}, ErrBadCursor
		}
		if since < t.log.end || t.ended {
			o := t.outputLocked(since, max)
			t.mu.Unlock()
			return o, nil
		}
		t.asleep = append(t.asleep, w)
		t.mu.Unlock()
		select {
		case <-w:
		case <-ctx.Done():
			t.wakeUp(w)
			return Output{From: since, Next: since}, ctx.Err()
		}
	}
}

func (t *Terminal) outputLocked(since uint64, max int) Output {
	from := min(since, t.log.end)
	if from < t.log.start {
		from = t.log.start
	}
	o := Output{From: from, Data: make([]byte, min(uint64(max), t.log.end-from))}
	o.Next = from + uint64(t.log.copy(o.Data, from))
	o.Ended = t.ended && o.Next == t.log.end
	return o
}

// sleeper is who waits for something to happen on a terminal. It has one slot.
type sleeper chan struct{}

// wakeLocked wakes everybody who waits.
func (t *Terminal) wakeLocked() {
	for _, w := range t.asleep {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	clear(t.asleep)
	t.asleep = t.asleep[:0]
}

// wakeUp takes w, which no longer waits, out of the list.
func (t *Terminal) wakeUp(w sleeper) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.asleep, w); i >= 0 {
		t.asleep = slices.Delete(t.asleep, i, i+1)
	}
}

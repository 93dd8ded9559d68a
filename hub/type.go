package hub

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// Type types p for somebody who has not joined, and returns as Viewer.Write does, and how
// much was typed: nobody may while a viewer has the input for itself.
func (t *Terminal) Type(ctx context.Context, _ Who, p []byte) (n int, err error) {
	if t.taken(nil) {
		return 0, ErrTaken
	}
	t.noteInput(p)
	return t.typeAll(ctx, p, nil)
}

// taken tells whether somebody else than v took the input for itself.
func (t *Terminal) taken(v *Viewer) bool {
	sole := t.sole.Load()
	return sole != nil && sole != v
}

// steal takes the input for v, until it leaves or somebody takes it from it. What the
// opener is just waiting to type is dropped.
func (t *Terminal) steal(v *Viewer) {
	t.mu.Lock()
	_, in := t.viewers[v]
	if in { // it may have been sent away already
		t.sole.Store(v)
	}
	t.mu.Unlock()
	if !in {
		return
	}
	t.room.Wake(forWriters)
	t.hub.events.Add(EventStolen, t.index, v.who.String())
}

// typeAll writes all of p and waits for room where there is none. What is left when kicked
// is closed is not typed.
func (t *Terminal) typeAll(ctx context.Context, p []byte, kicked <-chan struct{}) (typed int, err error) {
	for typed < len(p) {
		select {
		case <-kicked:
			return typed, ErrKicked
		default:
		}
		n, err := t.put(p[typed:])
		typed += n
		switch {
		case pts.IsAgain(err) || err == nil && n == 0:
			if err := t.waitFor(ctx, wait.Out, kicked); err != nil {
				return typed, err
			}
		case err != nil:
			return typed, ErrEnded
		}
	}
	return typed, nil
}

// waitFor blocks until the end reports any of mask, the terminal ends, ctx does, or kicked
// is closed.
func (t *Terminal) waitFor(ctx context.Context, mask wait.Events, kicked <-chan struct{}) error {
	look := make(chan struct{}, 1)
	stop := t.end.Notify(mask|wait.Err|wait.Hup, func(wait.Events) {
		select {
		case look <- struct{}{}:
		default:
		}
	})
	defer stop()
	for t.end.Poll()&mask == 0 {
		select {
		case <-look:
		case <-t.done:
			return ErrEnded
		case <-kicked:
			return ErrKicked
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Echo tells whether the terminal shows what is typed: ECHO of its settings now.
func (t *Terminal) Echo() (bool, error) {
	lflag, _, err := t.settings()
	if err != nil {
		return false, fmt.Errorf("read the terminal's settings: %w", err)
	}
	return lflag&termios.ECHO != 0, nil
}

// settings reads the local flags and the control characters.
func (t *Terminal) settings() (lflag uint32, cc [19]byte, err error) {
	const lflagOffset, ccOffset = 12, 17
	var b [36]byte
	if _, err := t.end.Ioctl(nil, pts.TCGETS, b[:]); err != nil {
		return 0, cc, err
	}
	copy(cc[:], b[ccOffset:])
	return binary.LittleEndian.Uint32(b[lflagOffset:]), cc, nil
}

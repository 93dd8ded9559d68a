package hub

import (
	"bytes"
	"context"
	"io"
	"slices"
	"time"

	"github.com/ptsns/ptsns/screen"
)

const (
	// ownerLimit is how far the hub reads ahead of an owner, and half the log at most.
	ownerLimit = 256 << 10
	// frameTime is how long a viewer whose window is not of the terminal's size goes
	// without being painted again.
	frameTime = 33 * time.Millisecond
	// lossTime is the same for one that has missed output: to paint a screen while a program
	// prints at full speed takes all the output of that time through an emulator.
	lossTime = 100 * time.Millisecond
	// Where many look on, each rests between two pieces of output for so long times the
	// number of the others: the program comes first. After much output it is more, but no
	// more than restMost.
	restLittle = 200 * time.Microsecond
	restMuch   = 2 * time.Millisecond
	restMost   = 250 * time.Millisecond
	muchOutput = 16 << 10
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
	t        *Terminal     // immutable, like all down to wake
	id       uint64        //
	who      Who           //
	since    time.Time     //
	readOnly bool          //
	lossless bool          // an owner, which the pump waits for
	kicked   chan struct{} // closed when it is
	wake     sleeper       //

	// Guarded by the terminal's mu.
	at         uint64    // where in the output it is
	rows, cols uint16    // its window
	active     uint64    // when it last joined, resized or typed; greater is later
	lost       uint64    // bytes that it missed, in all
	stale      bool      // it must be painted before it goes on
	behind     bool      // likewise, since output that it has not had is no longer kept
	history    bool      // and that with the scrollback
	framed     bool      // it is painted in place of getting the output
	of         [2]uint16 // the terminal's size when it was last painted
	window     [2]uint16 // and that of its window, or when it last took output
	resizes    uint64    // how often the terminal's size had changed then

	// Of Next alone, as is takeLocked.
	rest   []byte        // painted or filtered, and not taken yet
	until  time.Time     // it rests
	shows  *screen.Frame // what its window shows while it is framed; nil when that is not known
	filter screen.Filter // of a read-only viewer
}

func newViewer(t *Terminal, who Who, readOnly, lossless bool) *Viewer {
	return &Viewer{t: t, id: t.hub.lastViewer.Add(1), who: who, since: time.Now(), readOnly: readOnly,
		lossless: lossless, kicked: make(chan struct{}), wake: make(sleeper, 1), active: t.hub.lastActive.Add(1)}
}

// Join adds a viewer. The terminal never waits for it. One that has a window is painted
// what is on the screen, and before it, unless NoHistory says otherwise, what has
// scrolled off; what its terminal shows above the cursor goes into the scrollback first. Then it gets the output while its window has the terminal's size, and
// else new paintings. One without a window gets all output from now on.
//
// Where the viewer's window counts for the terminal's size, that is set before anything
// is painted.
func (t *Terminal) Join(o ViewerOptions) (*Viewer, error) {
	v := newViewer(t, o.Who, o.ReadOnly, false)
	v.rows, v.cols = o.Rows, o.Cols
	v.stale, v.history = v.hasWindow(), !o.NoHistory
	t.noteSize()
	ended := false
	t.fit(func() {
		if ended = t.ended; !ended {
			v.at = t.log.end
			t.addLocked(v)
		}
	})
	if ended {
		return nil, ErrEnded
	}
	t.hub.events.Add(EventJoined, t.index, v.who.String())
	if o.Steal && !o.ReadOnly {
		t.steal(v)
	}
	return v, nil
}

func (t *Terminal) addLocked(v *Viewer) {
	t.viewers[v] = struct{}{}
	t.watching.Store(int32(len(t.viewers)))
}

func (v *Viewer) hasWindow() bool { return v.rows != 0 && v.cols != 0 }

// ID is the viewer's number, which no other ever has in this namespace.
func (v *Viewer) ID() uint64 { return v.id }

// Next waits for output and copies it to p, which has room for at least a byte. lost is how many bytes this viewer missed
// because it did not read in time; it is told before what comes after them, and one that
// has a window is then painted the screen. io.EOF means that the terminal has ended and
// everything was delivered, ErrKicked that somebody sent the viewer away.
func (v *Viewer) Next(ctx context.Context, p []byte) (n int, lost uint64, err error) {
	for {
		if n := copy(p, v.rest); n > 0 {
			if v.rest = v.rest[n:]; len(v.rest) == 0 {
				v.rest = nil
			}
			return n, 0, nil
		}
		if err := v.pause(ctx); err != nil {
			return 0, 0, err
		}
		v.t.mu.Lock()
		n, lost, next := v.takeLocked(p)
		v.t.mu.Unlock()
		switch next {
		case givesOutput:
			v.t.release()
			v.tire(n)
			if !v.readOnly {
				return n, lost, nil
			}
			v.rest = v.filter.Append(nil, p[:n])
			if lost > 0 {
				return 0, lost, nil
			}
		case isPainted:
			lost := v.paint()
			v.t.release()
			if lost > 0 {
				return 0, lost, nil
			}
		case hearsEnd:
			return 0, 0, io.EOF
		case waits:
			select {
			case <-v.wake:
			case <-v.kicked:
			case <-ctx.Done():
				v.t.wakeUp(v.wake)
				return 0, 0, ctx.Err()
			}
		}
	}
}

// step is what comes next for a viewer.
type step int

const (
	waits step = iota
	givesOutput
	isPainted
	hearsEnd
)

// takeLocked decides what comes next, and takes the output if it is that.
func (v *Viewer) takeLocked(p []byte) (n int, lost uint64, next step) {
	t := v.t
	rows, cols := t.sizeLocked()
	framed := v.hasWindow() && (v.rows != rows || v.cols != cols)
	switch {
	case v.stale || framed != v.framed:
		v.framed = framed
		v.shows = nil
		return 0, 0, isPainted
	case framed && v.window != [2]uint16{v.rows, v.cols}:
		v.shows = nil // what a terminal shows when its window changes is its own affair
		return 0, 0, isPainted
	case framed && (v.at != t.log.end || v.of != [2]uint16{rows, cols}):
		return 0, 0, isPainted
	case !framed && v.resizes != t.resizes && v.window == [2]uint16{v.rows, v.cols} && v.hasWindow():
		v.behind = v.at < t.log.start
		return 0, 0, isPainted // the size is its window's again, but what it has not had may be for another
	case v.at < t.log.start && v.hasWindow():
		v.behind = true
		return 0, 0, isPainted
	}
	if !framed { // a window that changed together with the size is the program's to draw in
		v.window, v.resizes = [2]uint16{v.rows, v.cols}, t.resizes
	}
	switch {
	case v.at < t.log.end:
		if v.at < t.log.start {
			lost = t.log.start - v.at
			v.at = t.log.start
			t.lostLocked(v, lost)
		}
		n = t.log.copy(p, v.at)
		v.at += uint64(n)
		return n, lost, givesOutput
	case t.ended:
		return 0, 0, hearsEnd
	}
	t.asleep = append(t.asleep, v.wake)
	return 0, 0, waits
}

func (t *Terminal) lostLocked(v *Viewer, n uint64) {
	v.lost += n
	t.lost += n
	t.hub.lost.Add(n)
}

// paint has the viewer painted what is on the screen, and tells how much output it
// missed before that.
//
// Of many who fall behind all are painted the same for a while, though the output after
// it may be gone by then: they miss that, too. Else a program that prints faster than
// they read would have its screen painted all the time.
func (v *Viewer) paint() (lost uint64) {
	t := v.t
	t.mu.Lock()
	least := t.log.start
	if v.behind {
		least = v.at + 1
	}
	age := v.tired(muchOutput)
	if v.behind {
		age = max(age, lossTime)
	}
	rows, cols, first, history := v.rows, v.cols, v.stale, v.stale && v.history
	v.of[0], v.of[1] = t.sizeLocked()
	v.window = [2]uint16{v.rows, v.cols}
	v.stale, v.history = false, false
	framed := v.framed
	t.mu.Unlock()
	var p painted
	if history {
		p = t.paintAll(rows, cols, framed)
	} else {
		p = t.paint(rows, cols, framed, v.shows, age, least)
	}
	t.mu.Lock()
	if v.behind {
		lost = p.at - v.at
		t.lostLocked(v, lost)
	}
	v.at, v.behind, v.resizes = p.at, false, p.resizes
	t.mu.Unlock()
	v.shows, v.rest = p.to, p.paint
	if first {
		v.rest = slices.Concat(aside(rows), p.paint)
	}
	if v.readOnly {
		v.filter = screen.Filter{}
		v.rest = v.filter.Append(nil, v.rest)
	}
	v.tire(muchOutput)
	if framed {
		v.rests(frameTime)
	}
	if lost > 0 {
		v.rests(lossTime)
	}
	return lost
}

// rests has the viewer rest for at least so long.
func (v *Viewer) rests(d time.Duration) {
	if until := time.Now().Add(d); until.After(v.until) {
		v.until = until
	}
}

// aside has a terminal of so many rows scroll what is above its cursor into its scrollback,
// no more: what is painted then covers nothing of whoever joins.
func aside(rows uint16) []byte {
	return slices.Concat([]byte{'\r'}, bytes.Repeat([]byte{'\n'}, int(rows)-1), []byte("\x1b[H"))
}

// tired is how long the viewer rests after n bytes.
func (v *Viewer) tired(n int) time.Duration {
	others := time.Duration(v.t.watching.Load() - 1)
	if others <= 0 || v.lossless {
		return 0
	}
	if n >= muchOutput {
		return min(others*restMuch, restMost)
	}
	return min(others*restLittle, restMost)
}

func (v *Viewer) tire(n int) {
	if d := v.tired(n); d > 0 {
		v.until = time.Now().Add(d)
	}
}

// pause waits until the viewer has rested.
func (v *Viewer) pause(ctx context.Context) error {
	select {
	case <-v.kicked:
		return ErrKicked
	default:
	}
	if v.until.IsZero() {
		return nil
	}
	left := time.Until(v.until)
	v.until = time.Time{}
	if left <= 0 {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-v.t.done: // what is left is given out without delay
		return nil
	case <-v.kicked:
		return ErrKicked
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fullLocked tells whether an owner has enough to read.
func (v *Viewer) fullLocked() bool {
	return !v.framed && v.t.log.end-v.at >= uint64(min(ownerLimit, v.t.log.max/2))
}

// Write types p into the terminal and returns when all of it is taken, ctx is done, or
// the terminal has ended. A read-only viewer gets ErrReadOnly, ErrTaken who may not type
// because another viewer took the input for itself, and ErrKicked who was sent away, also
// one that has not heard of it since it does not read.
func (v *Viewer) Write(ctx context.Context, p []byte) error {
	if err := v.mayType(); err != nil {
		return err
	}
	t := v.t
	t.noteInput(p)
	if v.act() {
		t.fit(nil)
	}
	_, err := t.typeAll(ctx, p, v.kicked)
	return err
}

// mayType tells why the viewer may not type, nil if it may.
func (v *Viewer) mayType() error {
	select {
	case <-v.kicked:
		return ErrKicked
	default:
	}
	if v.readOnly {
		return ErrReadOnly
	}
	if v.t.taken(v) {
		return ErrTaken
	}
	return nil
}

// act notes that the viewer did something, and tells whether it was not the latest to.
func (v *Viewer) act() bool {
	t := v.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if v.active == t.hub.lastActive.Load() {
		return false
	}
	v.active = t.hub.lastActive.Add(1)
	return true
}

// Resize tells the size of the viewer's window, which may change that of a terminal
// that ptsns opened: see Sizing. The size of a terminal opened inside is its opener's,
// and a read-only viewer changes none.
func (v *Viewer) Resize(rows, cols uint16) {
	v.act()
	v.t.fit(func() {
		v.rows, v.cols = rows, cols
		v.t.wakeLocked()
	})
}

// Close leaves the terminal. An owner that leaves no longer sets the pace, and who took
// the input for itself gives it back.
func (v *Viewer) Close() {
	if v.leave() {
		v.t.hub.events.Add(EventLeft, v.t.index, v.who.String())
	}
	v.t.fit(nil)
	v.t.release()
}

// leave takes the viewer out; false when it was out already.
func (v *Viewer) leave() bool {
	t := v.t
	t.mu.Lock()
	_, in := t.viewers[v]
	delete(t.viewers, v)
	t.watching.Store(int32(len(t.viewers)))
	if t.owner == v {
		t.owner = nil
	}
	t.sole.CompareAndSwap(v, nil)
	last := len(t.viewers) <= 1
	t.mu.Unlock()
	if last {
		t.painting.Lock()
		t.painted = nil
		t.painting.Unlock()
	}
	return in
}

// Kick sends the viewer of that number away: its Next returns ErrKicked.
// It tells whether there was one.
func (h *Hub) Kick(id uint64) bool {
	for _, t := range h.Terminals() {
		t.mu.Lock()
		var found *Viewer
		for v := range t.viewers {
			if v.id == id {
				found = v
			}
		}
		t.mu.Unlock()
		if found != nil && found.leave() {
			close(found.kicked) // from now on it types nothing
			h.events.Add(EventKicked, t.index, found.who.String())
			t.fit(nil)
			t.release()
			return true
		}
	}
	return false
}

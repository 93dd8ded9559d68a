package hub

import (
	"bytes"
	"time"

	"github.com/ptsns/ptsns/screen"
)

const (
	// feedPiece is how much output the screen takes at once: readers wait for that long.
	feedPiece = 32 << 10
	// paintedKept is how much of what was painted is kept for others to be painted with.
	paintedKept = 8
)

// painted is what paints a window with the screen as it was behind the output before at.
type painted struct {
	rows, cols uint16
	framed     bool          // the window is of another size than the screen
	from, to   *screen.Frame // then: what the window showed, and what it shows now
	at         uint64
	resizes    uint64 // how often the size had changed, at least, when it was painted
	when       time.Time
	paint      []byte
}

// readyScreenLocked makes the screen if there is none, and gives it the size that it has
// at the output which it takes next. painting and mu are held.
func (t *Terminal) readyScreenLocked() {
	if t.screen == nil {
		rows, cols := t.sizeLocked()
		if len(t.sizes) > 0 {
			rows, cols = effective(t.sizes[0].rows, t.sizes[0].cols)
		}
		t.screen = screen.New(int(rows), int(cols), screen.Options{HistoryBytes: t.hub.history})
	}
	for t.resizeDueLocked() {
		rows, cols := effective(t.sizes[0].rows, t.sizes[0].cols)
		t.sizes = t.sizes[1:]
		t.screen.Resize(int(rows), int(cols))
	}
}

// show keeps a piece of the output, for the screen, for viewers and for who asks later.
// It is called with mu held, which it may give up and take again.
func (t *Terminal) show(b []byte) {
	if t.packet {
		if b[0] != 0 {
			return // a status byte, alone
		}
		b = b[1:]
	}
	if len(b) == 0 {
		return
	}
	if t.log.end+uint64(len(b))-t.fed > uint64(t.log.max) {
		t.makeRoom(len(b))
	}
	if len(t.recorders) > 0 {
		now := time.Now()
		for r := range t.recorders {
			r.Output(now, b)
		}
	}
	t.log.append(b)
	if over := t.log.start; over > t.fed {
		t.fed = over // b alone is more than is kept
	}
	t.wakeLocked()
}

// makeRoom has the screen take, or skip, output that the log must drop for n bytes
// more. It gives mu up and takes it again.
func (t *Terminal) makeRoom(n int) {
	t.mu.Unlock()
	t.painting.Lock()
	defer t.painting.Unlock()
	t.mu.Lock()
	for t.fed < t.log.end && t.log.end+uint64(n)-t.fed > uint64(t.log.max/4*3) {
		if !t.skipLocked() {
			t.feedPieceLocked()
		}
	}
}

// feed has the screen take all the output there is when it is called, and tells how often
// the size has changed until then. painting is held.
func (t *Terminal) feed() (resizes uint64) {
	t.noteSize()
	t.mu.Lock()
	defer t.mu.Unlock()
	resizes = t.resizes
	for end := t.log.end; t.fed < end || t.resizeDueLocked(); {
		t.feedPieceLocked()
		t.mu.Unlock() // let readers pass
		t.mu.Lock()
	}
	if t.screen == nil {
		t.feedPieceLocked() // a blank one
	}
	return resizes
}

// resizeDueLocked tells whether the screen is not of the size that it should be.
func (t *Terminal) resizeDueLocked() bool {
	return t.screen != nil && len(t.sizes) > 0 && t.sizes[0].at <= t.fed
}

// feedPieceLocked has the screen take the next piece of output. painting and mu are held.
func (t *Terminal) feedPieceLocked() {
	t.readyScreenLocked()
	if t.fed == t.log.end {
		return
	}
	p := t.log.piece(t.fed)
	p = p[:min(len(p), feedPiece)]
	if len(t.sizes) > 0 {
		p = p[:min(uint64(len(p)), t.sizes[0].at-t.fed)]
	}
	_, _ = t.screen.Write(p) // never fails
	t.fed += uint64(len(p))
}

// paint paints a window of so many rows and columns, which shows from if it is framed.
// What was painted no longer ago than age will do, if it has all the output before least.
func (t *Terminal) paint(rows, cols uint16, framed bool, from *screen.Frame, age time.Duration, least uint64) painted {
	t.painting.Lock()
	defer t.painting.Unlock()
	if p := t.lately(rows, cols, framed, from, age, least); p != nil {
		return *p
	}
	resizes := t.feed()
	p := painted{rows: rows, cols: cols, framed: framed, from: from, at: t.fed, resizes: resizes, when: time.Now()}
	if framed {
		p.paint, p.to = t.screen.Frame(from, int(rows), int(cols))
	} else {
		p.paint = t.screen.Repaint(int(rows), int(cols), false)
	}
	if t.watching.Load() > 1 {
		if len(t.painted) == paintedKept {
			t.painted = append(t.painted[:0], t.painted[1:]...)
		}
		t.painted = append(t.painted, p)
	}
	return p
}

// paintAll paints a window as paint does, and what has scrolled off the screen before.
func (t *Terminal) paintAll(rows, cols uint16, framed bool) painted {
	t.painting.Lock()
	defer t.painting.Unlock()
	resizes := t.feed()
	p := painted{at: t.fed, resizes: resizes, paint: t.screen.Repaint(int(rows), int(cols), true)}
	if framed {
		_, p.to = t.screen.Frame(nil, int(rows), int(cols))
	}
	return p
}

// lately finds what was painted and is good enough. painting is held.
func (t *Terminal) lately(rows, cols uint16, framed bool, from *screen.Frame, age time.Duration, least uint64) *painted {
	for i := len(t.painted) - 1; i >= 0; i-- {
		p := &t.painted[i]
		if p.rows != rows || p.cols != cols || p.framed != framed || p.from != from {
			continue
		}
		t.mu.Lock()
		good := p.resizes == t.resizes && (p.at == t.log.end || p.at >= least && time.Since(p.when) < age)
		t.mu.Unlock()
		if good {
			return p
		}
		t.painted = append(t.painted[:i], t.painted[i+1:]...)
	}
	return nil
}

// Snapshot is what is on the screen now.
func (t *Terminal) Snapshot() screen.Snapshot {
	t.painting.Lock()
	defer t.painting.Unlock()
	t.feed()
	return t.screen.Snapshot()
}

// History is the text of the lines that have left the screen at its top, oldest first.
func (t *Terminal) History() []string {
	t.painting.Lock()
	defer t.painting.Unlock()
	t.feed()
	return t.screen.History()
}

// Text is the text on the screen, a line each.
func (t *Terminal) Text() string {
	t.painting.Lock()
	defer t.painting.Unlock()
	t.feed()
	return t.screen.Text()
}

// Repaint is what paints the screen on a terminal of so many rows and columns, with
// what has scrolled off it if history is asked for.
func (t *Terminal) Repaint(rows, cols uint16, history bool) []byte {
	t.painting.Lock()
	defer t.painting.Unlock()
	t.feed()
	return t.screen.Repaint(int(rows), int(cols), history)
}

// Title is the terminal's title as its programs set it.
func (t *Terminal) Title() string {
	t.painting.Lock()
	defer t.painting.Unlock()
	if t.titleDue() {
		t.feed()
	}
	if t.screen != nil {
		t.title = t.screen.Title()
	}
	return t.title
}

// titleDue tells whether output that the screen has not taken may set the title: most
// does not, and then it is not taken for that.
func (t *Terminal) titleDue() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at := t.fed; at < t.log.end; {
		p := t.log.piece(at)
		if bytes.Contains(p, []byte("\x1b]")) || p[len(p)-1] == '\x1b' {
			return true
		}
		at += uint64(len(p))
	}
	return false
}

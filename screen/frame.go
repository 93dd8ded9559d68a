package screen

import (
	"bytes"
	"hash/maphash"
)

// Frame is what a viewer's terminal was painted with: what Screen.Frame goes on from. It is
// never changed, so that all viewers of one size that were painted with the same may share
// it and what leads to the next. It holds 8 bytes a line.
type Frame struct {
	rows, cols int // of the viewer
	ox, oy     int // what of the screen is at its top left
	alternate  bool
	lines      []uint64 // what paints each, hashed
	title      uint64   // likewise
	input      uint64   // likewise: what keys and the mouse send, and how the cursor looks
	x, y       int      // the cursor
	visible    bool
}

var frameSeed = maphash.MakeSeed()

// Frame returns what takes a viewer's terminal of rows and columns of its own from what prev
// says that it shows to what the screen shows now, and what to call with the next time. When
// prev is nil or of another size, anything may be shown there. When nothing has changed there
// is nothing to write, and prev is returned.
//
// A terminal that is larger shows the screen at its top left, in a frame of lines. One that
// is smaller shows a part, which moves only when a visible cursor would leave it; wide
// characters that the edge would cut are blank, and no mark says that it is a part. Frames
// also carry title, the cursor's shape and the modes that change what keys and the mouse
// send. They leave the mouse off while the part is not at the top left, since its reports
// would tell wrong places, and reports of the size. Nothing else is as the program set it:
// there are no margins, styles and the like are reset, so that no output may follow, but
// only Frames or a Repaint.
//
// Only lines that changed are written, none is cleared before, the cursor is hidden
// meanwhile, and it is all one synchronized update, for terminals that know those.
func (s *Screen) Frame(prev *Frame, rows, cols int) ([]byte, *Frame) {
	rows, cols = clip(rows, cols)
	if prev != nil && (prev.rows != rows || prev.cols != cols || prev.alternate != (s.g == &s.alt)) {
		prev = nil
	}
	w := window{s: s, rows: rows, cols: cols}
	f := w.paint(prev)
	if len(w.buf) < cap(w.buf)/2 { // all lines were painted in it, and it may wait in a queue
		return bytes.Clone(w.buf), f
	}
	return w.buf, f
}

const (
	// intro begins a synchronized update, which outro ends.
	intro = "\x1b[?2026h\x1b[?25l"
	outro = "\x1b[?2026l"

	noWrap   = "\x1b[?7l"
	autoWrap = "\x1b[?7h"
)

// paint appends what changes since prev.
func (w *window) paint(prev *Frame) *Frame {
	s := w.s
	w.look(prev)
	f := &Frame{rows: w.rows, cols: w.cols, ox: w.ox, oy: w.oy, alternate: s.g == &s.alt, lines: make([]uint64, w.rows)}
	f.x, f.y = min(max(s.x-w.ox, 0), w.cols-1), min(max(s.y-w.oy, 0), w.rows-1)
	f.visible = s.modes&showCursor != 0

	first := len(w.buf)
	w.add(intro)
	var old Frame
	if prev == nil {
		w.begin(f.alternate)
	} else {
		old = *prev
	}
	w.lines(f.lines, old.lines)
	at := len(w.buf)
	w.title(s.title, s.icon)
	f.title = w.changed(at, old.title, prev != nil)
	at = len(w.buf)
	w.input()
	f.input = w.changed(at, old.input, prev != nil)

	if prev != nil && len(w.buf) == first+len(intro) {
		w.buf = w.buf[:first]
		return w.cursorAlone(prev, f)
	}
	w.seq("H", f.y+1, f.x+1)
	if f.visible {
		w.add("\x1b[?25h")
	}
	w.add(outro)
	return f
}

// lines paints the lines whose hashes are not the old ones, all when there are none. What a
// viewer takes for wider than it is must not wrap.
func (w *window) lines(hashes, old []uint64) {
	first := len(w.buf)
	w.add(noWrap)
	start := len(w.buf)
	for y := range hashes {
		at := len(w.buf)
		w.line(y)
		if old == nil {
			hashes[y] = w.changed(at, 0, false)
		} else {
			hashes[y] = w.changed(at, old[y], true)
		}
	}
	if len(w.buf) == start {
		w.buf = w.buf[:first]
		return
	}
	w.add(autoWrap)
}

// changed hashes what was appended from at on, and takes it away when old is known and the
// same.
func (w *window) changed(at int, old uint64, known bool) uint64 {
	h := maphash.Bytes(frameSeed, w.buf[at:])
	if known && old == h {
		w.buf = w.buf[:at]
	}
	return h
}

// cursorAlone is a Frame in which nothing changed but, perhaps, the cursor.
func (w *window) cursorAlone(prev, f *Frame) *Frame {
	if f.x == prev.x && f.y == prev.y && f.visible == prev.visible {
		if f.ox == prev.ox && f.oy == prev.oy {
			return prev
		}
		return f // another part, which looks the same
	}
	w.seq("H", f.y+1, f.x+1)
	switch {
	case f.visible && !prev.visible:
		w.add("\x1b[?25h")
	case !f.visible && prev.visible:
		w.add("\x1b[?25l")
	}
	return f
}

package screen

import (
	"slices"
	"unicode/utf8"
)

// window paints the screen, or the part of it that fits, on a terminal of any size.
type window struct {
	painter
	s          *Screen
	rows, cols int // of the viewer
	ox, oy     int // what of the screen is at the viewer's top left
}

// begin makes a terminal of which nothing is known ready. It is not cleared, since every
// line of it is painted. On the way to the alternate screen the cursor of the main one stays
// where it is: there whoever leaves goes on.
func (w *window) begin(alternate bool) {
	if alternate {
		w.add("\x1b7" + canonical + "\x1b8\x1b[?1049h")
	} else {
		w.add(canonical)
		w.add("\x1b[?1049l")
	}
	w.add(canonical) // what leaving the alternate screen brings back
}

// history prints the scrollback and scrolls it out at the top, where the cursor is then.
func (w *window) history() {
	w.add(prelude + "\x1b[2J")
	lines, _ := w.scrollback(&w.s.history, w.cols)
	w.add("\r\n")
	w.seq("H", w.rows, 1)
	for range min(lines, w.rows-1) {
		w.add("\n")
	}
	w.add("\x1b[H")
}

// look chooses the part that a smaller viewer sees: what it saw before, as long as the
// cursor is in it or nobody sees the cursor. Up and down it moves no farther than it must,
// to the sides by half of it, since every line changes then.
func (w *window) look(prev *Frame) {
	s := w.s
	if prev != nil {
		w.ox, w.oy = min(prev.ox, max(0, s.cols-w.cols)), min(prev.oy, max(0, s.rows-w.rows))
		if s.modes&showCursor == 0 {
			return
		}
	}
	if s.x < w.ox || s.x >= w.ox+w.cols {
		w.ox = min(max(0, s.x-w.cols/2), s.cols-w.cols)
	}
	w.oy = max(min(w.oy, s.y), s.y-w.rows+1)
}

// line paints a line of the viewer's.
func (w *window) line(at int) {
	s := w.s
	w.seq("H", at+1, 1)
	y, edge := w.oy+at, min(s.cols-w.ox, w.cols) // where the screen ends, or the viewer's
	switch {
	case y > s.rows:
		w.add("\x1b[K")
		return
	case y == s.rows:
		w.add("\x1b[K")
		w.border('q', edge)
		if edge < w.cols {
			w.border('j', 1)
		}
		return
	}
	w.places, w.column, w.drops = true, 1, true
	w.part(&s.g.rows[y], edge)
	w.places = false
	if edge < w.cols {
		w.seq("G", edge+1)
		w.border('x', 1)
	}
}

// border draws n times what c is in DEC's graphics. Those have one column everywhere, while
// the characters that they stand for have two on some terminals of East Asia.
func (w *window) border(c byte, n int) {
	w.setPen(&w.s.store, cell{attr: faint})
	w.add("\x1b(0")
	for range n {
		w.buf = append(w.buf, c)
	}
	w.add("\x1b(B")
	w.setPen(&w.s.store, cell{})
}

// part paints what is seen of a row, up to column edge of the viewer's, and erases what is
// behind it.
func (w *window) part(r *row, edge int) {
	store := &w.s.store
	n, fill := r.shape(store)
	n = min(max(n-w.ox, 0), edge)
	seen := w.seen(r, n)
	if n == w.cols { // once erased behind, the line no longer goes on in the next, if it did
		last := seen.lastCharacter(n)
		w.cells(store, &seen, 0, last)
		w.settle(&seen, last)
		w.add("\x1b[K")
		w.inLastColumn(&seen, last)
		w.setPen(store, cell{})
		return
	}
	w.cells(store, &seen, 0, n)
	w.settle(&seen, n)
	if n < edge && fill != 0 {
		w.setPen(store, cell{bg: fill})
		if edge == w.cols {
			w.add("\x1b[K")
			w.setPen(store, cell{})
			return
		}
		for range edge - n {
			w.add(" ")
		}
	}
	w.setPen(store, cell{})
	w.add("\x1b[K")
}

// inLastColumn paints the character that ends in the viewer's last column. While lines do not
// wrap, terminals add what combines to the column before when that has one column. They may
// wrap for it where all agree that it has one; otherwise it is left out.
func (w *window) inLastColumn(r *row, x int) {
	store := &w.s.store
	c := &r.cells[x]
	switch {
	case c.text&clusterBit == 0 || c.attr&wide != 0:
		w.cells(store, r, x, r.used)
	case uncertain(uint32(store.firstRune(*c))):
		w.setPen(store, c.pen())
		w.buf = utf8.AppendRune(w.buf, store.firstRune(*c))
	default:
		w.add(autoWrap)
		w.cells(store, r, x, r.used)
		w.add(noWrap)
	}
}

// seen is the part of a row of n columns that is seen, without the wide characters that its
// edges cut.
func (w *window) seen(r *row, n int) row {
	if n == 0 {
		return row{}
	}
	cells := r.cells[w.ox : w.ox+n]
	first, last := cells[0].attr&spacer != 0, cells[n-1].attr&wide != 0
	if first || last {
		cells = slices.Clone(cells)
	}
	if first {
		cells[0] = cells[0].pen()
	}
	if last {
		cells[n-1] = cells[n-1].pen()
	}
	return row{cells: cells, used: n}
}

// input sets what keys and the mouse send, and the cursor's shape.
func (w *window) input() {
	s := w.s
	w.otherKeys(s.otherKeys)
	flags := uint8(0)
	if n := len(s.g.kitty); n > 0 {
		flags = s.g.kitty[n-1]
	}
	w.add("\x1b[=")
	w.num(int(flags))
	w.add("u")
	mouse := s.mouse
	if w.ox > 0 || w.oy > 0 {
		mouse = 0
	}
	w.switches(s, s.modes&^sizeReports, mouse)
	if s.modes&newline != 0 {
		w.add("\x1b[20h")
	} else {
		w.add("\x1b[20l")
	}
}

package screen

import "slices"

// Repaint returns what paints, on a terminal of so many rows and columns, what this one
// shows: both screens, the cursor, the saved cursors, title and modes, and with history the
// scrollback above, oldest first. The terminal need not be fresh: everything that is kept
// here is set or reset, but its scrollback, its tab stops when the program never changed
// them, and keyboard modes that it has and the program has not.
//
// On a terminal of the same size the output that comes after continues exactly: it may
// begin in the middle of a sequence. On another it may not, since programs count on the
// size; such a viewer is best given a new Repaint in place of output. One that is smaller
// gets the part around the cursor, one that is larger the whole at its top left.
func (s *Screen) Repaint(rows, cols int, history bool) []byte {
	rows, cols = clip(rows, cols)
	v := view{s: s, rows: rows, cols: cols, same: rows == s.rows && cols == s.cols}
	v.add(prelude)
	main := s.g == &s.main
	if history && s.history.lines > 0 {
		v.history()
	}
	if main {
		v.look(s.x, s.y)
		v.grid(&s.main)
		v.savedCursor(&s.main)
	} else {
		v.look(s.main.saved.x, s.main.saved.y)
		v.grid(&s.main)
		v.cursor(s.main.saved, &s.main)
		v.keyboard(&s.main)
		v.add("\x1b[?1049h")
		v.plain()
		v.add("\x1b[H\x1b[2J") // that was cleared in the colour of the saved cursor
		v.look(s.x, s.y)
		v.grid(&s.alt)
		v.savedCursor(&s.alt)
	}
	v.keyboard(s.g)
	v.titles()
	v.tabStops()
	v.switches()
	v.margins()
	v.place()
	return s.parser.resume(v.buf)
}

const (
	// prelude makes a terminal ready to be painted; it starts a synchronized update, which
	// the end of Repaint ends.
	prelude = "\x1b[?2026h\x1b[?25l\x1b[?1049l\x1b[?69l\x1b[r\x1b[?6l\x1b[4l\x1b[20l\x1b[?7h\x1b]8;;\x1b\\" +
		plainPen + "\x1b[H\x1b[2J"
	plainPen = "\x1b[m\x1b(B\x1b)B\x1b*B\x1b+B\x0f"
)

// view is a Repaint being made.
type view struct {
	painter
	s          *Screen
	rows, cols int  // of the viewer
	same       bool // size
	flowed     bool // the history ends in a line that goes on in the first row
	scrolled   bool // the history lies above the cursor, which is in the first row to paint
	ox, oy     int  // what of the screen is at the viewer's top left
}

// plain resets what cursor has set.
func (v *view) plain() {
	v.add("\x1b[?6l" + plainPen)
	if v.link != 0 {
		v.hyperlink(link{})
	}
	v.pen, v.link = cell{}, 0
}

// look chooses the part that a smaller viewer sees: with the cursor in it.
func (v *view) look(x, y int) {
	v.ox, v.oy = max(0, x-v.cols+1), max(0, y-v.rows+1)
}

// history prints the scrollback. On a terminal of the same size the screen's lines are then
// printed below and push it out; on another it is scrolled out here.
func (v *view) history() {
	lines, flowing := 0, false
	v.s.history.each(func(line []byte, columns int, wrapped bool) {
		if lines > 0 && !(flowing && columns > 0) {
			v.add("\r\n")
		}
		v.buf = append(v.buf, line...)
		lines += max(1, (columns+v.cols-1)/v.cols)
		flowing = wrapped && columns == v.cols
	})
	if v.same {
		v.flowed, v.scrolled = flowing, true
		return
	}
	v.add("\r\n")
	v.seq("H", v.rows, 1)
	for range min(lines, v.rows-1) {
		v.add("\n")
	}
	v.add("\x1b[H\x1b[2J")
}

// grid paints the lines of a screen.
func (v *view) grid(g *grid) {
	if v.same {
		v.flow(g)
		return
	}
	v.add("\x1b[?7l")
	for y := v.oy; y < min(v.s.rows, v.oy+v.rows); y++ {
		v.clipped(&g.rows[y], y-v.oy)
	}
	v.add("\x1b[?7h")
}

// flow prints the lines one after the other, so that lines that go on in the next do so at
// the viewer's too, and a history goes out at the top.
func (v *view) flow(g *grid) {
	store := &v.s.store
	v.column = 1
	for y := range g.rows {
		r := &g.rows[y]
		flowed := false
		switch {
		case y > 0:
			flowed = store.flows(&g.rows[y-1], r)
		case v.scrolled:
			flowed = v.flowed && r.trimmed(store) > 0
		}
		if !flowed && (y > 0 || v.scrolled) {
			v.add("\r\n")
		}
		v.row(store, r, v.s.cols, flowed, y+1 < len(g.rows) && store.flows(r, &g.rows[y+1]))
	}
	v.column, v.scrolled = 0, false
}

// clipped paints what a viewer of another size sees of a line.
func (v *view) clipped(r *row, at int) {
	store := &v.s.store
	n, fill := r.shape(store)
	n = min(n, v.ox+v.cols)
	if n <= v.ox && fill == 0 {
		return
	}
	v.seq("H", at+1, 1)
	for x := v.ox; x < n; x++ {
		c := r.at(x)
		torn := c.attr&wide != 0 && x == v.ox+v.cols-1 || c.attr&spacer != 0 && x == v.ox
		if torn {
			v.setPen(store, c.pen())
			v.add(" ")
			continue
		}
		v.cells(store, r, x, x+1)
		if uncertain(c.text) {
			v.seq("G", x-v.ox+1+1+int(c.attr&wide)/int(wide))
		}
	}
	if fill != 0 && n < v.ox+v.cols {
		v.setPen(store, cell{bg: fill})
		v.add("\x1b[K")
	}
	v.setPen(store, cell{})
}

// savedCursor sets what DECRC brings back.
func (v *view) savedCursor(g *grid) {
	v.cursor(g.saved, g)
	v.add("\x1b7")
	v.plain()
}

// cursor makes the terminal's cursor what a saved one is, while there are no margins.
func (v *view) cursor(c cursor, g *grid) {
	if c.origin {
		v.add("\x1b[?6h")
	}
	v.put(c.x, c.y, c.pending, g, 0, 0)
	v.setPen(&v.s.store, c.pen)
	v.designations(c.charsets)
}

// put moves the cursor to x, y, addressed from ox, oy. One that waits to wrap is made to by
// printing the character there again.
func (v *view) put(x, y int, pending bool, g *grid, ox, oy int) {
	r := &g.rows[y]
	if pending && v.same {
		if r.at(x).attr&spacer != 0 {
			x--
		}
		v.seq("H", y-oy+1, x-ox+1)
		r.reach(x+1, v.s.cols)
		c := r.cells[x]
		if c.plain(&v.s.store).text == 0 {
			c.text = ' '
		}
		v.setPen(&v.s.store, c.pen())
		v.buf = v.s.store.appendText(v.buf, c)
		return
	}
	x = min(max(x-v.ox, 0), v.cols-1)
	y = min(max(y-v.oy, 0), v.rows-1)
	v.seq("H", max(y-oy, 0)+1, max(x-ox, 0)+1)
}

func (v *view) designations(c charsets) {
	for i, set := range c.sets {
		if set != 0 {
			v.buf = append(v.buf, 0x1B, "()*+"[i], set)
		}
	}
	switch c.gl {
	case 1:
		v.add("\x0e")
	case 2:
		v.add("\x1bn")
	case 3:
		v.add("\x1bo")
	}
	switch c.single {
	case 2:
		v.add("\x1bN")
	case 3:
		v.add("\x1bO")
	}
}

// keyboard sets what keys send: modifyOtherKeys and kitty's stack.
func (v *view) keyboard(g *grid) {
	v.add("\x1b[>4;")
	v.num(int(v.s.otherKeys))
	v.add("m")
	for _, flags := range g.kitty {
		v.add("\x1b[>")
		v.num(int(flags))
		v.add("u")
	}
}

func (v *view) titles() {
	for _, t := range v.s.titles {
		v.title(t.title, t.icon)
		v.add("\x1b[22;0t")
	}
	v.title(v.s.title, v.s.icon)
}

func (v *view) title(title, icon string) {
	if title == icon {
		v.add("\x1b]0;" + title + "\x1b\\")
		return
	}
	v.add("\x1b]1;" + icon + "\x1b\\\x1b]2;" + title + "\x1b\\")
}

func (v *view) tabStops() {
	if v.s.tabs == nil {
		return
	}
	v.add("\x1b[3g")
	for x, set := range v.s.tabs {
		if set && x >= v.ox && x-v.ox < v.cols {
			v.seq("G", x-v.ox+1)
			v.add("\x1bH")
		}
	}
}

// switches sets and resets the modes that do not disturb what follows.
func (v *view) switches() {
	var off, on []int
	for _, m := range modeTable {
		switch {
		case m.special:
		case v.s.modes&m.mode != 0:
			on = append(on, m.number)
		default:
			off = append(off, m.number)
		}
	}
	off = append(off, mouseModes...)
	off = append(off, mouseEncodings...)
	for _, n := range []int{int(v.s.mouse), int(v.s.encoding)} {
		if n != 0 {
			on = append(on, n)
		}
	}
	v.private(off, "l")
	v.private(on, "h")
	v.seq(" q", int(v.s.shape))
}

// private sets or resets modes, few at a time: tmux leaves out a sequence with more than 64
// bytes of parameters, the console of Linux what is behind 16 of them.
func (v *view) private(modes []int, end string) {
	for some := range slices.Chunk(modes, 8) {
		v.add("\x1b[?")
		for i, n := range some {
			if i > 0 {
				v.add(";")
			}
			v.num(n)
		}
		v.add(end)
	}
}

// margins sets the margins of the part that the viewer sees. On a larger terminal the
// screen's own edge at the bottom is one.
func (v *view) margins() {
	s := v.s
	top, bottom := max(0, s.top-v.oy), min(s.bottom-v.oy, v.rows-1)
	if top < bottom && (top > 0 || bottom < v.rows-1) {
		v.seq("r", top+1, bottom+1)
	}
	if s.modes&leftRight == 0 {
		return
	}
	v.add("\x1b[?69h")
	left, right := max(0, s.left-v.ox), min(s.right-v.ox, v.cols-1)
	if left < right && (left > 0 || right < v.cols-1) {
		v.seq("s", left+1, right+1)
	}
}

// place puts the cursor where it is and sets what had to wait for that.
func (v *view) place() {
	s := v.s
	ox, oy := s.origin()
	if s.modes&originMode != 0 {
		v.add("\x1b[?6h")
		ox, oy = max(0, ox-v.ox), max(0, oy-v.oy)
	}
	v.put(s.x, s.y, s.pending, s.g, ox, oy)
	v.setPen(&s.store, s.pen.pen())
	v.designations(s.charsets)
	for _, m := range modeTable {
		if !m.special || m.mode == originMode || m.mode == leftRight {
			continue
		}
		on := s.modes&m.mode != 0
		if on == (defaultModes&m.mode != 0) && m.mode != showCursor {
			continue
		}
		v.add("\x1b[")
		if !m.ansi {
			v.add("?")
		}
		v.num(m.number)
		if on {
			v.add("h")
		} else {
			v.add("l")
		}
	}
	v.add("\x1b[?2026l")
}

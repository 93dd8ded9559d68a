package screen

import "slices"

// Repaint returns what paints, on a terminal of so many rows and columns, what this one
// shows: both screens, the cursor, the saved cursors, title and modes, and with history the
// scrollback above, oldest first. The terminal need not be fresh: everything that is kept
// here is set or reset, but its scrollback, its tab stops when the program never changed
// them, and keyboard modes that it has and the program has not. Lines are painted over what
// is there, without clearing it first: only with history it is. While the alternate screen is
// shown, the main one is seen for a moment on terminals without synchronized updates.
//
// On a terminal of the same size the output that comes after continues exactly: it may
// begin in the middle of a sequence. On another it may not, since programs count on the
// size. Such a viewer is painted as Frame does, behind the history, and gets Frames from
// then on: the one to go on from is what Frame returns for nil.
func (s *Screen) Repaint(rows, cols int, history bool) []byte {
	rows, cols = clip(rows, cols)
	history = history && s.history.lines > 0
	if rows != s.rows || cols != s.cols {
		w := window{s: s, rows: rows, cols: cols}
		if history {
			w.history()
		}
		w.paint(nil)
		return w.buf
	}
	v := view{s: s}
	v.add(prelude)
	if history {
		v.add("\x1b[2J")
		_, v.flowed = v.scrollback(&s.history, cols)
		v.scrolled = true
	} else {
		v.erases = true
	}
	if s.g == &s.main {
		v.flow(&s.main)
		v.savedCursor(&s.main)
	} else {
		v.flow(&s.main)
		v.cursor(s.main.saved, &s.main)
		v.keyboard(&s.main)
		v.add("\x1b[?1049h") // that clears in the colour of the saved cursor
		v.plain()
		v.add("\x1b[H")
		v.erases = true
		v.flow(&s.alt)
		v.savedCursor(&s.alt)
	}
	v.keyboard(s.g)
	v.titles()
	v.tabStops()
	v.switches(s, s.modes, s.mouse)
	v.margins()
	v.place()
	return s.parser.resume(v.buf)
}

const (
	// prelude makes a terminal ready to be painted; it starts a synchronized update, which
	// the end of Repaint ends.
	prelude = "\x1b[?2026h\x1b[?25l\x1b[?1049l" + canonical + "\x1b[?7h\x1b[H"
	// canonical takes margins, origin and insert mode, and all of the pen away.
	canonical = "\x1b[?69l\x1b[r\x1b[?6l\x1b[4l\x1b[20l\x1b]8;;\x1b\\" + plainPen
	plainPen  = "\x1b[m\x1b(B\x1b)B\x1b*B\x1b+B\x0f"
)

// view is a Repaint being made for a terminal of the same size.
type view struct {
	painter
	s        *Screen
	flowed   bool // the history ends in a line that goes on in the first row
	scrolled bool // the history lies above the cursor, which is in the first row to paint
}

// plain resets what cursor has set.
func (v *view) plain() {
	v.add("\x1b[?6l" + plainPen)
	if v.link != 0 {
		v.hyperlink(link{})
	}
	v.pen, v.link = cell{}, 0
}

// scrollback prints the history from the top left of a terminal of so many columns. It
// returns how many lines that takes at least, and whether the last goes on in the next.
func (p *painter) scrollback(h *history, cols int) (lines int, flowing bool) {
	h.each(func(line []byte, columns int, wrapped bool) {
		if lines > 0 && !(flowing && columns > 0) {
			p.add("\r\n")
		}
		p.buf = append(p.buf, line...)
		lines += max(1, (columns+cols-1)/cols)
		flowing = wrapped && columns == cols
	})
	return lines, flowing
}

// flow prints the lines of a screen one after the other, so that lines that go on in the
// next do so at the viewer's too, and a history goes out at the top.
func (v *view) flow(g *grid) {
	store := &v.s.store
	v.places, v.column = true, 1
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
	v.places, v.scrolled = false, false
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
	if pending {
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
	v.otherKeys(v.s.otherKeys)
	for _, flags := range g.kitty {
		v.add("\x1b[>")
		v.num(int(flags))
		v.add("u")
	}
}

func (p *painter) otherKeys(n uint8) {
	p.add("\x1b[>4;")
	p.num(int(n))
	p.add("m")
}

func (v *view) titles() {
	for _, t := range v.s.titles {
		v.title(t.title, t.icon)
		v.add("\x1b[22;0t")
	}
	v.title(v.s.title, v.s.icon)
}

func (p *painter) title(title, icon string) {
	if title == icon {
		p.add("\x1b]0;" + title + "\x1b\\")
		return
	}
	p.add("\x1b]1;" + icon + "\x1b\\\x1b]2;" + title + "\x1b\\")
}

func (v *view) tabStops() {
	if v.s.tabs == nil {
		return
	}
	v.add("\x1b[3g")
	for x, set := range v.s.tabs {
		if set {
			v.seq("G", x+1)
			v.add("\x1bH")
		}
	}
}

// switches sets and resets the modes that do not disturb what follows.
func (p *painter) switches(s *Screen, modes modes, mouse uint16) {
	var off, on []int
	for _, m := range modeTable {
		switch {
		case m.special:
		case modes&m.mode != 0:
			on = append(on, m.number)
		default:
			off = append(off, m.number)
		}
	}
	off = append(off, mouseModes...)
	off = append(off, mouseEncodings...)
	for _, n := range []int{int(mouse), int(s.encoding)} {
		if n != 0 {
			on = append(on, n)
		}
	}
	p.private(off, "l")
	p.private(on, "h")
	p.seq(" q", int(s.shape))
}

// private sets or resets modes, few at a time: tmux leaves out a sequence with more than 64
// bytes of parameters, the console of Linux what is behind 16 of them.
func (p *painter) private(modes []int, end string) {
	for some := range slices.Chunk(modes, 8) {
		p.add("\x1b[?")
		for i, n := range some {
			if i > 0 {
				p.add(";")
			}
			p.num(n)
		}
		p.add(end)
	}
}

// margins sets the margins.
func (v *view) margins() {
	s := v.s
	if s.top > 0 || s.bottom < s.rows-1 {
		v.seq("r", s.top+1, s.bottom+1)
	}
	if s.modes&leftRight == 0 {
		return
	}
	v.add("\x1b[?69h")
	if s.left > 0 || s.right < s.cols-1 {
		v.seq("s", s.left+1, s.right+1)
	}
}

// place puts the cursor where it is and sets what had to wait for that.
func (v *view) place() {
	s := v.s
	ox, oy := s.origin()
	if s.modes&originMode != 0 {
		v.add("\x1b[?6h")
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

package screen

// moveTo puts the cursor to a place, clipped to the screen.
func (s *Screen) moveTo(x, y int) {
	s.x, s.y = min(max(x, 0), s.cols-1), min(max(y, 0), s.rows-1)
	s.pending = false
}

// home is the top left, of the margins in origin mode.
func (s *Screen) home() { s.address(0, 0) }

// address moves the cursor as CUP does, from the margins' corner and inside them in origin
// mode.
func (s *Screen) address(x, y int) {
	if s.modes&originMode == 0 {
		s.moveTo(x, y)
		return
	}
	s.moveTo(min(s.left+x, s.right), min(s.top+y, s.bottom))
}

// origin is what an address counts from.
func (s *Screen) origin() (x, y int) {
	if s.modes&originMode == 0 {
		return 0, 0
	}
	return s.left, s.top
}

// up and down stop at the margin when they start inside.
func (s *Screen) up(n int) {
	edge := 0
	if s.y >= s.top {
		edge = s.top
	}
	s.moveTo(s.x, max(s.y-n, edge))
}

func (s *Screen) down(n int) {
	edge := s.rows - 1
	if s.y <= s.bottom {
		edge = s.bottom
	}
	s.moveTo(s.x, min(s.y+n, edge))
}

// sequences are what CSI does, by prefix, intermediate and final byte.
func (s *Screen) csi() {
	p := &s.parser
	switch {
	case p.ninter == 1:
		s.csiIntermediate(p.inter[0])
		return
	case p.ninter > 1:
		return
	case p.prefix != 0:
		s.csiPrefixed()
		return
	}
	if p.final != 'm' && p.final != 'b' && p.final != 'h' && p.final != 'l' {
		s.last = 0
	}
	switch p.final {
	case 'm':
		s.sgr()
	case 'h', 'l':
		s.setModes(p.final == 'h')
	case 'b':
		s.repeat(p.param(0, 1))
	case 's':
		if s.modes&leftRight != 0 {
			s.columnMargins()
		} else {
			s.save()
		}
	case 'u':
		s.restore()
	case 't':
		s.window()
	case 'r':
		s.margins()
	case 'n', 'c', 'x', 'q':
	default:
		if !s.move(p.final, p.param(0, 1)) {
			s.edit(p.final, p.param(0, 1))
		}
	}
}

// move are the sequences that move the cursor and change nothing.
func (s *Screen) move(final byte, n int) bool {
	ox, oy := s.origin()
	switch final {
	case 'A':
		s.up(n)
	case 'B', 'e':
		s.down(n)
	case 'C', 'a':
		s.moveTo(min(s.x+n, s.limit()), s.y)
	case 'D':
		s.back(n)
	case 'E':
		s.down(n)
		s.x = s.lineStart()
	case 'F':
		s.up(n)
		s.x = s.lineStart()
	case 'G', '`':
		s.address(n-1, s.y-oy)
	case 'H', 'f':
		s.address(s.parser.param(1, 1)-1, n-1)
	case 'd':
		s.address(s.x-ox, n-1)
	case 'I':
		s.tab(n)
	case 'Z':
		s.tab(-n)
	default:
		return false
	}
	return true
}

// edit are the sequences that change what is on the screen. A cursor that waits to wrap is
// behind the last column for those that start at the cursor, and goes on waiting; so it is in
// tmux and in xterm.js, while xterm takes the last character.
func (s *Screen) edit(final byte, n int) {
	inside := s.y >= s.top && s.y <= s.bottom && s.x >= s.left && s.x <= s.right
	switch final {
	case 'J':
		s.eraseDisplay(s.parser.param(0, 0))
		return
	case 'K':
		s.eraseLine(s.parser.param(0, 0))
		return
	case 'X', '@', 'P':
		if !s.pending {
			s.editLine(final, n)
		}
		return
	case 'L', 'M':
		if inside {
			if final == 'L' {
				n = -n
			}
			s.scrollRegion(s.y, s.bottom, s.left, s.right, n)
			s.x = s.lineStart()
		}
	case 'S':
		s.scrollUp(n)
	case 'T', '^':
		if s.parser.count() <= 1 { // with more it is mouse tracking of old
			s.scrollRegion(s.top, s.bottom, s.left, s.right, -n)
		}
	case 'g':
		s.clearTabs(s.parser.param(0, 0))
	default:
		return
	}
	s.pending = false
}

// editLine are ECH, ICH and DCH.
func (s *Screen) editLine(final byte, n int) {
	r, bg := &s.g.rows[s.y], s.pen.bg
	switch {
	case final == 'X':
		r.erase(s.x, min(s.x+n, s.cols), s.cols, bg)
	case s.x < s.left || s.x > s.right:
	case final == '@':
		r.insert(s.x, s.right+1, n, s.cols, bg)
	default:
		r.remove(s.x, s.right+1, n, s.cols, bg)
	}
}

func (s *Screen) clearTabs(what int) {
	s.ownTabs()
	switch what {
	case 0:
		s.tabs[s.x] = false
	case 3:
		clear(s.tabs)
	}
}

// eraseRows blanks whole lines.
func (s *Screen) eraseRows(from, to int) {
	for y := from; y < to; y++ {
		s.g.rows[y].erase(0, s.cols, s.cols, s.pen.bg)
	}
}

func (s *Screen) eraseDisplay(what int) {
	switch what {
	case 0:
		s.eraseLine(0)
		s.eraseRows(s.y+1, s.rows)
	case 1:
		s.eraseLine(1)
		s.eraseRows(0, s.y)
	case 2:
		s.eraseRows(0, s.rows)
	case 3:
		s.history.clear()
	}
}

func (s *Screen) eraseLine(what int) {
	from, to := 0, s.cols
	switch what {
	case 0:
		if from = s.x; s.pending {
			from = s.cols
		}
	case 1:
		to = s.x + 1
	case 2:
	default:
		return
	}
	s.g.rows[s.y].erase(from, to, s.cols, s.pen.bg)
}

// repeat is REP, for at most as many as a line has columns.
func (s *Screen) repeat(n int) {
	r := s.last
	if r == 0 {
		return
	}
	for range min(n, s.cols) {
		s.joinable = false
		s.print(r)
	}
}

// margins is DECSTBM.
func (s *Screen) margins() {
	top, bottom := s.parser.param(0, 1)-1, min(s.parser.param(1, s.rows), s.rows)-1
	if top < bottom || s.rows == 1 {
		s.top, s.bottom = min(top, bottom), bottom
		s.home()
	}
}

// columnMargins is DECSLRM.
func (s *Screen) columnMargins() {
	left, right := s.parser.param(0, 1)-1, min(s.parser.param(1, s.cols), s.cols)-1
	if left < right {
		s.left, s.right = left, right
		s.home()
	}
}

// csiIntermediate are the sequences with an intermediate.
func (s *Screen) csiIntermediate(inter byte) {
	p := &s.parser
	switch {
	case p.prefix != 0:
	case inter == ' ' && p.final == 'q':
		if n := p.param(0, 0); n <= 6 {
			s.shape = uint8(n)
		}
	case inter == '!' && p.final == 'p':
		s.softReset()
	case inter == '\'' && (p.final == '}' || p.final == '~'): // DECIC, DECDC
		if s.y < s.top || s.y > s.bottom || s.x < s.left || s.x > s.right {
			return
		}
		for y := s.top; y <= s.bottom; y++ {
			r, n := &s.g.rows[y], p.param(0, 1)
			if p.final == '}' {
				r.insert(s.x, s.right+1, n, s.cols, s.pen.bg)
			} else {
				r.remove(s.x, s.right+1, n, s.cols, s.pen.bg)
			}
		}
		s.pending = false
	}
}

// csiPrefixed are the private sequences.
func (s *Screen) csiPrefixed() {
	p := &s.parser
	switch {
	case p.prefix == '?' && (p.final == 'h' || p.final == 'l'):
		s.setModes(p.final == 'h')
	case p.prefix == '?' && (p.final == 'J' || p.final == 'K'): // nothing is protected here
		s.edit(p.final, 1)
	case p.prefix == '?' && p.final == 's':
		s.savedModes = s.modes
	case p.prefix == '?' && p.final == 'r':
		s.restoreModes()
	case p.prefix == '>' && p.final == 'm' && p.param(0, 0) == 4:
		if n := p.param(1, 0); n <= 3 {
			s.otherKeys = uint8(n)
		}
	case p.final == 'u':
		s.kittyKeys()
	}
}

// restoreModes is XTRESTORE, for the modes that are switches.
func (s *Screen) restoreModes() {
	for i := range s.parser.count() {
		for _, m := range modeTable {
			if n := int(s.parser.params[i]); !m.ansi && m.number == n {
				s.setPrivate(n, s.savedModes&m.mode != 0)
			}
		}
	}
}

// maxKitty bounds the stack of keyboard modes of a screen.
const maxKitty = 8

// kittyKeys are the keyboard modes of kitty: a stack for each screen.
func (s *Screen) kittyKeys() {
	p, g := &s.parser, s.g
	flags := uint8(p.param(0, 0) & 0x1F)
	switch p.prefix {
	case '>':
		if len(g.kitty) == maxKitty {
			g.kitty = g.kitty[:copy(g.kitty, g.kitty[1:])]
		}
		g.kitty = append(g.kitty, flags)
	case '<':
		g.kitty = g.kitty[:max(0, len(g.kitty)-p.param(0, 1))]
	case '=':
		if len(g.kitty) == 0 {
			g.kitty = append(g.kitty, 0)
		}
		top := &g.kitty[len(g.kitty)-1]
		switch p.param(1, 1) {
		case 1:
			*top = flags
		case 2:
			*top |= flags
		case 3:
			*top &^= flags
		}
	}
}

package screen

import (
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// widths are the columns of characters, whatever the environment says of East Asia.
var widths = &runewidth.Condition{StrictEmojiNeutral: true}

// runeWidth is how many columns a character takes.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case r >= 0x1160 && r <= 0x11FF, r >= 0xD7B0 && r <= 0xD7FF:
		return 0 // Hangul vowels and finals, which join the syllable before
	case r == utf8.RuneError:
		return 1
	}
	return widths.RuneWidth(r)
}

// limit is the last column that the cursor may write to.
func (s *Screen) limit() int {
	if s.modes&leftRight != 0 && s.x <= s.right {
		return s.right
	}
	return s.cols - 1
}

// wrap goes to the next line for a character that does not fit in this one.
func (s *Screen) wrap() {
	s.g.rows[s.y].wrapped = s.modes&leftRight == 0
	s.x = 0
	if s.modes&leftRight != 0 {
		s.x = s.left
	}
	s.pending = false
	s.index()
}

// printASCII prints a run of characters from space to tilde.
func (s *Screen) printASCII(text []byte) {
	if s.charsets.translates() || s.modes&insertMode != 0 {
		for _, c := range text {
			s.print(s.charsets.rune(c))
		}
		return
	}
	s.joinable = true
	s.last = rune(text[len(text)-1])
	for len(text) > 0 {
		if s.pending {
			s.wrap()
		}
		end := s.limit() + 1
		n := min(len(text), end-s.x)
		r := &s.g.rows[s.y]
		r.split(s.x)
		r.split(s.x + n)
		if r.used < s.x || r.cells == nil {
			r.reach(s.x, s.cols)
			if r.cells == nil {
				r.cells = make([]cell, s.cols)
			}
		}
		fill(r.cells[s.x:s.x+n], text, s.pen)
		r.used = max(r.used, s.x+n)
		s.x += n
		text = text[n:]
		if s.x == end {
			s.x--
			s.pending = s.modes&autowrap != 0
			if !s.pending && len(text) > 0 {
				text = text[len(text)-1:] // the last one stays in the last column
			}
		}
	}
}

// put makes a cell what a pen prints. Five stores are much faster than copying a cell of which
// one field has just been written.
func (c *cell) put(text uint32, attr attr, pen *cell) {
	c.text, c.fg, c.bg, c.attr, c.extra = text, pen.fg, pen.bg, attr, pen.extra
}

// fill writes a character into each cell, as put does.
func fill(cells []cell, text []byte, pen cell) {
	fg, bg, attr, extra := pen.fg, pen.bg, pen.attr, pen.extra
	text = text[:len(cells)]
	for i := range cells {
		c := &cells[i]
		c.text, c.fg, c.bg, c.attr, c.extra = uint32(text[i]), fg, bg, attr, extra
	}
}

// print prints a character of any width.
func (s *Screen) print(r rune) {
	w := 1
	if r >= utf8.RuneSelf {
		if w = runeWidth(r); w == 0 || s.joinable {
			if s.join(r, w) {
				s.joinable = true
				return
			}
		}
	}
	if w > s.cols {
		return
	}
	s.joinable = true
	s.last = r
	if s.pending {
		s.wrap()
	}
	end := s.limit() + 1
	if s.x+w > end {
		if s.modes&autowrap != 0 {
			s.wrap()
			end = s.limit() + 1
		} else {
			s.x = end - w
		}
		if s.x < 0 || s.x+w > end {
			return // margins too narrow for it
		}
	}
	row := &s.g.rows[s.y]
	if s.modes&insertMode != 0 {
		row.insert(s.x, end, w, s.cols, s.pen.bg)
	}
	row.split(s.x)
	row.split(s.x + w)
	row.reach(s.x+w, s.cols)
	c, attr := &row.cells[s.x], s.pen.attr
	if w == 2 {
		row.cells[s.x+1].put(0, attr|spacer, &s.pen)
		attr |= wide
	}
	c.put(uint32(r), attr, &s.pen)
	s.x += w
	if s.x == end {
		s.x--
		s.pending = s.modes&autowrap != 0
	}
}

// join adds what has no width of its own to the character before the cursor: combining
// characters, a wide character behind a zero-width joiner, the second half of a flag. It
// says whether r is dealt with; what has no width and nothing to join is dropped.
func (s *Screen) join(r rune, w int) bool {
	x := s.x
	if !s.pending {
		x--
	}
	row := &s.g.rows[s.y]
	if x < 0 {
		return w == 0
	}
	if x >= row.used {
		if w > 0 {
			return false
		}
		row.reach(x+1, s.cols)
	}
	if row.cells[x].attr&spacer != 0 {
		x--
	}
	c := &row.cells[x]
	switch {
	case w == 0:
		s.combine(c, r)
		return true
	case w == 2 && c.text&clusterBit != 0 && s.store.lastRune(*c) == zeroWidthJoiner:
		s.combine(c, r)
		return true
	case r >= regionalIndicatorA && r <= regionalIndicatorZ:
		return s.flag(row, x, r, w)
	}
	return false
}

// flag makes the second of two regional indicators join the first, which has one column,
// in two.
func (s *Screen) flag(row *row, x int, r rune, w int) bool {
	c := &row.cells[x]
	first := c.text >= regionalIndicatorA && c.text <= regionalIndicatorZ
	if w != 1 || !first || c.attr&wide != 0 || s.pending || s.x != x+1 || s.modes&insertMode != 0 {
		return false
	}
	row.split(s.x + 1)
	row.reach(s.x+1, s.cols)
	s.combine(&row.cells[x], r)
	c = &row.cells[x]
	tail := c.pen()
	tail.attr |= spacer
	c.attr |= wide
	row.cells[s.x] = tail
	if s.x == s.limit() {
		s.pending = s.modes&autowrap != 0
	} else {
		s.x++
	}
	return true
}

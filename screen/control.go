package screen

// charsets are what designates and selects character sets: the four sets, which of them is
// used, and the set for one character only (SS2, SS3).
type charsets struct {
	sets   [4]byte // the final byte of the designation; 0 is 'B', ASCII
	gl     uint8
	single uint8
}

// graphics is DEC's special graphics, from backquote to tilde.
var graphics = [...]rune{
	'◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺',
	'⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
}

func (c *charsets) translates() bool {
	set := c.sets[c.gl]
	return c.single != 0 || set == '0' || set == 'A'
}

// rune is what an ASCII character shows as.
func (c *charsets) rune(b byte) rune {
	set := c.sets[c.gl]
	if c.single != 0 {
		set, c.single = c.sets[c.single], 0
	}
	switch {
	case set == '0' && b >= '`' && b <= '~':
		return graphics[b-'`']
	case set == 'A' && b == '#':
		return '£'
	}
	return rune(b)
}

// control is a C0 control character.
func (s *Screen) control(c byte) {
	switch c {
	case '\b':
		s.back(1)
	case '\t':
		s.tab(1)
	case '\n', '\v', '\f':
		s.index()
		if s.modes&newline != 0 {
			s.x = s.lineStart()
		}
		s.pending = false
	case '\r':
		s.x, s.pending = s.lineStart(), false
	case 0x0E:
		s.charsets.gl = 1
	case 0x0F:
		s.charsets.gl = 0
	default:
		return
	}
	s.joinable = false
}

// lineStart is where a carriage return goes.
func (s *Screen) lineStart() int {
	if s.modes&originMode != 0 || s.modes&leftRight != 0 && s.x >= s.left {
		return s.left
	}
	return 0
}

// back moves left, to the line before with reverse wrap.
func (s *Screen) back(n int) {
	if s.pending && s.modes&reverseWrap != 0 {
		s.pending = false
		n--
	}
	s.pending = false
	if n > s.x && s.modes&reverseWrap != 0 && s.modes&autowrap != 0 && s.modes&leftRight == 0 && s.y > s.top {
		s.x, s.y = s.cols-1, s.y-1
		return
	}
	s.x = max(s.x-n, s.leftEdge())
}

// leftEdge is where moving left ends.
func (s *Screen) leftEdge() int {
	if s.modes&leftRight != 0 && s.x >= s.left {
		return s.left
	}
	return 0
}

// index moves down, scrolling at the bottom margin. Lines that leave a screen at its top go
// to the history.
func (s *Screen) index() {
	switch {
	case s.y != s.bottom:
		s.y = min(s.y+1, s.rows-1)
	case s.x >= s.left && s.x <= s.right:
		s.scrollUp(1)
	}
}

func (s *Screen) reverseIndex() {
	switch {
	case s.y != s.top:
		s.y = max(s.y-1, 0)
	case s.x >= s.left && s.x <= s.right:
		s.scrollRegion(s.top, s.bottom, s.left, s.right, -1)
	}
}

// scrollUp moves the lines between the margins up.
func (s *Screen) scrollUp(n int) {
	n = min(n, s.bottom-s.top+1)
	if s.g == &s.main && s.top == 0 && s.left == 0 && s.right == s.cols-1 {
		for y := range n {
			s.keep(&s.g.rows[y])
		}
	}
	s.scrollRegion(s.top, s.bottom, s.left, s.right, n)
}

// isTab says whether a column has a tab stop.
func (s *Screen) isTab(x int) bool {
	if s.tabs != nil {
		return s.tabs[x]
	}
	return x%8 == 0
}

// ownTabs makes the tab stops a list that can be changed.
func (s *Screen) ownTabs() {
	if s.tabs == nil {
		tabs := make([]bool, s.cols)
		for x := range tabs {
			tabs[x] = s.isTab(x)
		}
		s.tabs = tabs
	}
}

// tab moves n stops to the right, to the left when n is negative.
func (s *Screen) tab(n int) {
	s.pending = false
	for end := s.limit(); n > 0 && s.x < end; n-- {
		for s.x++; s.x < end && !s.isTab(s.x); s.x++ {
		}
	}
	for start := s.leftEdge(); n < 0 && s.x > start; n++ {
		for s.x--; s.x > start && !s.isTab(s.x); s.x-- {
		}
	}
}

// escape is a sequence of ESC and one more character, with intermediates.
func (s *Screen) escape() {
	p := &s.parser
	if p.ninter == 1 {
		s.designate(p.inter[0], p.final)
		return
	}
	if p.ninter > 1 {
		return
	}
	switch p.final {
	case '7':
		s.save()
	case '8':
		s.restore()
	case 'D':
		s.index()
		s.pending = false
	case 'E':
		s.x = s.lineStart()
		s.index()
		s.pending = false
	case 'M':
		s.reverseIndex()
		s.pending = false
	case 'H':
		s.ownTabs()
		s.tabs[s.x] = true
	case 'N', 'O':
		s.charsets.single = p.final - 'N' + 2
	case 'n', 'o':
		s.charsets.gl = p.final - 'n' + 2
	case '=':
		s.modes |= appKeypad
	case '>':
		s.modes &^= appKeypad
	case 'c':
		s.reset()
	}
}

// designate is a sequence of ESC with one intermediate.
func (s *Screen) designate(inter, final byte) {
	switch inter {
	case '(', ')', '*', '+':
		switch final {
		case '0', 'A':
		default:
			final = 0
		}
		s.charsets.sets[inter-'('] = final
	case '#':
		if final == '8' { // DECALN
			s.fullMargins()
			s.moveTo(0, 0)
			for y := range s.g.rows {
				r := &s.g.rows[y]
				r.erase(0, s.cols, s.cols, 0)
				if r.cells == nil {
					r.cells = make([]cell, s.cols)
				}
				r.used = s.cols
				if y > 0 {
					copy(r.cells, s.g.rows[0].cells) // much faster than cell by cell
					continue
				}
				for x := range r.cells {
					r.cells[x] = cell{text: 'E'}
				}
			}
		}
	}
}

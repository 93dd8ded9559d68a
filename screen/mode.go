package screen

// modes are the switches of a terminal that are on.
type modes uint32

const (
	insertMode modes = 1 << iota
	newline          // LNM
	appCursor
	reverseVideo
	originMode
	autowrap
	blinkCursor
	showCursor
	reverseWrap
	appKeypad
	leftRight
	focusReports
	alternateScroll
	bracketedPaste
	graphemes
	colorReports
	sizeReports

	defaultModes = autowrap | showCursor
)

// modeTable is every mode that is kept as a switch, in the order in which Repaint sets
// them. Those that move the cursor or change how text is painted have special set.
var modeTable = []struct {
	number  int // of DECSET, or of SM when ansi
	mode    modes
	ansi    bool
	special bool
	name    string
}{
	{number: 4, mode: insertMode, ansi: true, special: true, name: "insert"},
	{number: 20, mode: newline, ansi: true, special: true, name: "newline"},
	{number: 6, mode: originMode, special: true, name: "origin"},
	{number: 7, mode: autowrap, special: true, name: "autowrap"},
	{number: 69, mode: leftRight, special: true, name: "left-right-margins"},
	{number: 25, mode: showCursor, special: true, name: "cursor-visible"},
	{number: 1, mode: appCursor, name: "application-cursor"},
	{number: 5, mode: reverseVideo, name: "reverse-video"},
	{number: 12, mode: blinkCursor, name: "cursor-blink"},
	{number: 45, mode: reverseWrap, name: "reverse-wrap"},
	{number: 66, mode: appKeypad, name: "application-keypad"},
	{number: 1004, mode: focusReports, name: "focus-reports"},
	{number: 1007, mode: alternateScroll, name: "alternate-scroll"},
	{number: 2004, mode: bracketedPaste, name: "bracketed-paste"},
	{number: 2027, mode: graphemes, name: "grapheme-clusters"},
	{number: 2031, mode: colorReports, name: "color-scheme-reports"},
	{number: 2048, mode: sizeReports, name: "size-reports"},
}

// mouseModes and mouseEncodings exclude each other, as in xterm.
var (
	mouseModes     = []int{9, 1000, 1001, 1002, 1003}
	mouseEncodings = []int{1005, 1006, 1015, 1016}
)

func contains(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

// setModes is SM, RM, DECSET and DECRST.
func (s *Screen) setModes(on bool) {
	for i := range s.parser.count() {
		n := int(s.parser.params[i])
		if s.parser.prefix == '?' {
			s.setPrivate(n, on)
			continue
		}
		for _, m := range modeTable {
			if m.ansi && m.number == n {
				s.switchMode(m.mode, on)
			}
		}
	}
}

func (s *Screen) switchMode(m modes, on bool) {
	if on {
		s.modes |= m
	} else {
		s.modes &^= m
	}
}

func (s *Screen) setPrivate(n int, on bool) {
	switch {
	case contains(mouseModes, n):
		s.mouse = choose(n, on)
		return
	case contains(mouseEncodings, n):
		s.encoding = choose(n, on)
		return
	}
	switch n {
	case 47, 1047:
		s.setAlternate(on)
	case 1048:
		s.saveOrRestore(on)
	case 1049:
		if on {
			if s.g == &s.main {
				s.save()
			}
			s.setAlternate(true)
			s.eraseRows(0, s.rows)
		} else if s.g == &s.alt {
			s.setAlternate(false)
			s.restore()
		}
	}
	for _, m := range modeTable {
		if m.ansi || m.number != n {
			continue
		}
		s.switchMode(m.mode, on)
		switch m.mode {
		case originMode:
			s.home()
		case leftRight:
			s.left, s.right = 0, s.cols-1
			s.pending = s.pending && s.canPend(s.x, s.y)
		case autowrap:
			s.pending = s.pending && on
		}
	}
}

func choose(n int, on bool) uint16 {
	if on {
		return uint16(n)
	}
	return 0
}

// setAlternate shows the alternate or the main screen. The alternate screen is forgotten
// when it is left, so that a terminal holds two screens only while it needs them.
func (s *Screen) setAlternate(on bool) {
	if on == (s.g == &s.alt) {
		return
	}
	if on {
		s.alt = grid{rows: make([]row, s.rows)}
		s.g = &s.alt
	} else {
		s.alt = grid{}
		s.g = &s.main
	}
	s.pending = false
}

func (s *Screen) saveOrRestore(save bool) {
	if save {
		s.save()
	} else {
		s.restore()
	}
}

// save is DECSC.
func (s *Screen) save() {
	s.g.saved = cursor{
		x: s.x, y: s.y, pending: s.pending && s.x == s.cols-1, origin: s.modes&originMode != 0,
		pen: s.pen, charsets: s.charsets,
	}
	s.g.saved.charsets.single = 0
}

// restore is DECRC: to the top left when nothing was saved.
func (s *Screen) restore() {
	c := s.g.saved
	s.pen, s.charsets = c.pen, c.charsets
	s.switchMode(originMode, c.origin)
	s.x, s.y = c.x, c.y
	if c.origin {
		s.x = min(max(s.x, s.left), s.right)
		s.y = min(max(s.y, s.top), s.bottom)
	}
	s.pending = c.pending && s.modes&autowrap != 0 && s.canPend(s.x, s.y)
}

// canPend says whether a character printed at x, y could have left the cursor waiting
// there to wrap.
func (s *Screen) canPend(x, y int) bool {
	if x != s.cols-1 && (s.modes&leftRight == 0 || x != s.right) {
		return false
	}
	return s.g.rows[y].at(x).attr&wide == 0
}

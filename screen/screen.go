package screen

// Bounds of what a terminal's size may make a Screen hold.
const (
	maxRows  = 512
	maxCols  = 1024
	maxCells = 1 << 17

	// DefaultHistoryBytes bounds the scrollback of a Screen when its options do not.
	DefaultHistoryBytes = 1 << 20
)

// Options are what New takes beside the size. The zero value is good.
type Options struct {
	// HistoryBytes bounds the scrollback, everything included: lines that have left the
	// screen at its top, with their colours. 0 is DefaultHistoryBytes, less than 0 none.
	HistoryBytes int
}

// Screen is what a terminal shows. It has no lock: its owner makes calls one at a time.
type Screen struct {
	rows, cols  int
	main, alt   grid
	g           *grid // the one shown: &main or &alt
	x, y        int
	pending     bool // the last column is written, the next character wraps
	joinable    bool // the last thing was a character: the next may join it
	pen         cell
	charsets    charsets
	top, bottom int // margins, both inside
	left, right int
	modes       modes
	savedModes  modes // XTSAVE
	mouse       uint16
	encoding    uint16 // of mouse reports
	otherKeys   uint8  // modifyOtherKeys
	shape       uint8  // of the cursor, DECSCUSR
	tabs        []bool // nil: every eighth column
	title, icon string
	titles      []titles // a stack
	last        rune     // for REP, 0 for none
	store       store
	history     history
	line        painter // paints lines for the history
	parser      parser
}

// New makes a blank Screen. Sizes are clipped to 1 to 512 rows, 1 to 1024 columns and, in
// rows, to 131,072 cells, here and in Resize and Repaint.
func New(rows, cols int, opts Options) *Screen {
	s := &Screen{store: newStore()}
	switch {
	case opts.HistoryBytes == 0:
		s.history.bound = DefaultHistoryBytes
	case opts.HistoryBytes > 0:
		s.history.bound = opts.HistoryBytes
	}
	s.rows, s.cols = clip(rows, cols)
	s.main.rows = make([]row, s.rows)
	s.reset()
	return s
}

func clip(rows, cols int) (int, int) {
	cols = min(max(cols, 1), maxCols)
	return min(max(rows, 1), maxRows, maxCells/cols), cols
}

// reset is RIS: everything but the size and the history.
func (s *Screen) reset() {
	s.g = &s.main
	s.main = grid{rows: s.main.rows}
	s.alt = grid{}
	s.pen = cell{}
	s.eraseRows(0, s.rows)
	s.title, s.icon, s.titles, s.tabs = "", "", nil, nil
	s.savedModes = defaultModes
	s.softReset()
	s.moveTo(0, 0)
	s.mouse, s.encoding = 0, 0
	s.modes = defaultModes
}

// softReset is DECSTR.
func (s *Screen) softReset() {
	s.pen, s.charsets = cell{}, charsets{}
	s.modes = s.modes&^(insertMode|originMode|appCursor|appKeypad|leftRight) | autowrap | showCursor
	s.fullMargins()
	s.g.saved = cursor{}
	s.pending, s.joinable, s.last = false, false, 0
	s.shape, s.otherKeys = 0, 0
	s.main.kitty, s.alt.kitty = nil, nil
}

func (s *Screen) fullMargins() {
	s.top, s.bottom, s.left, s.right = 0, s.rows-1, 0, s.cols-1
}

// Write takes output of the program, cut anywhere. It takes all of p and never fails.
func (s *Screen) Write(p []byte) (int, error) {
	for b := p; len(b) > 0 || s.parser.kept(); {
		n, a := s.parser.next(b)
		b = b[n:]
		switch a {
		case actText:
			s.printASCII(s.parser.text)
		case actRune:
			s.print(s.parser.r)
		case actExec:
			s.control(s.parser.final)
		case actEscape:
			s.joinable = false
			s.escape()
		case actCSI:
			s.joinable = false
			s.csi()
		case actOSC:
			s.osc()
		}
	}
	return len(p), nil
}

// Resize changes the size as xterm does: lines are clipped or extended, not reflowed. Lines
// that no longer fit above the cursor go to the history. Margins and tab stops are reset.
func (s *Screen) Resize(rows, cols int) {
	rows, cols = clip(rows, cols)
	if rows == s.rows && cols == s.cols {
		return
	}
	s.resizeGrid(&s.main, rows, cols)
	if s.g == &s.alt {
		s.resizeGrid(&s.alt, rows, cols)
	}
	s.rows, s.cols = rows, cols
	s.x, s.y = min(s.x, cols-1), min(s.y, rows-1)
	s.pending, s.joinable = false, false
	s.modes &^= leftRight
	s.tabs = nil
	s.fullMargins()
	s.sweep()
}

func (s *Screen) resizeGrid(g *grid, rows, cols int) {
	y := &s.y // where the cursor of this grid is
	if g != s.g {
		y = &g.saved.y
	}
	if drop := min(*y-rows+1, len(g.rows)); drop > 0 {
		for i := range drop {
			if g == &s.main {
				s.keep(&g.rows[i])
			}
		}
		g.rows = g.rows[drop:]
		*y -= drop
		if g == s.g {
			g.saved.y -= min(drop, g.saved.y)
		}
	}
	fresh := make([]row, rows)
	copy(fresh, g.rows)
	g.rows = fresh
	if cols != s.cols {
		for i := range g.rows {
			g.rows[i].resize(cols)
		}
	}
	g.saved.x, g.saved.y = min(g.saved.x, cols-1), min(g.saved.y, rows-1)
	g.saved.pending = false
}

// keep puts a line that leaves the screen into the history.
func (s *Screen) keep(r *row) {
	if s.history.bound == 0 {
		return
	}
	p := &s.line
	p.begin()
	goesOn := r.wrapped && !s.store.endsInJoiner(r)
	columns := p.row(&s.store, r, s.cols, s.history.wrapped, goesOn)
	if len(p.buf) > s.history.bound/8 {
		p.begin()
		columns, goesOn = p.plainRow(&s.store, r), false
	}
	s.history.push(p.buf, columns, goesOn)
	if cap(p.buf) > maxLineScratch {
		p.buf = nil
	}
}

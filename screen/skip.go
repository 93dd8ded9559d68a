package screen

// Skippable says whether plain output (see Plain) may go by unseen, so that Skip and the end
// of it alone lead to the same screen. It is so while lines that are printed push all others
// out at the top: nothing is unfinished in the parser, no margins hold lines, and no mode
// makes what is printed depend on what was there before. While it holds plain output cannot
// change it.
func (s *Screen) Skippable() bool {
	full := s.top == 0 && s.bottom == s.rows-1 && s.left == 0 && s.right == s.cols-1
	return full && s.modes&(originMode|leftRight|insertMode) == 0 && s.charsets.single == 0 && s.parser.resting()
}

// Skip says that plain output went by unseen, while Skippable. What is written next must
// begin behind a line feed of that output. When it is enough (see Enough) the screen becomes
// what it would be had everything been written: Snapshot, Repaint, and what comes after are
// the same (but that REP repeats nothing until something is printed). The history begins with what is written next; the alternate screen has none, and
// the main one's stays while that is shown.
//
// Until then the screen is blank, with the cursor at its top left, so that no blank lines go
// to the history. Modes, style, title, saved cursors and the screen that is not shown stay.
func (s *Screen) Skip() {
	if s.g == &s.main {
		s.history.clear()
	}
	for y := range s.g.rows {
		r := &s.g.rows[y]
		r.used, r.fill, r.wrapped = 0, s.pen.bg, false
	}
	s.moveTo(0, 0)
	s.joinable, s.last = false, 0
}

// Enough says whether plain output with so many CR LF is enough that the screen after it does
// not depend on what was there before: behind the first the column is known, and twice as
// many as the screen has lines push out all that was there wherever the cursor was. (After
// Skip the history is the end of what it would be when as many lines as the screen has were
// skipped.)
func (s *Screen) Enough(lines int) bool { return lines > 2*s.rows }

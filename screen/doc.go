// Package screen keeps what is on a terminal's screen now, from the output of its programs
// alone, so that somebody who joins a running terminal sees at once what is on it.
//
//	s := screen.New(24, 80, screen.Options{})
//	s.Write(output)                       // all of it, in any pieces
//	viewer.Write(s.Repaint(24, 80, true)) // and from then on the output itself
//
// A viewer whose terminal has another size cannot be given the output. It gets Frames: what
// changes its terminal from what it was last painted with.
//
// Output that nobody looks at need not be parsed at once, and a flood of it not at all: see
// Plain, Skippable and Skip.
//
// It knows what programs of today use: colours to 24 bits, styles of underlines, hyperlinks,
// wide and combining characters, both screens, margins on all four sides, tab stops,
// character sets, titles, and the modes that change what keys and the mouse send. It is not
// a terminal: it has no keys, answers nothing, and paints nothing. Filter is for viewers who
// must not be made to answer either.
//
// # What it follows
//
// Where terminals differ it does what tmux 3.3a does, which the tests run beside it: a
// character is as wide as its code points say one by one, a wide one behind a zero-width
// joiner joins, a variation selector or a skin tone widens and joins nothing. A flag is one
// character of two columns. Where xterm and the terminals in browsers agree against tmux it
// goes with them: U+0080 to U+009F are control characters, IL and DL move to the first
// column, mouse modes exclude each other. Repaint says the column behind each character of
// which terminals disagree on the width, so that a viewer's own idea of it shifts nothing.
//
// Not kept: colours that OSC 4, 10 and 11 change, images (sixel, kitty, iTerm), lines of
// double width or height, protected characters, the rectangle operations of the VT400, what
// is in the alternate screen while the main one is shown, and hyperlinks of lines that were
// too long for the history with all their colours.
//
// # Bounds
//
// No output makes a Screen crash, hang or grow past its bounds. A cell is 16 bytes, and a
// line has cells only once something is printed in it: 80 by 24 columns are at most 31 KiB a screen, and
// there is an alternate screen only while it is shown. What does not fit into a cell is kept
// beside it and swept: at most 16,384 clusters of 47 bytes, as many underline colours and links, and
// 256 KiB of link targets. The scrollback is bytes that paint its lines, grown as it fills to
// Options.HistoryBytes. A Frame is 8 bytes a line. An unfinished sequence is kept up to 4 KiB. Sizes are clipped to
// 512 by 1024 and to 131,072 cells, so that no sequence takes long.
//
// # Why none of those there are
//
// Compared on recordings of vim, less, top, htop, tmux, bash and curses with the text that tmux captures
// of them, vt10x, charmbracelet/x/vt and midterm had 46, 26 and 47 other lines of 568 (this one 14, which
// are right but for how many combining characters a cell keeps), and wrote 3 to 15 MB/s where this one
// writes over 100; x/vt held 4.5 MiB for each screen. None gives modes back. ARCHITECTURE.md has the
// figures. Widths come from go-runewidth. The parser is our own because a viewer who joins in the
// middle of a sequence needs its beginning, and because Filter must see exactly what Screen sees.
//
// There is no lock and no goroutine: a Screen belongs to whoever holds it.
package screen

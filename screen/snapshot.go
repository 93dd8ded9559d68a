package screen

import (
	"fmt"
	"slices"
	"strings"
)

// Snapshot is what a terminal shows, for programs and tests.
type Snapshot struct {
	Rows      int      `json:"rows"`
	Cols      int      `json:"cols"`
	Lines     []Line   `json:"lines"`          // Rows of them, of the screen that is shown
	Main      []Line   `json:"main,omitempty"` // the main screen, while the alternate is shown
	Alternate bool     `json:"alternate"`
	Cursor    Cursor   `json:"cursor"`
	Title     string   `json:"title"`
	Icon      string   `json:"icon,omitempty"`
	Modes     []string `json:"modes"`                // by name, those that are on; mouse-1000 and the like
	Margins   Margins  `json:"margins"`              // the first and last line and column, from 0
	Tabs      []int    `json:"tabs,omitempty"`       // columns from 0, when not every eighth
	Pen       Style    `json:"pen"`                  // of what is printed next
	Charsets  string   `json:"charsets"`             // the four sets' letters and which is used
	Saved     Saved    `json:"saved"`                // the cursor that DECSC saved
	MainSaved *Saved   `json:"main_saved,omitempty"` // that of the main screen, likewise
	Titles    []string `json:"titles,omitempty"`     // the stack
	Kitty     []int    `json:"kitty,omitempty"`      // keyboard flags, the stack
	OtherKeys int      `json:"other_keys,omitempty"` // modifyOtherKeys
	History   int      `json:"history"`              // lines of it
}

// Line is one line: its text with trailing blanks cut, and its runs of equal style.
type Line struct {
	Text    string `json:"text"`
	Wrapped bool   `json:"wrapped,omitempty"` // goes on in the next
	Spans   []Span `json:"spans,omitempty"`   // none for a line without any style
	Fill    string `json:"fill,omitempty"`    // the colour of what is behind the last span
}

// Span is a run of cells of one style.
type Span struct {
	Col   int    `json:"col"`
	Cols  int    `json:"cols"`
	Text  string `json:"text"`
	Style Style  `json:"style"`
}

// Style is what SGR and OSC 8 set. Colours are "", "0" to "255", or "#rrggbb".
type Style struct {
	Fg             string   `json:"fg,omitempty"`
	Bg             string   `json:"bg,omitempty"`
	UnderlineColor string   `json:"underline_color,omitempty"`
	Attrs          []string `json:"attrs,omitempty"`
	Link           string   `json:"link,omitempty"`
	LinkID         string   `json:"link_id,omitempty"`
}

// Cursor is where the next character goes.
type Cursor struct {
	Row     int  `json:"row"`
	Col     int  `json:"col"`
	Pending bool `json:"pending,omitempty"` // it wraps first
	Visible bool `json:"visible"`
	Shape   int  `json:"shape"` // of DECSCUSR, 0 is the default
}

// Margins are the first and last line and column that scroll, from 0.
type Margins struct {
	Top    int `json:"top"`
	Bottom int `json:"bottom"`
	Left   int `json:"left"`
	Right  int `json:"right"`
}

// Saved is a cursor that DECSC saved.
type Saved struct {
	Row      int    `json:"row"`
	Col      int    `json:"col"`
	Pending  bool   `json:"pending,omitempty"`
	Origin   bool   `json:"origin,omitempty"`
	Pen      Style  `json:"pen"`
	Charsets string `json:"charsets"`
}

// Snapshot copies out what the terminal shows.
func (s *Screen) Snapshot() Snapshot {
	n := Snapshot{
		Rows: s.rows, Cols: s.cols,
		Lines:     s.lines(s.g),
		Alternate: s.g == &s.alt,
		Cursor:    Cursor{Row: s.y, Col: s.x, Pending: s.pending, Visible: s.modes&showCursor != 0, Shape: int(s.shape)},
		Title:     s.title, Icon: s.icon,
		Margins:   Margins{s.top, s.bottom, s.left, s.right},
		Pen:       s.style(s.pen),
		Charsets:  s.charsets.String(),
		Saved:     s.saved(s.g),
		OtherKeys: int(s.otherKeys),
		History:   s.history.lines,
	}
	if n.Alternate {
		n.Main = s.lines(&s.main)
		saved := s.saved(&s.main)
		n.MainSaved = &saved
	}
	for _, m := range modeTable {
		if s.modes&m.mode != 0 && m.mode != showCursor {
			n.Modes = append(n.Modes, m.name)
		}
	}
	for _, m := range []uint16{s.mouse, s.encoding} {
		if m != 0 {
			n.Modes = append(n.Modes, fmt.Sprintf("mouse-%d", m))
		}
	}
	for _, t := range s.titles {
		n.Titles = append(n.Titles, t.title)
	}
	for _, g := range []*grid{&s.main, &s.alt} {
		for _, flags := range g.kitty {
			n.Kitty = append(n.Kitty, int(flags))
		}
	}
	for x, set := range s.tabs {
		if set {
			n.Tabs = append(n.Tabs, x)
		}
	}
	return n
}

func (c charsets) String() string {
	b := []byte("BBBB0")
	for i, set := range c.sets {
		if set != 0 {
			b[i] = set
		}
	}
	b[4] += c.gl
	if c.single != 0 {
		b = append(b, '+', '0'+c.single)
	}
	return string(b)
}

func (s *Screen) saved(g *grid) Saved {
	c := g.saved
	return Saved{c.y, c.x, c.pending, c.origin, s.style(c.pen), c.charsets.String()}
}

func (s *Screen) lines(g *grid) []Line {
	lines := make([]Line, len(g.rows))
	for y := range g.rows {
		r := &g.rows[y]
		wrapped := y+1 < len(g.rows) && s.store.flows(r, &g.rows[y+1])
		lines[y] = s.snapLine(r, wrapped)
	}
	return lines
}

func (s *Screen) snapLine(r *row, wrapped bool) Line {
	n, fill := r.shape(&s.store)
	l := Line{Text: s.text(r, n), Wrapped: wrapped}
	if wrapped {
		n = s.cols
	}
	if n < s.cols {
		l.Fill = fill.String()
	}
	styled := false
	for x := 0; x < n; {
		c := r.at(x).plain(&s.store)
		span := Span{Col: x, Style: s.style(c)}
		var text []byte
		for pen := c.pen(); x < n && r.at(x).plain(&s.store).pen() == pen; x++ {
			text = s.store.appendText(text, r.at(x))
		}
		span.Cols, span.Text = x-span.Col, string(text)
		styled = styled || c.pen() != cell{}
		l.Spans = append(l.Spans, span)
	}
	if !styled {
		l.Spans = nil
	}
	return l
}

func (s *Screen) text(r *row, n int) string {
	var b []byte
	for x := range n {
		b = s.store.appendText(b, r.at(x))
	}
	return strings.TrimRight(string(b), " ")
}

var attrNames = map[attr]string{
	bold: "bold", faint: "faint", italic: "italic", blink: "blink", inverse: "inverse",
	hidden: "hidden", strike: "strike", overline: "overline",
}

var underlineNames = [...]string{1: "underline", "double-underline", "curly-underline", "dotted-underline", "dashed-underline", "", ""}

func (s *Screen) style(c cell) Style {
	e := s.store.extras[c.extra]
	l := s.store.links[e.link]
	st := Style{Fg: c.fg.String(), Bg: c.bg.String(), UnderlineColor: e.underline.String(), Link: l.uri, LinkID: l.id}
	for _, a := range sgrOn {
		if c.attr&a.attr != 0 {
			st.Attrs = append(st.Attrs, attrNames[a.attr])
		}
	}
	if u := c.attr & underlineMask >> underlineShift; u != 0 {
		st.Attrs = append(st.Attrs, underlineNames[u])
	}
	return st
}

func (c color) String() string {
	switch {
	case c == 0:
		return ""
	case c&rgb != 0:
		return fmt.Sprintf("#%06x", uint32(c&0xFFFFFF))
	}
	return fmt.Sprint(uint32(c & 0xFF))
}

// Text is the text of the screen, a line each, trailing blanks and blank lines cut.
func (s *Screen) Text() string {
	lines := make([]string, s.rows)
	for y := range s.g.rows {
		lines[y] = s.text(&s.g.rows[y], s.g.rows[y].trimmed(&s.store))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// History is the text of the scrollback, oldest line first, without colours.
func (s *Screen) History() []string {
	var lines []string
	s.history.each(func(line []byte, _ int, _ bool) {
		lines = append(lines, strings.TrimRight(stripped(line), " "))
	})
	return slices.Clip(lines)
}

// stripped is what a line of the history says.
func stripped(line []byte) string {
	var p parser
	var b []byte
	for len(line) > 0 {
		n, a := p.next(line)
		line = line[n:]
		switch a {
		case actText:
			b = append(b, p.text...)
		case actRune:
			b = append(b, string(p.r)...)
		}
	}
	return string(b)
}

// Title is the title that the program set.
func (s *Screen) Title() string { return s.title }

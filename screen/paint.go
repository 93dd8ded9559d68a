package screen

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxLineScratch is how much of a line's painting stays allocated for the next.
const maxLineScratch = 4096

var joiner = []byte(string(rune(zeroWidthJoiner)))

// painter writes cells as the sequences that paint them.
type painter struct {
	buf    []byte
	pen    cell  // what the terminal has in force
	link   int32 // the hyperlink that is open
	places bool  // behind uncertain characters, say the column
	column int   // where column 0 of a row is then
	drops  bool  // a joiner at the end of a character, with which terminals take the next
	erases bool  // what is left of a line's old text, and that it went on in the next
}

func (p *painter) begin() { p.buf, p.pen, p.link = p.buf[:0], cell{}, 0 }

func (p *painter) add(s string) { p.buf = append(p.buf, s...) }

func (p *painter) num(n int) { p.buf = strconv.AppendInt(p.buf, int64(n), 10) }

// seq appends CSI, the numbers with semicolons, and what ends it.
func (p *painter) seq(end string, n ...int) {
	p.add("\x1b[")
	for i, v := range n {
		if i > 0 {
			p.add(";")
		}
		p.num(v)
	}
	p.add(end)
}

// shape is how many columns of a row are more than a blank end, and the colour of that.
// Rows that look the same have the same shape, however they came about.
func (r *row) shape(s *store) (columns int, fill color) {
	n, fill := r.used, r.fill
	if n > 0 && n == len(r.cells) {
		fill = 0
		if last := r.cells[n-1].plain(s); last == (cell{bg: last.bg}) {
			fill = last.bg
		}
	}
	for n > 0 && r.cells[n-1].plain(s) == (cell{bg: fill}) {
		n--
	}
	return n, fill
}

func (r *row) trimmed(s *store) int {
	n, _ := r.shape(s)
	return n
}

// endsInJoiner says whether the last character of a row would take the first of the next.
func (s *store) endsInJoiner(r *row) bool {
	if r.used < len(r.cells) || r.used == 0 {
		return false
	}
	c := r.cells[r.used-1]
	if c.attr&spacer != 0 && r.used > 1 {
		c = r.cells[r.used-2]
	}
	return s.lastRune(c) == zeroWidthJoiner
}

// flows says whether the text of row r goes on in next, so that printing both in one go
// wraps from one to the other.
func (s *store) flows(r, next *row) bool {
	return r.wrapped && next.trimmed(s) > 0 && !s.endsInJoiner(r)
}

// row paints a line from its first column on and returns how many columns it took. A line
// that goes on in the next is painted to its last column. Where the fill of a fresh line
// may not be the default (it is what was in force when printing made the terminal scroll),
// the rest is erased.
func (p *painter) row(s *store, r *row, cols int, flowed, goesOn bool) int {
	n, fill := r.shape(s)
	shaded := fill != 0 || flowed && n > 0 && r.cells[0].plain(s).bg != 0
	if goesOn {
		n = cols
	}
	last := n
	if p.erases && n == cols && !goesOn {
		last = r.lastCharacter(n)
	}
	p.cells(s, r, 0, last)
	if n < cols && (shaded || p.erases) {
		p.settle(r, n)
		p.setPen(s, cell{bg: fill})
		p.add("\x1b[K")
	}
	if last < n {
		if last > 0 || !flowed { // otherwise the cursor is still in the line before
			p.add("\x1b[K")
		}
		p.cells(s, r, last, n)
	}
	p.setPen(s, cell{})
	return n
}

// lastCharacter is the column of the character that ends before column n.
func (r *row) lastCharacter(n int) int {
	if n > 1 && r.at(n-1).attr&spacer != 0 {
		return n - 2
	}
	return n - 1
}

// settle says the column n behind a character of which terminals disagree on the width.
func (p *painter) settle(r *row, n int) {
	if p.places && n > 0 && uncertain(r.at(r.lastCharacter(n)).text) {
		p.seq("G", p.column+n)
	}
}

// plainRow paints the text of a row alone.
func (p *painter) plainRow(s *store, r *row) int {
	n := r.trimmed(s)
	for x := range n {
		p.buf = s.appendText(p.buf, r.cells[x])
	}
	return n
}

// cells paints the columns from up to to.
func (p *painter) cells(s *store, r *row, from, to int) {
	for x := from; x < to; x++ {
		if x < r.used && r.cells[x].text < utf8.RuneSelf {
			if x += p.run(r.cells[x:min(to, r.used)]); x == to {
				return
			}
		}
		c := r.at(x)
		if c.attr&spacer != 0 {
			continue
		}
		if c.text == ' ' || c.text == 0 {
			c = c.plain(s)
		}
		if pen := c.pen(); pen != p.pen {
			p.setPen(s, pen)
		}
		if c.text-0x20 < 0x5F {
			p.buf = append(p.buf, byte(c.text))
			continue
		}
		p.buf = s.appendText(p.buf, c)
		if p.drops {
			p.buf = bytes.TrimSuffix(p.buf, joiner)
		}
		if p.places && uncertain(c.text) {
			if next := x + 1 + int(c.attr&wide)/int(wide); next < to {
				p.seq("G", p.column+next)
			}
		}
	}
}

// run paints the cells up to the first that is not ASCII in the style in force, and returns
// how many that were. Most of a history is made here.
func (p *painter) run(cells []cell) int {
	p.buf = slices.Grow(p.buf, len(cells))
	out := p.buf[len(p.buf) : len(p.buf)+len(cells)]
	fg, bg, attr, extra := p.pen.fg, p.pen.bg, p.pen.attr, p.pen.extra
	n := 0
	for ; n < len(cells) && n < len(out); n++ {
		c := &cells[n]
		if c.text-0x20 >= 0x5F || c.fg != fg || c.bg != bg || c.attr != attr || c.extra != extra {
			break
		}
		out[n] = byte(c.text)
	}
	p.buf = p.buf[:len(p.buf)+n]
	return n
}

// uncertain are characters that terminals give different widths: clusters, emoji, symbols.
func uncertain(text uint32) bool {
	return text&clusterBit != 0 || text >= 0x1F000 || text >= 0x2600 && text < 0x2800
}

var sgrOn = [...]struct {
	attr attr
	code string
}{
	{bold, "1"}, {faint, "2"}, {italic, "3"}, {blink, "5"}, {inverse, "7"}, {hidden, "8"}, {strike, "9"}, {overline, "53"},
}

// setPen puts colours, attributes and hyperlink in force.
func (p *painter) setPen(s *store, pen cell) {
	if pen == p.pen {
		return
	}
	e := s.extras[pen.extra]
	if e.link != p.link {
		p.hyperlink(s.links[e.link])
		p.link = e.link
	}
	was := p.pen
	p.pen = pen
	old := s.extras[was.extra].underline
	if pen.fg == was.fg && pen.bg == was.bg && pen.attr == was.attr && old == e.underline {
		return
	}
	p.add("\x1b[")
	if pen == (cell{extra: pen.extra}) && e.underline == 0 {
		p.add("m")
		return
	}
	first := len(p.buf)
	on, style := pen.attr&^underlineMask, pen.attr&underlineMask
	if (was.attr&^underlineMask)&^on != 0 || style == 0 && was.attr&underlineMask != 0 {
		p.add("0;")
		was, old = cell{}, 0
	}
	for _, a := range sgrOn {
		if on&^was.attr&a.attr != 0 {
			p.add(a.code)
			p.add(";")
		}
	}
	if style != was.attr&underlineMask {
		p.add("4")
		if n := int(style >> underlineShift); n > 1 {
			p.add(":")
			p.num(n)
		}
		p.add(";")
	}
	if pen.fg != was.fg {
		p.color(30, pen.fg)
	}
	if pen.bg != was.bg {
		p.color(40, pen.bg)
	}
	if e.underline != old {
		p.underlineColor(e.underline)
	}
	if len(p.buf) > first {
		p.buf = p.buf[:len(p.buf)-1]
	}
	p.add("m")
}

// color appends the SGR parameters of a colour; base is 30 or 40.
func (p *painter) color(base int, c color) {
	n := int(c & 0xFFFFFF)
	switch {
	case c == 0:
		p.num(base + 9)
	case c&rgb != 0:
		p.num(base + 8)
		p.add(";2;")
		p.triple(n, ";")
	case n < 8:
		p.num(base + n)
	case n < 16:
		p.num(base + 60 + n - 8)
	default:
		p.num(base + 8)
		p.add(";5;")
		p.num(n)
	}
	p.add(";")
}

func (p *painter) triple(n int, sep string) {
	p.num(n >> 16)
	p.add(sep)
	p.num(n >> 8 & 255)
	p.add(sep)
	p.num(n & 255)
}

func (p *painter) underlineColor(c color) {
	switch {
	case c == 0:
		p.add("59")
	case c&rgb != 0:
		p.add("58:2::")
		p.triple(int(c&0xFFFFFF), ":")
	default:
		p.add("58:5:")
		p.num(int(c & 0xFF))
	}
	p.add(";")
}

func (p *painter) hyperlink(l link) {
	p.add("\x1b]8;")
	if l.id != "" {
		p.add("id=")
		p.add(l.id)
	}
	p.add(";")
	p.add(l.uri)
	p.add("\x1b\\")
}

package screen

import "unicode/utf8"

// color is a colour as SGR names it: 0 is the terminal's default, otherwise the kind is
// above bit 24 and the palette index or the RGB value below.
type color uint32

const (
	palette color = 1 << 24
	rgb     color = 2 << 24
)

// attr is what SGR sets beside colours, and which part of a wide character a cell is.
type attr uint16

const (
	bold attr = 1 << iota
	faint
	italic
	blink
	inverse
	hidden
	strike
	overline
	wide   // the left half of a character of two columns
	spacer // its right half; text is 0

	underlineShift            = 10
	underlineMask      attr   = 7 << underlineShift // the style: 0 none, 1 single ... 5 dashed
	half                      = wide | spacer
	visibleOnBlank            = inverse | strike | overline | underlineMask
	clusterBit         uint32 = 1 << 31
	maxClusters               = 1 << 14 // live at once, then combining characters are dropped
	maxExtras                 = 1 << 14 // likewise: underline colours and hyperlinks
	maxLinkBytes              = 256 << 10
	regionalIndicatorA        = 0x1F1E6
	regionalIndicatorZ        = 0x1F1FF
	zeroWidthJoiner           = 0x200D
)

// cell is one column of one line. Its zero value is a blank of the default colours.
type cell struct {
	text   uint32 // a rune, or clusterBit and an index into store.clusters; 0 is a blank
	fg, bg color
	attr   attr
	extra  uint16 // index into store.extras, 0 for none
}

// pen is the cell without its text: what it takes to write it.
func (c cell) pen() cell {
	return cell{fg: c.fg, bg: c.bg, attr: c.attr &^ half, extra: c.extra}
}

// plain is the cell as it looks: a blank keeps only what shows on a blank. What was erased
// and what was written as a space become equal, so that a repaint needs no more than what
// can be seen.
func (c cell) plain(s *store) cell {
	if c.text != 0 && c.text != ' ' || c.attr&half != 0 {
		return c
	}
	c.text = 0
	if c.attr&visibleOnBlank == 0 {
		c.fg, c.attr = 0, 0
		if c.extra != 0 && s.extras[c.extra].link == 0 {
			c.extra = 0
		}
	}
	return c
}

// cluster is a character of several code points, in UTF-8.
type cluster struct {
	n uint8
	b [47]byte
}

// extra is what few cells have.
type extra struct {
	underline color
	link      int32 // index into store.links, 0 for none
}

type link struct {
	id, uri string
}

// store holds what does not fit into a cell. Entries are never changed; those that no cell
// names any more go in a sweep.
type store struct {
	clusters     []cluster
	extras       []extra // extras[0] is none
	links        []link  // links[0] is none
	linkBytes    int
	clusterLimit int // sweep before there are more
	extraLimit   int
	wait         int      // how often there may be no room before the next sweep
	remap        []uint32 // scratch of a sweep
}

func newStore() store {
	return store{extras: make([]extra, 1, 4), links: make([]link, 1), clusterLimit: 64, extraLimit: 64}
}

// appendText appends a cell's characters in UTF-8; a blank is a space, a spacer nothing.
func (s *store) appendText(b []byte, c cell) []byte {
	switch {
	case c.attr&spacer != 0:
		return b
	case c.text == 0:
		return append(b, ' ')
	case c.text&clusterBit != 0:
		k := &s.clusters[c.text&^clusterBit]
		return append(b, k.b[:k.n]...)
	case c.text < utf8.RuneSelf:
		return append(b, byte(c.text))
	}
	return utf8.AppendRune(b, rune(c.text))
}

// firstRune is the first code point of a cell.
func (s *store) firstRune(c cell) rune {
	if c.text&clusterBit == 0 {
		return rune(c.text)
	}
	k := &s.clusters[c.text&^clusterBit]
	r, _ := utf8.DecodeRune(k.b[:k.n])
	return r
}

// lastRune is the last code point of a cell.
func (s *store) lastRune(c cell) rune {
	if c.text&clusterBit == 0 {
		return rune(c.text)
	}
	k := &s.clusters[c.text&^clusterBit]
	r, _ := utf8.DecodeLastRune(k.b[:k.n])
	return r
}

// combine adds r to the character of a cell. When there is no room the cell stays what it was.
func (s *Screen) combine(c *cell, r rune) {
	if len(s.store.clusters) >= s.store.clusterLimit {
		s.makeRoom()
		if len(s.store.clusters) >= maxClusters {
			return
		}
	}
	var k cluster
	b := s.store.appendText(k.b[:0], *c)
	if len(b)+utf8.RuneLen(r) > len(k.b) {
		return
	}
	b = utf8.AppendRune(b, r)
	k.n = uint8(len(b))
	s.store.clusters = append(s.store.clusters, k)
	c.text = clusterBit | uint32(len(s.store.clusters)-1)
}

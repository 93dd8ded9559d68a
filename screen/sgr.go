package screen

// attrs are the parameters of SGR that switch one attribute on.
var attrs = [...]attr{1: bold, 2: faint, 3: italic, 5: blink, 6: blink, 7: inverse, 8: hidden, 9: strike}

// sgr is SGR: the colours and attributes of what is printed next.
func (s *Screen) sgr() {
	p := &s.parser
	if p.nparam == 0 {
		s.sgrSimple(0)
		return
	}
	for i := 0; i < p.count(); {
		n := max(p.params[i], 0)
		next := i + 1
		for next < p.count() && p.sub&(1<<next) != 0 {
			next++
		}
		switch {
		case n == 38 || n == 48 || n == 58:
			c, after := s.sgrColor(i, next)
			if c != noColor {
				s.setColor(int(n), c)
			}
			next = after
		case n == 4 && next > i+1:
			s.underline(attr(min(max(p.params[i+1], 0), 6)))
		case next == i+1:
			s.sgrSimple(int(n))
		}
		i = next
	}
}

func (s *Screen) underline(style attr) {
	if style <= 5 {
		s.pen.attr = s.pen.attr&^underlineMask | style<<underlineShift
	}
}

func (s *Screen) sgrSimple(n int) {
	c := &s.pen
	switch {
	case n == 0:
		link := s.extraOf(c).link
		*c = cell{extra: s.withExtra(extra{link: link})}
	case n == 4:
		s.underline(1)
	case n == 21:
		s.underline(2)
	case n < len(attrs):
		c.attr |= attrs[n]
	case n == 22:
		c.attr &^= bold | faint
	case n == 24:
		s.underline(0)
	case n == 23 || n == 25 || n == 27 || n == 28 || n == 29:
		c.attr &^= attrs[n-20]
	case n >= 30 && n <= 37:
		c.fg = palette | color(n-30)
	case n == 39:
		c.fg = 0
	case n >= 40 && n <= 47:
		c.bg = palette | color(n-40)
	case n == 49:
		c.bg = 0
	case n == 53:
		c.attr |= overline
	case n == 55:
		c.attr &^= overline
	case n == 59:
		s.setColor(58, 0)
	case n >= 90 && n <= 97:
		c.fg = palette | color(n-90+8)
	case n >= 100 && n <= 107:
		c.bg = palette | color(n-100+8)
	}
}

func (s *Screen) extraOf(c *cell) extra { return s.store.extras[c.extra] }

func (s *Screen) setColor(what int, c color) {
	switch what {
	case 38:
		s.pen.fg = c
	case 48:
		s.pen.bg = c
	case 58:
		e := s.extraOf(&s.pen)
		if e.underline != c {
			e.underline = c
			s.pen.extra = s.withExtra(e)
		}
	}
}

const noColor color = 1 << 31

// sgrColor reads a colour behind parameter i: with colons it ends before next, with
// semicolons it takes what follows. It returns what comes after.
func (s *Screen) sgrColor(i, next int) (color, int) {
	p := &s.parser
	v := p.params[i+1 : max(i+1, p.count())]
	colons := next > i+1
	if colons {
		v = p.params[i+1 : next]
	}
	if len(v) == 0 {
		return noColor, next
	}
	kind := v[0]
	v = v[1:]
	switch kind {
	case 5:
		if len(v) == 0 {
			return noColor, p.count()
		}
		after := next
		if !colons {
			after = i + 3
		}
		if v[0] > 255 {
			return noColor, after
		}
		return palette | color(max(v[0], 0)), after
	case 2:
		after := next
		if !colons {
			after = min(i+5, p.count())
		} else if len(v) >= 4 { // with a colour space
			v = v[1:]
		}
		if len(v) < 3 {
			return noColor, after
		}
		c := rgb
		for k := range 3 {
			if v[k] > 255 {
				return noColor, after
			}
			c |= color(max(v[k], 0)) << (16 - 8*k)
		}
		return c, after
	}
	if colons {
		return noColor, next
	}
	return noColor, min(i+2, p.count())
}

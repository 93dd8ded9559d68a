package screen

import (
	"bytes"
	"strings"
	"unicode"
)

const (
	maxTitle  = 1024 // bytes
	maxTitles = 10
	maxLink   = 2083 // bytes of a hyperlink's target, as in VTE
	maxLinkID = 250
)

type titles struct{ title, icon string }

// osc is an operating system command: titles and hyperlinks, nothing else.
func (s *Screen) osc() {
	code, rest, _ := bytes.Cut(s.parser.str, []byte{';'})
	switch string(code) {
	case "0":
		s.title = titleOf(s.title, rest)
		s.icon = s.title
	case "1":
		s.icon = titleOf(s.icon, rest)
	case "2":
		s.title = titleOf(s.title, rest)
	case "8":
		s.hyperlink(rest)
	}
}

// titleOf is a title of printable characters only. It is was when that is the same, so
// that a program that sets its title again and again costs nothing.
func titleOf(was string, b []byte) string {
	if string(b) == was {
		return was
	}
	if len(b) > maxTitle {
		b = b[:maxTitle]
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || r < 0x20 || r >= 0x7F && r < 0xA0 {
			return -1
		}
		return r
	}, string(b))
}

// hyperlink is OSC 8: parameters and target, an empty target to end it.
func (s *Screen) hyperlink(b []byte) {
	params, uri, ok := bytes.Cut(b, []byte{';'})
	if !ok {
		return
	}
	e := s.extraOf(&s.pen)
	var id []byte
	for len(params) > 0 {
		var p []byte
		p, params, _ = bytes.Cut(params, []byte{':'})
		if v, ok := bytes.CutPrefix(p, []byte("id=")); ok {
			id = v
		}
	}
	if len(uri) == 0 || len(uri) > maxLink || len(id) > maxLinkID || !printable(uri) || !printable(id) {
		e.link = 0
	} else if l := s.store.links[e.link]; e.link == 0 || l.uri != string(uri) || l.id != string(id) {
		e.link = s.findLink(id, uri)
	}
	if e != s.extraOf(&s.pen) {
		s.pen.extra = s.withExtra(e)
	}
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c > 0x7E {
			return false
		}
	}
	return true
}

// window is what CSI t keeps: the stack of titles.
func (s *Screen) window() {
	p := &s.parser
	what := p.param(1, 0)
	switch p.param(0, 0) {
	case 22:
		if len(s.titles) == maxTitles {
			s.titles = s.titles[:copy(s.titles, s.titles[1:])]
		}
		s.titles = append(s.titles, titles{s.title, s.icon})
	case 23:
		if n := len(s.titles); n > 0 {
			t := s.titles[n-1]
			s.titles = s.titles[:n-1]
			if what != 1 {
				s.title = t.title
			}
			if what != 2 {
				s.icon = t.icon
			}
		}
	}
}

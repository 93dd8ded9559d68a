package oracle

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/termios"
)

// What a generator types, writes and sets.

// special are bytes that mean something with the usual characters.
const special = "\n\n\n\r\x03\x04\x04\x1c\x1a\x7f\x7f\x7f\x15\x17\x17\x16\x12\x11\x13\x0f\t\t \b\x00\xff\x1b_/.aZ"

func (g *generator) bytes(n int, mix int) []byte {
	b := make([]byte, n)
	for i := range b {
		switch k := g.s.n(16); {
		case k < mix:
			b[i] = special[g.s.n(len(special))]
		case k < 12:
			b[i] = "abcdefgh XYZ019_-"[g.s.n(17)]
		case k < 14:
			b[i] = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x85"[g.s.n(10)]
		default:
			b[i] = g.s.byte()
		}
	}
	return b
}

// input is what is typed: what no driver can settle is cut off. Echo that goes out before all of a
// write was looked at is on its way when a signal character behind it drops what has not arrived. That
// is the case behind the character that starts output and behind what echoes much; and more echo than a
// terminal holds is lost, so a line is not reprinted often.
func (g *generator) input() []byte {
	b := g.anyInput()
	sent, reprints := g.t.Iflag&termios.IXANY != 0, 0
	for i, c := range b {
		switch {
		case sent && i > 0 && g.means(c, termios.VINTR, termios.VQUIT, termios.VSUSP):
			return b[:i]
		case g.means(c, termios.VREPRINT):
			if reprints++; reprints > 3 {
				return b[:i]
			}
			sent = true
		case g.means(c, termios.VSTART, termios.VKILL, termios.VWERASE):
			sent = true
		}
	}
	return b
}

// means tells whether c may be one of the characters: as they are set, so far as steps tell, or as they
// are at first.
func (g *generator) means(c byte, which ...int) bool {
	usual := termios.Default()
	for _, i := range which {
		for _, c := range []byte{c, g.fold(c)} {
			if c == g.t.Cc[i] || c == usual.Cc[i] {
				return true
			}
		}
	}
	return false
}

// fold is what ISTRIP and IUCLC make of c.
func (g *generator) fold(c byte) byte {
	if g.t.Iflag&termios.ISTRIP != 0 {
		c &= 0x7f
	}
	if g.t.Iflag&termios.IUCLC != 0 && (c >= 'A' && c <= 'Z' || c >= 0xc0 && c <= 0xde && c != 0xd7) {
		c += 'a' - 'A'
	}
	return c
}

func (g *generator) anyInput() []byte {
	switch n := g.s.n(40); {
	case g.long:
		return g.longInput()
	case n < 8:
		return g.bytes(1+g.s.n(3), 12)
	}
	return g.bytes(1+g.s.n(48), 5)
}

// longInput is for conversations about limits. No character that echoes a whole line is set in them.
func (g *generator) longInput() []byte {
	switch n := g.s.n(8); {
	case n < 4:
		return []byte(strings.Repeat(string(rune('h'+g.s.n(8))), 400+g.s.n(1000)))
	case n == 4:
		return []byte(strings.Repeat("0123456789\n", 1+g.s.n(60)))
	case n == 5:
		return []byte("\n")
	case n == 6:
		return []byte{4}
	}
	return g.bytes(1+g.s.n(20), 3)
}

func (g *generator) output() []byte {
	if g.s.one(20) {
		return []byte(strings.Repeat("line of output\n", 1+g.s.n(60)))
	}
	return g.bytes(1+g.s.n(60), 5)
}

// settings are words of set: mostly flags that mean something, at times whole words of bits.
func (g *generator) settings(n int) string {
	out := make([]string, 0, n)
	for range n {
		switch k := g.s.n(24); {
		case k == 0:
			out = append(out, "raw")
		case k == 1 && !g.long:
			out = append(out, fmt.Sprintf("%s=%#x", wordNames[g.s.n(4)], g.bits()))
		case k == 2:
			out = append(out, "line="+strconv.Itoa(int(g.s.byte())))
		case k < 8 && !g.long:
			out = append(out, g.char())
		default:
			f := flagWords[g.s.n(len(flagWords))]
			if f.word == 2 { // a pty's cflag is settled soon
				f = flagWords[len(flagWords)-1-g.s.n(16)]
			}
			if g.s.one(2) {
				out = append(out, "-"+f.name)
			} else {
				out = append(out, f.name)
			}
		}
	}
	return strings.Join(out, " ")
}

func (g *generator) bits() uint32 {
	return uint32(g.s.byte()) | uint32(g.s.byte())<<8 | uint32(g.s.byte())<<16 | uint32(g.s.byte())<<24
}

func (g *generator) char() string {
	i := g.s.n(len(ccWords))
	number := i == termios.VMIN || i == termios.VTIME
	c := g.s.byte()
	switch {
	case number:
		c = []byte{0, 0, 1, 2, 5, 255}[g.s.n(6)]
	case g.s.one(3):
		c = "ab\n\r\t\x04\x7f\x00\xff\xc3 "[g.s.n(11)]
	case !g.s.one(3):
		c = special[g.s.n(len(special))]
	}
	text := printChar(c, number)
	if strings.ContainsAny(text, ` "`) {
		text = fmt.Sprintf("%#x", c)
	}
	return ccWords[i] + "=" + text
}

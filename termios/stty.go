package termios

import (
	"fmt"
	"strconv"
	"strings"
)

// sttyChars is how many characters stty -g saves: the C library's NCCS.
const sttyChars = 32

// SttyAll is what `stty -a` prints for the settings and the size on a screen that is
// width columns wide, with a newline after each line. The
// reference is GNU coreutils; it and this differ only in speeds that have no code.
func (t Termios) SttyAll(w Winsize, width int) string {
	p := sttyPrinter{width: width}
	if in, out := t.Speeds(); in == out {
		p.item(fmt.Sprintf("speed %d baud;", out))
	} else {
		p.item(fmt.Sprintf("ispeed %d baud;", in))
		p.item(fmt.Sprintf("ospeed %d baud;", out))
	}
	p.item(fmt.Sprintf("rows %d; columns %d;", w.Row, w.Col))
	p.item(fmt.Sprintf("line = %d;", t.Line))
	p.newline()
	for i := range characters {
		if c := &characters[i]; c.use&hidden == 0 {
			p.item(c.name + " = " + visible(t.Cc[c.index]) + ";")
		}
	}
	p.item(fmt.Sprintf("min = %d; time = %d;", t.Cc[VMIN], t.Cc[VTIME]))
	p.newline()
	for i := range settings {
		s := &settings[i]
		if i > 0 && s.word != settings[i-1].word {
			p.newline()
		}
		switch {
		case s.use&hidden != 0:
		case s.on(&t):
			p.item(s.name)
		case s.use&negated != 0:
			p.item("-" + s.name)
		}
	}
	p.newline()
	return p.b.String()
}

// sttyPrinter fills lines with items.
type sttyPrinter struct {
	b     strings.Builder
	width int
	col   int // columns used
}

// item adds s after a space, or on a new line when it does not fit; stty does not count
// the space.
func (p *sttyPrinter) item(s string) {
	if p.col > 0 {
		if p.width-p.col < len(s) {
			p.newline()
		} else {
			p.b.WriteByte(' ')
			p.col++
		}
	}
	p.b.WriteString(s)
	p.col += len(s)
}

func (p *sttyPrinter) newline() {
	p.b.WriteByte('\n')
	p.col = 0
}

// visible is how stty shows a character.
func visible(c uint8) string {
	if c == 0 {
		return "<undef>"
	}
	meta := ""
	if c >= 0x80 {
		meta, c = "M-", c&0x7f
	}
	if c < 0x20 || c == 0x7f {
		return meta + "^" + string(rune(c^0x40))
	}
	return meta + string(rune(c))
}

// SttySave is what `stty -g` prints, without the newline: four flag words and 32
// characters in hexadecimal. Line and the speeds of BOTHER are not in it.
func (t Termios) SttySave() string {
	b := make([]byte, 0, 128)
	for _, f := range [...]uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		b = append(strconv.AppendUint(b, uint64(f), 16), ':')
	}
	for i := range sttyChars {
		var c uint8
		if i < len(t.Cc) {
			c = t.Cc[i]
		}
		b = append(strconv.AppendUint(b, uint64(c), 16), ':')
	}
	return string(b[:len(b)-1])
}

// restore takes what SttySave gave; false, and t is as it was, when s is not that.
func (t *Termios) restore(s string) bool {
	fields := strings.Split(s, ":")
	if len(fields) != 4+sttyChars {
		return false
	}
	n := *t
	for i, field := range fields {
		bits := 8
		if i < 4 {
			bits = 32
		}
		v, err := strconv.ParseUint(field, 16, bits)
		if err != nil {
			return false
		}
		if i < 4 {
			*[...]*uint32{&n.Iflag, &n.Oflag, &n.Cflag, &n.Lflag}[i] = uint32(v)
		} else if i-4 < NCCS {
			n.Cc[i-4] = uint8(v)
		}
	}
	n.setSpeeds()
	*t = n
	return true
}

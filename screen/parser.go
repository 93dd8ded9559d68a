package screen

import (
	"strconv"
	"unicode/utf8"
)

// parser cuts a terminal's output into text, control characters and sequences. It is the
// state machine of the DEC terminals as everybody draws it, with UTF-8 before it: a C1
// control is the code point U+0080 to U+009F, never the bare byte. What it holds is
// bounded: maxParams, maxInter, maxString; what is longer is parsed to its end and is not
// reported.
type parser struct {
	state  parserState
	carry  [utf8.UTFMax]byte // the beginning of a character
	ncarry int
	c2     bool // the last byte was 0xC2, of a C1 control perhaps

	text   []byte // actText: ASCII without controls
	r      rune   // actRune
	final  byte   // of a sequence, or the control character
	prefix byte   // '<' to '?' behind CSI, or 0
	inter  [maxInter]byte
	ninter int
	params [maxParams]int32 // -1 is omitted
	nparam int
	sub    uint32 // bit i: a colon is before parameter i
	str    []byte // of an OSC
	kind   byte   // of another string: P, X, ^ or _
	long   bool   // the string or the sequence is longer than what is kept
}

const (
	maxParams = 32
	maxInter  = 2
	maxString = 4096
)

type parserState uint8

const (
	ground    parserState = iota
	escape                // behind ESC and its intermediates
	csiStart              // behind CSI
	csi                   // in its parameters
	csiInter              // in its intermediates
	csiBad                // it makes no sense: to its end
	oscString             // OSC: kept
	otherStr              // DCS, SOS, PM, APC: not kept
	oscEscape             // ESC in an OSC: its end, when a backslash follows
	otherEsc              // ESC in another string
)

type action uint8

const (
	actNone action = iota
	actText        // parser.text
	actRune        // parser.r
	actExec        // parser.final is a C0 control
	actEscape
	actCSI
	actOSC
	actString // the end of a string that is not kept
)

// next takes bytes from b up to the end of the first thing worth reporting. It takes none
// while it reports what it had kept of a character: there is more to ask for while b has
// bytes or kept says so.
func (p *parser) next(b []byte) (int, action) {
	if p.state != ground {
		return p.inSequence(b)
	}
	if p.ncarry > 0 {
		return p.carried(b)
	}
	c := b[0]
	switch {
	case c >= 0x20 && c < 0x7F:
		n := 1 + printableASCII(b[1:])
		p.text = b[:n]
		return n, actText
	case c >= utf8.RuneSelf:
		if !utf8.FullRune(b) {
			p.ncarry = copy(p.carry[:], b)
			return len(b), actNone
		}
		r, n := utf8.DecodeRune(b)
		return n, p.decoded(r)
	case c == 0x1B:
		if n := p.ordinary(b); n > 0 {
			return n, actCSI
		}
		p.begin(escape)
		return 1, actNone
	case c == 0x7F:
		return 1, actNone
	}
	p.final = c
	return 1, actExec
}

// ordinary takes a whole control sequence of a prefix, numbers, semicolons and its final
// byte, as nearly all are. It returns 0 when b does not begin with one; step does those.
func (p *parser) ordinary(b []byte) int {
	if len(b) < 3 || b[1] != '[' {
		return 0
	}
	i, prefix := 2, byte(0)
	if c := b[2]; c-0x3C < 4 {
		i, prefix = 3, c
	}
	first, n, v := i, 0, int32(-1)
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c-'0' < 10:
			v = min(max(v, 0)*10+int32(c-'0'), 65535)
		case c == ';' && n < maxParams-1:
			p.params[n] = v
			n, v = n+1, -1
		case c-0x40 < 0x3F:
			if i > first {
				p.params[n] = v
				n++
			}
			p.c2, p.long, p.ninter, p.sub = false, false, 0, 0
			p.nparam, p.prefix, p.final = n, prefix, c
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// kept says whether what was kept can be reported without another byte.
func (p *parser) kept() bool {
	return p.ncarry > 0 && utf8.FullRune(p.carry[:p.ncarry])
}

// resting says that nothing has begun whose end is still to come.
func (p *parser) resting() bool { return p.state == ground && p.ncarry == 0 }

// carried goes on with the character whose beginning was kept.
func (p *parser) carried(b []byte) (int, action) {
	n := 0
	for ; !p.kept(); n++ {
		if n == len(b) {
			return n, actNone
		}
		if b[n]&0xC0 != 0x80 {
			p.ncarry = copy(p.carry[:], p.carry[1:p.ncarry])
			return n, p.decoded(utf8.RuneError)
		}
		p.carry[p.ncarry] = b[n]
		p.ncarry++
	}
	r, size := utf8.DecodeRune(p.carry[:p.ncarry])
	p.ncarry = copy(p.carry[:], p.carry[size:p.ncarry])
	return n, p.decoded(r)
}

func (p *parser) decoded(r rune) action {
	if r >= 0x80 && r < 0xA0 {
		p.begin(escape)
		return p.escape(byte(r) - 0x40)
	}
	p.r = r
	return actRune
}

func (p *parser) begin(s parserState) {
	p.state, p.c2, p.long = s, false, false
	p.ninter, p.nparam, p.sub, p.prefix = 0, 0, 0, 0
}

func (p *parser) inSequence(b []byte) (int, action) {
	for i, c := range b {
		if p.state == csi && c-'0' < 10 && p.nparam-1 < maxParams && p.nparam > 0 && !p.c2 { // most bytes of most sequences
			v := &p.params[p.nparam-1]
			*v = min(max(*v, 0)*10+int32(c-'0'), 65535)
			continue
		}
		if a := p.step(c); a != actNone || p.state == ground {
			return i + 1, a
		}
	}
	return len(b), actNone
}

// step takes a byte of a sequence.
func (p *parser) step(c byte) action {
	wasC2 := p.c2
	p.c2 = c == 0xC2
	switch {
	case wasC2 && c >= 0x80 && c < 0xA0: // a C1 control ends what there is and begins its own
		if p.state == oscString && c == 0x9C {
			p.str = p.str[:max(0, len(p.str)-1)]
			return p.endString(actOSC)
		}
		p.begin(escape)
		return p.escape(c - 0x40)
	case p.state == oscEscape || p.state == otherEsc:
		if c == '\\' {
			if p.state == oscEscape {
				return p.endString(actOSC)
			}
			return p.endString(actString)
		}
		p.begin(escape)
		return p.step(c)
	case c == 0x18 || c == 0x1A: // CAN, SUB
		p.state = ground
		return actNone
	case p.state == oscString:
		return p.osc(c)
	case p.state == otherStr:
		if c == 0x1B {
			p.state = otherEsc
		}
		return actNone
	case c == 0x1B:
		p.begin(escape)
		return actNone
	case c < 0x20:
		p.final = c
		return actExec
	case c >= 0x7F:
		return actNone
	case p.state == escape:
		return p.escape(c)
	}
	return p.csi(c)
}

func (p *parser) escape(c byte) action {
	if c < 0x30 {
		p.intermediate(c)
		return actNone
	}
	if p.ninter == 0 {
		switch c {
		case '[':
			p.begin(csiStart)
			return actNone
		case ']':
			p.begin(oscString)
			p.str = p.str[:0]
			return actNone
		case 'P', 'X', '^', '_':
			p.begin(otherStr)
			p.kind = c
			return actNone
		}
	}
	p.state, p.final = ground, c
	if p.long {
		return actNone
	}
	return actEscape
}

func (p *parser) intermediate(c byte) {
	if p.ninter == maxInter {
		p.long = true
		return
	}
	p.inter[p.ninter] = c
	p.ninter++
}

func (p *parser) csi(c byte) action {
	switch {
	case c >= 0x40:
		good := p.state != csiBad && !p.long
		p.state, p.final = ground, c
		if !good {
			return actNone
		}
		return actCSI
	case p.state == csiBad:
	case c < 0x30:
		p.state = csiInter
		p.intermediate(c)
	case p.state == csiInter:
		p.state = csiBad
	case c >= 0x3C:
		if p.state != csiStart {
			p.state = csiBad
			break
		}
		p.prefix, p.state = c, csi
	default:
		p.state = csi
		p.parameter(c)
	}
	return actNone
}

// parameter takes a digit, a semicolon or a colon. Parameters beyond maxParams are lost.
func (p *parser) parameter(c byte) {
	if p.nparam == 0 {
		p.params[0], p.nparam = -1, 1
	}
	if c == ';' || c == ':' {
		if p.nparam < maxParams {
			p.params[p.nparam] = -1
			if c == ':' {
				p.sub |= 1 << p.nparam
			}
		}
		p.nparam = min(p.nparam+1, maxParams+1)
		return
	}
	if p.nparam <= maxParams {
		v := &p.params[p.nparam-1]
		*v = min(max(*v, 0)*10+int32(c-'0'), 65535)
	}
}

func (p *parser) osc(c byte) action {
	switch {
	case c == 0x07:
		return p.endString(actOSC)
	case c == 0x1B:
		p.state = oscEscape
	case c < 0x20 || c == 0x7F:
	case len(p.str) == maxString:
		p.long = true
	default:
		p.str = append(p.str, c)
	}
	return actNone
}

func (p *parser) endString(a action) action {
	p.state = ground
	if p.long {
		return actNone
	}
	return a
}

// count is how many parameters there are.
func (p *parser) count() int { return min(p.nparam, maxParams) }

// param is parameter i, or def when it is omitted or 0.
func (p *parser) param(i, def int) int {
	if i >= p.count() || p.params[i] <= 0 {
		return def
	}
	return int(p.params[i])
}

// resume appends what puts a fresh parser in the state of this one: the beginning of a
// sequence or of a character whose end is still to come. The contents of a string that is
// not kept are not in it.
func (p *parser) resume(b []byte) []byte {
	switch p.state {
	case ground:
		return append(b, p.carry[:p.ncarry]...)
	case escape:
		b = append(b, 0x1B)
	case oscString, oscEscape:
		b = append(append(b, "\x1b]"...), p.str...)
		if p.long {
			b = append(b, 'x')
		}
	case otherStr, otherEsc:
		b = append(b, 0x1B, p.kind)
	case csiBad:
		b = append(b, "\x1b[0<"...)
	default:
		b = append(b, "\x1b["...)
		if p.prefix != 0 {
			b = append(b, p.prefix)
		}
		b = p.appendParams(b)
	}
	b = append(b, p.inter[:p.ninter]...)
	if p.long && (p.state == escape || p.state == csiInter) {
		b = append(b, ' ')
	}
	if p.state == oscEscape || p.state == otherEsc {
		b = append(b, 0x1B)
	}
	if p.c2 && p.state != oscString {
		b = append(b, 0xC2)
	}
	return b
}

func (p *parser) appendParams(b []byte) []byte {
	for i := range p.count() {
		switch {
		case i == 0:
		case p.sub&(1<<i) != 0:
			b = append(b, ':')
		default:
			b = append(b, ';')
		}
		if p.params[i] >= 0 {
			b = strconv.AppendInt(b, int64(p.params[i]), 10)
		}
	}
	if p.nparam > maxParams {
		b = append(b, ';')
	}
	return b
}

package cast

// Filter makes output harmless to the terminal that shows it. It lets through text
// and those control sequences that only draw: the ones in allowed.go. All others are
// left out, and with them whatever
//
//   - makes a terminal answer: to a shell, the answer is something typed (DA, DSR,
//     DECRQM, DECRQSS, XTGETTCAP, ENQ, queries of colours, window and clipboard);
//   - changes what the terminal sends for keys and the mouse;
//   - reaches beyond the window: clipboard, files, notifications, printer, palette, the
//     window's size;
//   - could not be undone by End: tab stops, national character sets, locks.
//
// Left out, too, are pictures (sixel, kitty, iTerm). Titles and links are let through.
//
// A sequence may be split between calls; it comes out whole. The zero value is ready. A
// Filter is for one goroutine at a time and keeps at most 2 KiB.
//
// It is not screen.Filter, which is for viewers of a running terminal. That one lets through
// what the program there relies on, keys' modes, tab stops and palette among it, and takes
// output apart as package screen does: ESC k begins no string, and nothing but its final byte
// ends a control sequence. Here what comes next is the viewer's own shell, which must find its
// terminal as it was.
type Filter struct {
	state state
	seq   []byte // the sequence so far; of an OSC what follows ESC ]
	osc   bool   // in escape: seq is an OSC, which a backslash would end
	lead  bool   // the last byte was 0xC2, with which C1 control characters begin
	set   effect // what has been set that End has to undo
}

type state byte

const (
	ground   state = iota
	escape         // ESC, perhaps intermediates
	csi            // ESC [ ...
	command        // OSC: ESC ] ...
	unwanted       // DCS, SOS, PM, APC, screen's title, an OSC too long
)

// maxSeq is how long a sequence may be. Longer ones are left out.
const maxSeq = 2 << 10

// Append appends what may be shown of p, which is UTF-8, to dst.
func (f *Filter) Append(dst []byte, p string) []byte {
	for i := 0; i < len(p); i++ {
		c := p[i]
		if f.lead {
			f.lead = false
			if c >= 0x80 && c < 0xa0 {
				// To a terminal, a C1 control character is ESC and another character.
				dst = f.next(f.next(dst, 0x1b), c-0x40)
				continue
			}
			dst = f.next(dst, 0xc2)
		}
		if f.lead = c == 0xc2; !f.lead {
			dst = f.next(dst, c)
		}
	}
	return dst
}

// End appends what makes the terminal sane again, wherever the output stopped, and
// the Filter is as new. The cursor stays, or goes to the last line if there were margins.
func (f *Filter) End(dst []byte) []byte {
	dst = f.set.undo(dst)
	*f = Filter{seq: f.seq[:0]}
	return dst
}

// next takes the next byte.
func (f *Filter) next(dst []byte, c byte) []byte {
	switch {
	case c == 0x18 || c == 0x1a: // CAN, SUB: no sequence after all
		f.state = ground
		return dst
	case c == 0x1b:
		f.osc = f.state == command
		f.state = escape
		return dst
	case f.state == command:
		return f.inCommand(dst, c)
	case f.state == unwanted:
		return dst
	case c < 0x20 || c == 0x7f: // done even within a sequence
		if drawingControls[c] {
			dst = append(dst, c)
		}
		if c == 0x0e { // SO
			f.set |= charset
		}
		return dst
	case f.state == ground:
		return append(dst, c)
	case c >= 0x80: // no sequence has that
		f.state = ground
		return append(dst, c)
	case f.state == csi:
		return f.inCSI(dst, c)
	}
	return f.inEscape(dst, c)
}

// inEscape takes a byte after ESC.
func (f *Filter) inEscape(dst []byte, c byte) []byte {
	if f.osc {
		f.osc = false
		if c == '\\' {
			f.state = ground
			return f.appendCommand(dst)
		}
	}
	switch c {
	case '[':
		f.state, f.seq = csi, f.seq[:0]
	case ']':
		f.state, f.seq = command, f.seq[:0]
	case 'P', 'X', '^', '_', 'k':
		f.state = unwanted
	case '(', ')', '*', '+', '-', '.', '/', '#', '%', ' ', '!', '"', '$', '&', '\'', ',':
		f.state, f.seq = csi, append(f.seq[:0], 0x1b, c) // collected like one, to its final byte
	default:
		f.state = ground
		if c == 'c' { // RIS: what of it is drawing
			dst = f.set.undo(dst)
			f.set = 0
			return append(dst, "\x1b[H\x1b[2J"...)
		}
		if drawingEscapes[c] {
			return append(dst, 0x1b, c)
		}
	}
	return dst
}

// inCSI takes a byte after ESC [, or after ESC and an intermediate.
func (f *Filter) inCSI(dst []byte, c byte) []byte {
	escaped := len(f.seq) > 0 && f.seq[0] == 0x1b
	if !escaped && c < 0x40 || escaped && c < 0x30 {
		if len(f.seq) < maxSeq {
			f.seq = append(f.seq, c)
		}
		return dst
	}
	f.state = ground
	switch {
	case len(f.seq) >= maxSeq:
		return dst
	case escaped:
		return f.appendCharset(dst, c)
	}
	return f.appendCSI(dst, c)
}

// inCommand takes a byte after ESC ].
func (f *Filter) inCommand(dst []byte, c byte) []byte {
	switch {
	case c == 0x07:
		f.state = ground
		return f.appendCommand(dst)
	case c < 0x20 || c == 0x7f:
		return dst
	case len(f.seq) >= maxSeq:
		f.state = unwanted
		return dst
	}
	f.seq = append(f.seq, c)
	return dst
}

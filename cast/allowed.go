package cast

import "bytes"

// effect is what sequences have set that somebody who comes after would suffer from.
type effect uint16

const (
	alternate  effect = 1 << iota // the alternate screen
	margins                       // margins or origin mode; to undo them moves the cursor
	attributes                    // SGR
	modes                         // wrapping, insertion, reverse video, synchronized updates
	cursor                        // hidden or of another form
	charset                       // line drawing
	link                          // OSC 8
)

// undone says how each effect is undone.
var undone = []struct {
	effect effect
	by     string
}{
	{link, "\x1b]8;;\x1b\\"},
	{modes, "\x1b[4l\x1b[?5l\x1b[?7h\x1b[?45l\x1b[?2026l"},
	{margins, "\x1b[?6l\x1b[?69l\x1b[r\x1b[999;1H"},
	{alternate, "\x1b[?1049l"},
	{charset, "\x0f\x1b(B"},
	{cursor, "\x1b[?25h\x1b[?12l\x1b[0 q"},
	{attributes, "\x1b[0m"},
}

func (e effect) undo(dst []byte) []byte {
	for _, u := range undone {
		if e&u.effect != 0 {
			dst = append(dst, u.by...)
		}
	}
	return dst
}

// drawingControls are BEL, BS, HT, LF, VT, FF, CR, SO and SI.
var drawingControls = [0x80]bool{7: true, 8: true, 9: true, 10: true, 11: true, 12: true, 13: true, 14: true, 15: true}

// drawingEscapes are DECSC, DECRC, IND, NEL, RI.
var drawingEscapes = [0x80]bool{'7': true, '8': true, 'D': true, 'E': true, 'M': true}

// drawingCSI are the final bytes of sequences without prefix and intermediates, and
// what they leave. T (scroll down) has one parameter at most: with five it would be the
// mouse's.
var drawingCSI = map[byte]effect{
	'@': 0, 'A': 0, 'B': 0, 'C': 0, 'D': 0, 'E': 0, 'F': 0, 'G': 0, 'H': 0, 'I': 0, 'J': 0, 'K': 0, 'L': 0, 'M': 0, 'P': 0,
	'S': 0, 'T': 0, 'X': 0, 'Z': 0, '`': 0, 'a': 0, 'b': 0, 'd': 0, 'e': 0, 'f': 0,
	'm': attributes, 'r': margins, 's': margins, 'u': 0,
}

// drawingModes are the modes that may be set and reset, after ? and without.
var drawingModes = map[bool]map[string]effect{
	true: {
		"5": modes, "6": margins, "7": modes, "45": modes, "2026": modes, "69": margins,
		"12": cursor, "25": cursor,
		"47": alternate, "1047": alternate, "1048": 0, "1049": alternate,
	},
	false: {"4": modes},
}

// appendCSI appends the sequence of f.seq and its final byte, if it only draws.
func (f *Filter) appendCSI(dst []byte, final byte) []byte {
	params := f.seq
	private := len(params) > 0 && params[0] == '?'
	if private {
		params = params[1:]
	}
	for _, c := range params {
		if c >= '0' && c <= ';' { // digits, colon, semicolon
			continue
		}
		return f.appendIntermediate(dst, final)
	}
	switch {
	case final == 'h' || final == 'l':
		return f.appendModes(dst, params, private, final)
	case final == 'T' && bytes.IndexByte(params, ';') >= 0:
		return dst
	case private && final != 'J' && final != 'K':
		return dst
	}
	left, ok := drawingCSI[final]
	if !ok {
		return dst
	}
	if final != 's' || len(params) > 0 { // without, it saves the cursor
		f.set |= left
	}
	dst = append(dst, "\x1b["...)
	dst = append(dst, f.seq...)
	return append(dst, final)
}

// appendIntermediate is for sequences with a prefix other than ?, or intermediates.
func (f *Filter) appendIntermediate(dst []byte, final byte) []byte {
	n := len(f.seq)
	switch {
	case final == 'q' && f.seq[n-1] == ' ' && (n == 1 || n == 2 && f.seq[0] >= '0' && f.seq[0] <= '9'): // DECSCUSR
		f.set |= cursor
	case final == 'p' && string(f.seq) == "!": // DECSTR
		// It resets nothing that End has to know of to undo it again.
	default:
		return dst
	}
	dst = append(dst, "\x1b["...)
	dst = append(dst, f.seq...)
	return append(dst, final)
}

// appendModes appends those of several modes that may be set.
func (f *Filter) appendModes(dst, params []byte, private bool, final byte) []byte {
	for mode := range bytes.SplitSeq(params, []byte{';'}) {
		left, ok := drawingModes[private][string(mode)]
		if !ok {
			continue
		}
		if left == alternate && final == 'l' {
			f.set &^= alternate
		} else {
			f.set |= left
		}
		dst = append(dst, "\x1b["...)
		if private {
			dst = append(dst, '?')
		}
		dst = append(dst, mode...)
		dst = append(dst, final)
	}
	return dst
}

// appendCharset appends ESC, the intermediate in f.seq and final, for the line-drawing and
// the usual character set, and for lines of double size and the alignment pattern.
func (f *Filter) appendCharset(dst []byte, final byte) []byte {
	if len(f.seq) != 2 {
		return dst
	}
	switch c := f.seq[1]; {
	case (c == '(' || c == ')' || c == '*' || c == '+') && (final == '0' || final == 'B'):
		f.set |= charset
	case c == '#' && (final >= '3' && final <= '6' || final == '8'):
	default:
		return dst
	}
	return append(dst, 0x1b, f.seq[1], final)
}

// appendCommand appends the OSC in f.seq, if it is a title (0, 1, 2) or a link (8).
func (f *Filter) appendCommand(dst []byte) []byte {
	number, _, ok := bytes.Cut(f.seq, []byte{';'})
	if !ok || len(number) != 1 {
		return dst
	}
	switch number[0] {
	case '0', '1', '2':
	case '8':
		f.set |= link
	default:
		return dst
	}
	dst = append(dst, "\x1b]"...)
	dst = append(dst, f.seq...)
	return append(dst, "\x1b\\"...)
}

package cast

import "unicode/utf8"

// text is a stream of bytes on its way into JSON strings. Those hold Unicode, so
// bytes that are not UTF-8 become U+FFFD, one each, and the start of a character
// whose rest has not come is held back.
type text struct {
	held [utf8.UTFMax]byte
	n    int // so many of held are the start of a character
}

const replacement = "\uFFFD"

// plain are the ASCII characters that stand for themselves. A quote and a backslash
// cannot, control characters may not; DEL is escaped like them so that a recording
// may be looked at as it is.
var plain = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// append appends what p adds to the stream to dst.
func (t *text) append(dst, p []byte) []byte {
	for t.n > 0 && len(p) > 0 {
		t.held[t.n] = p[0]
		t.n++
		p = p[1:]
		dst = t.release(dst, utf8.FullRune)
	}
	start := 0 // p[start:i] is yet to be appended, as it is
	for i := 0; i < len(p); {
		c := p[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, p[start:i]...)
			dst = appendControl(dst, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRune(p[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, p[start:i]...)
			if !utf8.FullRune(p[i:]) {
				t.n = copy(t.held[:], p[i:])
				return dst
			}
			dst = append(dst, replacement...)
			start = i + 1
		case r < 0xa0: // C1: also control characters
			dst = append(dst, p[start:i]...)
			dst = appendControl(dst, byte(r))
			start = i + size
		}
		i += size
	}
	return append(dst, p[start:]...)
}

// end appends what is still held: the rest of it does not come.
func (t *text) end(dst []byte) []byte {
	return t.release(dst, func([]byte) bool { return true })
}

// release appends held characters as long as they are ready, and broken ones.
func (t *text) release(dst []byte, ready func([]byte) bool) []byte {
	for t.n > 0 && ready(t.held[:t.n]) {
		r, size := utf8.DecodeRune(t.held[:t.n])
		switch {
		case r < 0xa0 && !plain[byte(r)]:
			dst = appendControl(dst, byte(r))
		default:
			dst = utf8.AppendRune(dst, r) // U+FFFD for what is none
		}
		t.n = copy(t.held[:], t.held[size:t.n])
	}
	return dst
}

// appendControl appends c escaped.
func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case '\b':
		return append(dst, `\b`...)
	case '"':
		return append(dst, `\"`...)
	case '\\':
		return append(dst, `\\`...)
	case 0x1b:
		return append(dst, `\u001b`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

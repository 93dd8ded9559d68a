package screen

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Plain returns how many bytes at the beginning of p are plain: text, tabs, carriage returns
// and line feeds, which can only print. Not plain are all other control characters, those of
// U+0080 to U+009F too, and what is not UTF-8. A character whose end is not in p is not plain
// yet: p[n:] is then at most three bytes, and utf8.FullRune says that it is not one.
func Plain(p []byte) int {
	for i := 0; ; {
		i += printableASCII(p[i:])
		if i == len(p) {
			return i
		}
		if c := p[i]; c == '\r' || c == '\n' || c == '\t' {
			i++
			continue
		}
		n := printableWide(p[i:])
		if n == 0 {
			return i
		}
		i += n
	}
}

// printableWide returns how many bytes at the beginning of p are characters beyond ASCII
// that are no controls.
func printableWide(p []byte) int {
	i := 0
	for i < len(p) && p[i] >= utf8.RuneSelf {
		switch c, left := p[i], p[i:]; {
		case c >= 0xC3 && c < 0xE0 && len(left) >= 2 && left[1]&0xC0 == 0x80:
			i += 2
		case c > 0xE0 && c < 0xED && len(left) >= 3 && left[1]&0xC0 == 0x80 && left[2]&0xC0 == 0x80:
			i += 3
		default:
			r, n := utf8.DecodeRune(left)
			if n == 1 || r < 0xA0 {
				return i
			}
			i += n
		}
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// special has the high bit set of the lowest byte of w that is not from space to tilde. What
// it has above that bit means nothing.
func special(w uint64) uint64 {
	return (w | (w + ones) | ^((w | highs) - 0x20*ones)) & highs
}

// printableASCII returns how many bytes at the beginning of p are from space to tilde.
func printableASCII(p []byte) int {
	i := 0
	for ; len(p)-i >= 16; i += 16 {
		b := p[i : i+16 : i+16]
		if m := special(binary.LittleEndian.Uint64(b)); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
		if m := special(binary.LittleEndian.Uint64(b[8:])); m != 0 {
			return i + 8 + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(p) && p[i]-0x20 < 0x5F; i++ {
	}
	return i
}

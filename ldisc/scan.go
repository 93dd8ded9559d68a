package ldisc

import (
	"encoding/binary"
	"math/bits"
)

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// controls has a bit in each byte of x that is below 0x20 or 0x7f. No byte carries into
// the next one.
func controls(x uint64) uint64 {
	low := x &^ highs
	return (low + lows | ^(low + 0x60*lows)) &^ x & highs
}

// newlines has a bit in each byte of x that is a newline.
func newlines(x uint64) uint64 {
	x ^= '\n' * lows
	return ^(x&^highs + 0x7f*lows | x) & highs
}

// special has a bit in each byte of x that is a control character, but for the newlines
// that lines has.
func special(x, lines uint64) uint64 { return controls(x) &^ (newlines(x) & lines) }

// printable has no bit of highs exactly when all bytes of x are printing ASCII.
func printable(x uint64) uint64 { return (x + lows) | (x - 0x20*lows) }

// ordinary is the length of the longest prefix of p without a slow byte.
func (tab *table) ordinary(p []byte) int {
	i := 0
	if tab.swar {
		var lines uint64 // where newlines are ordinary
		if tab.class['\n']&classSlow == 0 {
			lines = highs
		}
		for i+16 <= len(p) {
			q := (*[16]byte)(p[i:])
			x, y := binary.LittleEndian.Uint64(q[0:]), binary.LittleEndian.Uint64(q[8:])
			if (printable(x)|printable(y))&highs == 0 {
				i += 16
				continue
			}
			x, y = special(x, lines), special(y, lines)
			if x|y == 0 {
				i += 16
				continue
			}
			if x == 0 {
				i, x = i+8, y
			}
			i += bits.TrailingZeros64(x) / 8
			if tab.class[p[i]]&classSlow != 0 {
				return i
			}
			i++
		}
	}
	for i < len(p) && tab.class[p[i]]&classSlow == 0 {
		i++
	}
	return i
}

// hazard tells whether p has a byte that takes back or holds earlier echo.
func (tab *table) hazard(p []byte) bool {
	for _, c := range p {
		if tab.class[c]&classHazard != 0 {
			return true
		}
	}
	return false
}

// printing is the length of the longest prefix of p that is printing ASCII, counted
// in steps of 8 bytes.
func printing(p []byte) int {
	i := 0
	for i+8 <= len(p) {
		if printable(binary.LittleEndian.Uint64(p[i:]))&highs != 0 {
			break
		}
		i += 8
	}
	return i
}

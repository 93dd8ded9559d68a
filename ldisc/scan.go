package ldisc

import (
	"encoding/binary"
	"math/bits"
)

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// controls has a bit in each byte of x that is below 0x20 or 0x7f. Bytes above the
// first such may be marked wrongly; the lowest never is.
func controls(x uint64) uint64 {
	del := x ^ 0x7f7f7f7f7f7f7f7f
	return ((x-0x20*lows) & ^x | (del-lows) & ^del) & highs
}

// ordinary is the length of the longest prefix of p without a slow byte.
func (tab *table) ordinary(p []byte) int {
	i := 0
	if tab.swar {
		for i+8 <= len(p) {
			found := controls(binary.LittleEndian.Uint64(p[i:]))
			if found == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(found) / 8
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
		x := binary.LittleEndian.Uint64(p[i:])
		if x&highs != 0 || controls(x) != 0 {
			break
		}
		i += 8
	}
	return i
}

package screen

import "encoding/binary"

// ToWrap is how many printable ASCII characters fit until the next one begins a line
// because it wraps; false when characters do not wrap. Where so many more and any multiple of
// the columns are skipped, all of them such characters, Skip's promise holds as behind a line
// feed: it is enough then if twice as many as the screen has cells follow.
func (s *Screen) ToWrap() (n int, ok bool) {
	if s.modes&autowrap == 0 {
		return 0, false
	}
	if s.pending {
		return 0, true
	}
	return s.cols - s.x, true
}

// Size is the number of rows and of columns.
func (s *Screen) Size() (rows, cols int) { return s.rows, s.cols }

// Unbroken tells whether p is nothing but printable ASCII characters.
func Unbroken(p []byte) bool {
	for ; len(p) >= 8; p = p[8:] {
		const ones, highs = 0x0101010101010101, 0x8080808080808080
		x := binary.LittleEndian.Uint64(p)
		below := x - 0x20*ones        // borrows from where a byte is less than 0x20
		del := (x ^ 0x7f*ones) - ones // and here where one is DEL
		if (x|below|del&^x)&highs != 0 && !unbroken(p[:8]) {
			return false
		}
	}
	return unbroken(p)
}

func unbroken(p []byte) bool {
	for _, b := range p {
		if b < 0x20 || b > 0x7e {
			return false
		}
	}
	return true
}

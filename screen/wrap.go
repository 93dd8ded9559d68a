package screen

import (
	"bytes"
	"encoding/binary"
)

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

// SkipLines is Skip where lines do not end in CR LF, and the column that the next begins in
// follows from all that went by: output, in order, up to behind a line feed, and of nothing
// but printable ASCII, CR and LF. It is enough then if twice as many LF as the screen has
// lines follow. When output is something else nothing is done, and false returned.
func (s *Screen) SkipLines(output ...[]byte) bool {
	c := column{x: s.x, cols: s.cols, pending: s.pending, wraps: s.modes&autowrap != 0, newline: s.modes&newline != 0}
	for _, p := range output {
		if !c.pass(p) {
			return false
		}
	}
	if c.pending {
		return false // it does not end in a line feed
	}
	s.Skip()
	s.x = c.x
	return true
}

// column follows the cursor's column over output.
type column struct {
	x, cols        int
	pending        bool // the next character wraps
	wraps, newline bool // modes
}

// pass goes over p, false when that is anything but printable ASCII, CR and LF.
func (c *column) pass(p []byte) bool {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		line := p
		if i >= 0 {
			line, p = p[:i], p[i+1:]
		} else {
			p = nil
		}
		for {
			r := bytes.IndexByte(line, '\r')
			if r < 0 {
				break
			}
			if !Unbroken(line[:r]) {
				return false
			}
			c.x, c.pending, line = 0, false, line[r+1:]
		}
		if !Unbroken(line) {
			return false
		}
		c.print(len(line))
		if i >= 0 {
			c.pending = false
			if c.newline {
				c.x = 0
			}
		}
	}
	return true
}

// print goes over n printable characters.
func (c *column) print(n int) {
	if n == 0 {
		return
	}
	at := c.x + n
	if c.pending {
		at++
	}
	if !c.wraps {
		c.x = min(at, c.cols-1)
		return
	}
	at = (at-1)%c.cols + 1
	c.pending = at == c.cols
	c.x = min(at, c.cols-1)
}

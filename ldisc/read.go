package ldisc

import (
	"bytes"
	"math/bits"

	tm "github.com/ptsns/ptsns/termios"
)

// Readable tells whether a read would get something: in canonical mode a complete
// line or an end of file, otherwise a byte.
func (d *NTTY) Readable() bool {
	if d.canonical() {
		return d.canon != d.tail
	}
	return d.head != d.tail
}

// ReadableBy tells what poll(2) asks: in noncanonical mode without VTIME it takes
// VMIN bytes.
func (d *NTTY) ReadableBy() bool {
	if d.canonical() {
		return d.canon != d.tail
	}
	amount := uint32(1)
	if d.t.Cc[tm.VTIME] == 0 && d.t.Cc[tm.VMIN] > 0 {
		amount = uint32(d.t.Cc[tm.VMIN])
	}
	return d.head-d.tail >= amount
}

// HasLine tells whether a read would get a line or an end of file.
func (d *NTTY) HasLine() bool { return d.canon != d.tail && d.canonical() }

// Ample tells whether a reader has lines to go on with and the discipline more than half
// of what it can hold.
func (d *NTTY) Ample() bool {
	return d.canonical() && d.canon != d.tail && d.head-d.tail > Size/2 && !d.stopped
}

// Echoes tells whether ordinary input is echoed, if only the ends of its lines.
func (d *NTTY) Echoes() bool { return d.lflag(tm.ECHO | tm.ECHONL) }

// Pending is FIONREAD: the bytes a reader can get without waiting. An end of file is
// none.
func (d *NTTY) Pending() int {
	if !d.lflag(tm.ICANON) || d.lflag(tm.EXTPROC) {
		return int(d.head - d.tail)
	}
	n := int(d.canon - d.tail)
	for at := d.tail; at&mask != d.canon&mask; at++ {
		if d.ends(at) && d.in.b[at&mask] == 0 {
			n--
		}
	}
	return n
}

func (d *NTTY) ends(at uint32) bool { return d.in.ends[at&mask/64]&(1<<(at&63)) != 0 }

// Read moves input to p and tells how much: at most one line in canonical mode, where
// 0 is an end of file, otherwise whatever is there. The caller has asked Readable.
func (d *NTTY) Read(p []byte) int {
	n := d.readPlainLine(p)
	if n == 0 {
		n = d.readAny(p)
	}
	if d.head == d.tail {
		d.release()
	}
	return n
}

func (d *NTTY) readAny(p []byte) int {
	switch {
	case d.head == d.tail || len(p) == 0:
		return 0
	case d.canonical():
		return d.readLine(p)
	case d.lflag(tm.EXTPROC) && d.lflag(tm.ICANON):
		return d.readExtproc(p)
	}
	return d.take(p, d.head-d.tail)
}

// readLine reads up to the next end of line. An end of file goes with the bytes
// before it when these fill p exactly.
func (d *NTTY) readLine(p []byte) int {
	limit := min(uint32(len(p)), d.canon-d.tail)
	length, found := d.nextEnd(limit)
	if !found {
		n := d.take(p, length)
		if n == len(p) && d.tail != d.canon && d.ends(d.tail) && d.in.b[d.tail&mask] == 0 {
			d.skipEnd()
		}
		return n
	}
	at := d.tail + length
	isByte := d.in.b[at&mask] != 0
	if isByte {
		length++
	}
	n := d.take(p, length)
	d.in.ends[at&mask/64] &^= 1 << (at & 63)
	if !isByte {
		d.tail++
	}
	return n
}

// readPlainLine reads a line that ends with a newline and lies in one piece, 0 where it finds
// none.
func (d *NTTY) readPlainLine(p []byte) int {
	if d.tail-d.linesFrom >= d.linesTo-d.linesFrom {
		return 0
	}
	at := d.tail & mask
	line := d.in.b[at:min(at+d.linesTo-d.tail, Size)]
	line = line[:min(len(line), len(p))]
	n := bytes.IndexByte(line, '\n') + 1
	copy(p, line[:n])
	if d.hidden() {
		clear(line[:n])
	}
	d.tail += uint32(n)
	d.linesFrom = d.tail
	return n
}

func (d *NTTY) skipEnd() {
	d.in.ends[d.tail&mask/64] &^= 1 << (d.tail & 63)
	d.tail++
}

// nextEnd is the distance from the tail to the next end of line below limit, or
// limit.
func (d *NTTY) nextEnd(limit uint32) (distance uint32, found bool) {
	if d.tail-d.linesFrom < d.linesTo-d.linesFrom {
		return d.nextNewline(limit)
	}
	if d.linesFrom != d.linesTo {
		d.markLines()
	}
	for at := d.tail; at-d.tail < limit; {
		word := d.in.ends[at&mask/64] >> (at & 63)
		if word == 0 {
			at += 64 - at&63
			continue
		}
		at += uint32(bits.TrailingZeros64(word))
		if at-d.tail >= limit {
			break
		}
		return at - d.tail, true
	}
	return limit, false
}

// nextNewline is nextEnd where newlines are ends.
func (d *NTTY) nextNewline(limit uint32) (distance uint32, found bool) {
	distance = d.newline(d.tail, limit)
	if distance == limit {
		return limit, false
	}
	d.linesFrom = d.tail + distance + 1
	return distance, true
}

// newline is the distance from at to the next newline below limit, or limit.
func (d *NTTY) newline(at, limit uint32) uint32 {
	from := at & mask
	if n := bytes.IndexByte(d.in.b[from:min(from+limit, Size)], '\n'); n >= 0 {
		return uint32(n)
	}
	if from+limit > Size {
		if n := bytes.IndexByte(d.in.b[:from+limit-Size], '\n'); n >= 0 {
			return Size - from + uint32(n)
		}
	}
	return limit
}

// markLines marks the lines that linesFrom and linesTo tell of.
func (d *NTTY) markLines() {
	for at := d.linesFrom; at != d.linesTo; at++ {
		at += d.newline(at, d.linesTo-at)
		d.mark(at) // the last is one
	}
	d.linesFrom, d.linesTo = 0, 0
}

// take copies up to n bytes to p, and wipes them where they were typed unseen.
func (d *NTTY) take(p []byte, n uint32) int {
	p = p[:min(len(p), int(n))]
	done := 0
	for done < len(p) {
		from := d.in.b[d.tail&mask:]
		c := copy(p[done:], from)
		if d.hidden() {
			clear(from[:c])
		}
		done += c
		d.tail += uint32(c)
	}
	return done
}

// readExtproc reads under EXTPROC and ICANON, where the client does the lines: VEOF,
// when it is the last byte and comes alone, is an end of file and no byte. The kernel
// asks that of each piece that it copies, of at most 64 bytes.
func (d *NTTY) readExtproc(p []byte) int {
	const piece = 64
	done := 0
	for done < len(p) && d.head != d.tail {
		n := min(d.head-d.tail, piece, Size-d.tail&mask)
		if n == 1 || len(p)-done == 1 {
			last := d.in.b[d.tail&mask] == d.t.Cc[tm.VEOF] && d.head-d.tail == 1
			if last {
				d.tail++
				break
			}
		}
		done += d.take(p[done:min(len(p), done+piece)], n)
	}
	return done
}

package ldisc

import (
	"bytes"
	"sync"

	tm "github.com/ptsns/ptsns/termios"
)

// echoBuf is echo that waits for the end of its burst, or for output to go on. What
// it costs in columns and room is known only when it goes out, so some of it is
// operations: opEscape and one more byte, or two for opTab. Positions run freely.
//
// Where output is stopped for long the buffer forgets the oldest echo, and what one
// key echoes beyond its size (^R of a long line of control characters) comes out as
// the kernel's does: garbled.
type echoBuf struct {
	b          [Size]byte
	head, tail uint32
	commit     uint32 // what is before may go out
	mark       uint32 // what is before belongs to whole characters
}

const (
	opEscape = 0xff // itself when doubled; before any other byte c: echo ^ and c^0x40
	opBack   = 0x80 // one column back, without a byte
	opCanon  = 0x81 // the line starts at this column
	opTab    = 0x82 // erase a tab; a byte with the columns before it follows
)

const (
	tabAfterTab = 0x80 // in opTab's byte: those columns start at a tab

	commitBlock = 256 // a burst's echo goes out in blocks of at least this size
	nearlyFull  = Size - commitBlock - 32
)

var echoPool = sync.Pool{New: func() any { return new(echoBuf) }}

func (d *NTTY) echoByte(c byte) {
	if d.echo == nil {
		d.echo = echoPool.Get().(*echoBuf)
	}
	e := d.echo
	e.b[e.head&mask] = c
	e.head++
}

func (d *NTTY) echoOp(op byte) {
	d.echoByte(opEscape)
	d.echoByte(op)
}

// echoRaw echoes c through output processing.
func (d *NTTY) echoRaw(c byte) {
	if c == opEscape {
		d.echoByte(c)
	}
	d.echoByte(c)
}

// echoChar echoes c, as ^X where ECHOCTL asks for that.
func (d *NTTY) echoChar(c byte) {
	if c == opEscape || control(c) && c != '\t' && d.lflag(tm.ECHOCTL) {
		d.echoByte(opEscape)
	}
	d.echoByte(c)
}

// echoInLine is echoChar of a byte of the line, perhaps its first.
func (d *NTTY) echoInLine(c byte) {
	if d.canon == d.head {
		d.echoOp(opCanon)
	}
	d.echoChar(c)
}

func (d *NTTY) echoTab(columns int, afterTab bool) {
	d.echoOp(opTab)
	c := byte(columns & 7)
	if afterTab {
		c |= tabAfterTab
	}
	d.echoByte(c)
}

// commitEchoes ends a character's echo. A block of it goes out before the burst ends.
func (d *NTTY) commitEchoes(out *Queue) {
	e := d.echo
	if e == nil {
		return
	}
	e.mark = e.head
	old, now := e.commit-e.tail, e.head-e.tail
	if now < commitBlock || now%commitBlock > old%commitBlock {
		return
	}
	e.commit = e.head
	d.sendEchoes(out)
}

// queueEcho is echoByte and commitEchoes for each byte of p, in blocks.
func (d *NTTY) queueEcho(p []byte, out *Queue) {
	for len(p) > 0 {
		if d.echo == nil {
			d.echo = echoPool.Get().(*echoBuf)
		}
		e := d.echo
		now, old := e.head-e.tail, e.commit-e.tail
		n := commitBlock - now%commitBlock
		if now+1 >= commitBlock && (now+1)%commitBlock <= old%commitBlock {
			n = 1
		}
		n = min(n, uint32(len(p)))
		copied := copy(e.b[e.head&mask:], p[:n])
		copy(e.b[:], p[copied:n])
		e.head += n
		p = p[n:]
		d.commitEchoes(out)
	}
}

// flushEchoes sends what a burst has echoed.
func (d *NTTY) flushEchoes(out *Queue) {
	e := d.echo
	if e == nil || !d.lflag(tm.ECHO|tm.ECHONL) || e.commit == e.head {
		return
	}
	e.commit = e.head
	d.sendEchoes(out)
}

// processEchoes sends what earlier could not go out.
func (d *NTTY) processEchoes(out *Queue) {
	e := d.echo
	if e == nil || e.mark == e.tail {
		return
	}
	e.commit = e.mark
	d.sendEchoes(out)
}

func (d *NTTY) dropEcho() {
	if d.echo == nil {
		return
	}
	clear(d.echo.b[:min(d.echo.head, Size)]) // what others typed is not for the next user of the pool
	d.echo.head, d.echo.tail, d.echo.commit, d.echo.mark = 0, 0, 0, 0
	echoPool.Put(d.echo)
	d.echo = nil
}

// sendEchoes moves committed echo to out as far as there is room.
func (d *NTTY) sendEchoes(out *Queue) {
	e := d.echo
	room := d.outRoom(out)
	for e.commit&mask != e.tail&mask {
		if n := d.sendPrinting(room, out); n > 0 {
			room -= n
			continue
		}
		used, size, ok := d.sendEcho(room, out)
		if !ok {
			break
		}
		room -= used
		e.tail += size
	}
	// Make sure that the next block fits.
	for e.commit > e.tail && e.commit-e.tail >= nearlyFull {
		excess := e.commit - e.tail - nearlyFull + 1
		plain := bytes.IndexByte(e.oldest(excess), opEscape)
		if plain < 0 {
			plain = len(e.oldest(excess))
		}
		if plain == 0 {
			e.tail += e.opSize()
		}
		e.tail += uint32(plain)
	}
	if e.tail == e.head {
		d.dropEcho()
	}
}

// sendPrinting sends printing ASCII, which no setting but OLCUC changes, in one piece,
// and tells how much.
func (d *NTTY) sendPrinting(room int, out *Queue) int {
	e := d.echo
	if !d.tab.plain {
		return 0
	}
	p := e.oldest((e.commit - e.tail) & mask)
	n := printing(p[:min(len(p), room)])
	out.Put(p[:n])
	if d.oflag(tm.OPOST) {
		d.column += uint32(n)
	}
	e.tail += uint32(n)
	return n
}

// oldest is contiguous memory of up to n of the oldest bytes.
func (e *echoBuf) oldest(n uint32) []byte {
	at := e.tail & mask
	return e.b[at:min(at+n, Size)]
}

// opSize is the size of the oldest operation or byte.
func (e *echoBuf) opSize() uint32 {
	if e.b[e.tail&mask] != opEscape {
		return 1
	}
	if e.b[(e.tail+1)&mask] == opTab {
		return 3
	}
	return 2
}

// sendEcho sends the oldest operation or byte, and tells the room that it took and
// its size in the buffer; not ok when there is too little room.
func (d *NTTY) sendEcho(room int, out *Queue) (used int, size uint32, ok bool) {
	e := d.echo
	c := e.b[e.tail&mask]
	size = e.opSize()
	if c != opEscape {
		if d.oflag(tm.OPOST) {
			used = d.process(c, room, out)
			return used, size, used >= 0
		}
		if room < 1 {
			return 0, 0, false
		}
		out.PutByte(c)
		return 1, size, true
	}
	switch op := e.b[(e.tail+1)&mask]; op {
	case opTab:
		columns := uint32(e.b[(e.tail+2)&mask])
		if columns&tabAfterTab == 0 {
			columns += d.canonColumn
		}
		used = int(8 - columns&7)
		if used > room {
			return 0, 0, false
		}
		for range used {
			out.PutByte('\b')
			d.back()
		}
	case opCanon:
		d.canonColumn = d.column
	case opBack:
		d.back()
	case opEscape:
		if room < 1 {
			return 0, 0, false
		}
		out.PutByte(opEscape)
		d.column++
		used = 1
	default:
		if room < 2 {
			return 0, 0, false
		}
		out.PutByte('^')
		out.PutByte(op ^ 0x40)
		d.column += 2
		used = 2
	}
	return used, size, true
}

var escaped = []byte{opEscape}

func (d *NTTY) back() {
	if d.column > 0 {
		d.column--
	}
}

// echoSpan echoes ordinary bytes; first says that they begin a line.
func (d *NTTY) echoSpan(p []byte, first bool, out *Queue) {
	if first {
		d.canonColumn = d.column
	}
	out.Put(p)
	if !d.oflag(tm.OPOST) {
		d.column += uint32(bytes.Count(p, escaped)) // which is counted even so
		return
	}
	d.column += uint32(len(p))
	if d.iflag(tm.IUTF8) {
		for _, c := range p {
			if c&0xc0 == 0x80 {
				d.column--
			}
		}
	}
}

// echoLine echoes a newline, for which there is room.
func (d *NTTY) echoLine(out *Queue) {
	if d.oflag(tm.OPOST) {
		d.process('\n', 2, out)
		return
	}
	out.PutByte('\n')
}

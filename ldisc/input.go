package ldisc

import (
	"bytes"

	"github.com/ptsns/ptsns/termios"
)

// Receive takes bytes that the ptm wrote, echoes into out, and tells how many it
// took. It takes fewer than len(p) when the buffer is full: only once a line is
// complete, or without lines. A line that is too long goes on to be taken and echoed,
// and each further byte replaces the last.
func (d *NTTY) Receive(p []byte, out *Queue, fx *Effects) int {
	return d.receiveAll(p, false, out, fx)
}

// ReceivePlain is Receive of bytes that Plain has approved under these settings, which
// it does not look at again.
func (d *NTTY) ReceivePlain(p []byte, out *Queue, fx *Effects) int {
	return d.receiveAll(p, true, out, fx)
}

func (d *NTTY) receiveAll(p []byte, plain bool, out *Queue, fx *Effects) int {
	taken := 0
	for {
		room := d.room()
		if room <= 0 {
			overflow := d.lflag(termios.ICANON) && d.canon == d.tail
			if !overflow {
				break
			}
			if room < 0 {
				d.head-- // the byte that was too much has been echoed, and goes
			}
			room = 1
		}
		n := min(len(p)-taken, room)
		if n == 0 {
			break
		}
		d.receive(p[taken:taken+n], plain, out, fx)
		taken += n
	}
	return taken
}

// Full tells whether Receive would take nothing now.
func (d *NTTY) Full() bool {
	return d.room() <= 0 && !(d.lflag(termios.ICANON) && d.canon == d.tail)
}

// room is how many bytes can be stored whatever they are. PARMRK may make three of
// each; and one is kept free for the end of a line.
func (d *NTTY) room() int {
	room := Size - int(d.head-d.tail)
	if d.iflag(termios.PARMRK) {
		room = (room + 2) / 3
	}
	return room - 1
}

// receive takes all of p, one burst: its echo appears together.
func (d *NTTY) receive(p []byte, plain bool, out *Queue, fx *Effects) {
	if d.in == nil {
		d.in = readPool.Get().(*readBuf)
	}
	looked := min(d.looked, uint32(len(p)))
	if d.tab.raw {
		d.store(p)
	} else {
		d.standard(p, plain, looked > 0, out, fx)
	}
	d.looked -= looked
	fx.Input = fx.Input || d.Readable()
	if d.head == d.tail {
		d.release()
	}
}

// Lookahead acts on the flow control characters of bytes that wait where Receive has
// not taken them yet.
func (d *NTTY) Lookahead(p []byte, out *Queue, fx *Effects) {
	d.looked += uint32(len(p))
	start, stop := d.t.Cc[termios.VSTART], d.t.Cc[termios.VSTOP]
	if !d.iflag(termios.IXON) || bytes.IndexByte(p, start) < 0 && bytes.IndexByte(p, stop) < 0 {
		return
	}
	for _, c := range p {
		d.flowChar(c, false, out, fx)
	}
}

// Plain tells whether no byte of p means anything: each is to be stored and, with ECHO,
// echoed as it is.
func (d *NTTY) Plain(p []byte) bool {
	return (d.tab.spans || d.tab.raw && !d.iflag(termios.IXON)) && d.tab.ordinary(p) == len(p)
}

// LookPast is Lookahead of n bytes that are Plain.
func (d *NTTY) LookPast(n int) { d.looked += uint32(n) }

// Forget drops the memory of what Lookahead has seen: those bytes will not come.
func (d *NTTY) Forget() { d.looked = 0 }

// standard alternates between spans of ordinary bytes and single others.
func (d *NTTY) standard(p []byte, plain, looked bool, out *Queue, fx *Effects) {
	if !d.tab.spans {
		for _, c := range p {
			d.char(c, looked, out, fx)
		}
		d.flushEchoes(out)
		return
	}
	n := len(p)
	if !plain {
		n = d.tab.ordinary(p)
	}
	hazard := n < len(p) && d.tab.hazard(p[n:])
	for {
		done := d.span(p[:n], hazard, out)
		d.queueSpan(p[done:n], looked, out, fx)
		p = p[n:]
		if len(p) == 0 {
			break
		}
		d.char(p[0], looked, out, fx)
		p = p[1:]
		n = d.tab.ordinary(p)
	}
	d.flushEchoes(out)
}

// span takes of p, ordinary bytes, those that can be handled together, and tells how
// many. It takes none when their echo must wait its turn: behind other echo, or
// because a hazard in the same burst may take it back.
func (d *NTTY) span(p []byte, hazard bool, out *Queue) int {
	if len(p) < 2 || d.lnext || d.stopped && d.iflag(termios.IXANY) || d.in == nil {
		return 0
	}
	echo, echoNL := d.lflag(termios.ECHO), d.lflag(termios.ECHO|termios.ECHONL)
	if echoNL {
		if hazard || d.stopped || d.erasing && echo {
			return 0
		}
		if d.echo != nil {
			d.flushEchoes(out)
		}
		if d.echo != nil {
			return 0
		}
		p = p[:min(len(p), out.Room()/2)]
	}
	if len(p) == 0 {
		return 0
	}
	start := d.head
	d.store(p)
	if !d.lflag(termios.ICANON) {
		if echo {
			d.echoSpan(p, d.canon == start, out)
		}
		return len(p)
	}
	if !echoNL {
		d.endLines(p, start)
		return len(p)
	}
	for at := start; len(p) > 0; {
		n := bytes.IndexByte(p, '\n')
		if n < 0 {
			if echo {
				d.echoSpan(p, d.canon == at, out)
			}
			break
		}
		if echo && n > 0 {
			d.echoSpan(p[:n], d.canon == at, out)
		}
		d.echoLine(out)
		at += uint32(n) + 1
		d.mark(at - 1)
		d.canon = at
		p = p[n+1:]
	}
	return int(d.head - start)
}

// endLines makes the newlines of p, ordinary bytes that are stored at start, ends of
// lines. Nobody needs to know where each is before it is read.
func (d *NTTY) endLines(p []byte, start uint32) {
	n := bytes.LastIndexByte(p, '\n')
	if n < 0 {
		return
	}
	switch {
	case d.newline(d.canon, start-d.canon) < start-d.canon: // one that ends nothing
		d.markLines()
		d.linesFrom = start
	case d.linesFrom == d.linesTo:
		d.linesFrom = d.canon
	case d.linesTo != d.canon: // a line has ended in another way
		d.markLines()
		d.linesFrom = d.canon
	}
	d.canon = start + uint32(n) + 1
	d.linesTo = d.canon
}

// queueSpan takes all of p, ordinary bytes whose echo waits: those inside a line
// together.
func (d *NTTY) queueSpan(p []byte, looked bool, out *Queue, fx *Effects) {
	for len(p) > 0 {
		d.char(p[0], looked, out, fx)
		p = p[1:]
		n := len(p)
		if d.lflag(termios.ICANON) {
			if nl := bytes.IndexByte(p, '\n'); nl >= 0 {
				n = nl
			}
		}
		if n == 0 || d.canon == d.head || d.lnext || d.erasing || d.stopped && d.iflag(termios.IXANY) ||
			bytes.IndexByte(p[:n], opEscape) >= 0 {
			continue
		}
		d.store(p[:n])
		if d.lflag(termios.ECHO) {
			d.queueEcho(p[:n], out)
		}
		p = p[n:]
	}
}

// store appends p to the input; there is room.
func (d *NTTY) store(p []byte) {
	for len(p) > 0 {
		n := copy(d.in.b[d.head&mask:], p)
		d.head += uint32(n)
		p = p[n:]
	}
}

// put appends c.
func (d *NTTY) put(c byte) {
	d.in.b[d.head&mask] = c
	d.head++
}

// Insert takes one byte ahead of whatever waits to be received (TIOCSTI). Where there
// is no room it is lost.
func (d *NTTY) Insert(c byte, out *Queue, fx *Effects) {
	looked := d.looked
	d.looked = 0
	d.Receive([]byte{c}, out, fx)
	d.looked = looked
}

package ldisc

import (
	"bytes"

	"github.com/ptsns/ptsns/termios"
)

// Receive takes bytes that the ptm wrote, echoes into out, and tells how many it
// took. It takes fewer than len(p) when the buffer is full: only once a line is complete, or
// without lines. A line that is too long goes on to be taken and echoed, and each
// further byte replaces the last.
func (d *NTTY) Receive(p []byte, out *Queue, fx *Effects) int {
	taken := 0
	for taken < len(p) {
		room := d.room()
		if room <= 0 {
			overflow := d.lflag(termios.ICANON) && d.canon == d.tail
			if !overflow {
				break
			}
			if room < 0 {
				d.head--
			}
			room = 1
		}
		n := min(len(p)-taken, room)
		d.receive(p[taken:taken+n], out, fx)
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
func (d *NTTY) receive(p []byte, out *Queue, fx *Effects) {
	if d.in == nil {
		d.in = readPool.Get().(*readBuf)
	}
	looked := min(d.looked, uint32(len(p)))
	if d.tab.raw {
		d.store(p)
	} else {
		d.standard(p, looked > 0, out, fx)
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
	if !d.iflag(termios.IXON) {
		return
	}
	for _, c := range p {
		if d.tab.class[c]&classHazard != 0 {
			d.flowChar(c, false, out, fx)
		}
	}
}

// Forget drops the memory of what Lookahead has seen: those bytes will not come.
func (d *NTTY) Forget() { d.looked = 0 }

// standard alternates between spans of ordinary bytes and single others.
func (d *NTTY) standard(p []byte, looked bool, out *Queue, fx *Effects) {
	hazard := true // until known
	if d.tab.spans {
		first := d.tab.ordinary(p)
		hazard = first < len(p) && d.tab.hazard(p[first:])
		n := d.span(p[:first], hazard, out)
		p = p[n:]
	}
	for len(p) > 0 {
		d.char(p[0], looked, out, fx)
		p = p[1:]
		if !d.tab.spans || len(p) == 0 {
			continue
		}
		if n := d.tab.ordinary(p); n > 1 {
			p = p[d.span(p[:n], hazard, out):]
		}
	}
	d.flushEchoes(out)
}

// span takes all of p, ordinary bytes, or nothing when their echo must wait its turn:
// behind other echo, or because a hazard in the same burst may take it back.
func (d *NTTY) span(p []byte, hazard bool, out *Queue) int {
	if d.lnext || d.stopped && d.iflag(termios.IXANY) || d.in == nil {
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
		if d.echo != nil || out.Room() < 2*len(p) {
			return 0
		}
	}
	start := d.head
	d.store(p)
	if !d.lflag(termios.ICANON) {
		if echo {
			d.echoSpan(p, d.canon == start, out)
		}
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
		if echoNL {
			d.echoLine(out)
		}
		at += uint32(n) + 1
		d.mark(at - 1)
		d.canon = at
		p = p[n+1:]
	}
	return int(d.head - start)
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

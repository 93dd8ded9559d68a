package ldisc

import (
	"bytes"

	tm "github.com/ptsns/ptsns/termios"
)

// Write takes bytes that the pts wrote, turns them into what the ptm reads, and tells
// how many it took: fewer than len(p) when out is full, none when output is stopped.
func (d *NTTY) Write(p []byte, out *Queue) int {
	d.processEchoes(out)
	room := d.outRoom(out)
	if !d.oflag(tm.OPOST) {
		n := min(len(p), room)
		if n > 0 {
			out.Put(p[:n])
		}
		return n
	}
	taken := 0
	if d.tab.plain {
		for taken < len(p) && room >= 2 {
			n := min(len(p)-taken, room)
			if d.oflag(tm.ONLCR) {
				n = min(n, room/2)
				d.lines(p[taken:taken+n], out)
			} else {
				out.Put(p[taken : taken+n])
			}
			d.track(p[taken : taken+n])
			taken += n
			room = d.outRoom(out)
		}
	}
	for taken < len(p) {
		used := d.process(p[taken], room, out)
		if used < 0 {
			break
		}
		room -= used
		taken++
	}
	return taken
}

// outRoom is how much output may be put.
func (d *NTTY) outRoom(out *Queue) int {
	if d.stopped {
		return 0
	}
	return out.Room()
}

// CanWrite tells whether a writer of the pts should try.
func (d *NTTY) CanWrite(out *Queue) bool { return d.outRoom(out) > 0 }

// lines puts p with ONLCR; there is room for twice its size.
func (d *NTTY) lines(p []byte, out *Queue) {
	for len(p) > 0 {
		line := p
		n := bytes.IndexByte(p, '\n')
		if n >= 0 {
			line = p[:n]
		}
		p = p[len(line):]
		if to := out.span(); len(to) >= len(line)+2 { // in one piece
			copy(to, line)
			if n >= 0 {
				to[len(line)], to[len(line)+1] = '\r', '\n'
				line = to[:len(line)+2]
				p = p[1:]
			}
			out.head += uint32(len(line))
			continue
		}
		out.Put(line)
		if n >= 0 {
			out.PutByte('\r')
			out.PutByte('\n')
			p = p[1:]
		}
	}
}

// track moves the column over p, output in which NL alone may be changed.
func (d *NTTY) track(p []byte) {
	if d.oflag(tm.ONLCR | tm.ONLRET) {
		if n := bytes.LastIndexByte(p, '\n'); n >= 0 {
			d.column, d.canonColumn = 0, 0
			p = p[n+1:]
		}
	}
	for len(p) > 0 {
		if n := printing(p); n > 0 {
			d.column += uint32(n)
			p = p[n:]
			continue
		}
		switch c := p[0]; c {
		case '\n':
			d.canonColumn = d.column
		case '\r':
			d.column, d.canonColumn = 0, 0
		case '\t':
			d.column += 8 - d.column&7
		case '\b':
			d.back()
		default:
			if !control(c) && !d.continuation(c) {
				d.column++
			}
		}
		p = p[1:]
	}
}

// process puts what OPOST makes of c and tells how much room that took, -1 when there
// is too little; then nothing has changed but, before a newline with ONLRET, the
// column.
func (d *NTTY) process(c byte, room int, out *Queue) int {
	if room < 1 {
		return -1
	}
	switch c {
	case '\n':
		if d.oflag(tm.ONLRET) {
			d.column = 0
		}
		if d.oflag(tm.ONLCR) {
			if room < 2 {
				return -1
			}
			d.column, d.canonColumn = 0, 0
			out.PutByte('\r')
			out.PutByte('\n')
			return 2
		}
		d.canonColumn = d.column
	case '\r':
		if d.oflag(tm.ONOCR) && d.column == 0 {
			return 0
		}
		if d.oflag(tm.OCRNL) {
			c = '\n' // which ONLCR does not see
			if !d.oflag(tm.ONLRET) {
				break
			}
		}
		d.column, d.canonColumn = 0, 0
	case '\t':
		spaces := 8 - d.column&7
		if d.t.Oflag&tm.TABDLY == tm.XTABS {
			if room < int(spaces) {
				return -1
			}
			d.column += spaces
			for range spaces {
				out.PutByte(' ')
			}
			return int(spaces)
		}
		d.column += spaces
	case '\b':
		d.back()
	default:
		if control(c) {
			break
		}
		if d.oflag(tm.OLCUC) {
			c = toUpper(c)
		}
		if !d.continuation(c) {
			d.column++
		}
	}
	out.PutByte(c)
	return 1
}

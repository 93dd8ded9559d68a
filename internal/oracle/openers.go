package oracle

import "strconv"

// openers is about who has the ptm open and waits, as a process does that carries a terminal's bytes.
func (p *processes) openers() {
	p.add("pair", "")
	p.add("open", "ptm block")
	p.add("ioctl", "ptm TIOCSPTLCK 0")
	p.add("open", "pts")
	p.add("set", p.modes(p.s.n(4)))
	p.fork("", "opener", "ptm")
	p.fork("", "program", "")
	p.by("program", "open", "pts as tty noctty")
	for range 4 + p.s.n(12) {
		p.carried()
		if p.s.one(3) {
			p.by("opener", "result", "")
			p.by("program", "result", "")
			p.add("poll", "ptm")
			p.add("poll", "pts")
		}
	}
	p.by("opener", "result", "")
	p.by("program", "result", "")
}

func (p *processes) carried() {
	switch p.s.n(16) {
	case 0, 1, 2:
		p.by("opener", "read", "ptm "+p.pick("1", "3", "100"))
	case 3, 4, 5:
		p.by("opener", "write", "ptm "+quote(p.typed()))
	case 6, 7:
		p.by("program", "read", "tty "+p.pick("1", "5", "64", "100"))
	case 8, 9:
		p.by("program", "write", `tty "`+p.pick("w", "out\\n", "")+`"`)
	case 10:
		p.add("write", `pts "`+p.pick("w", "out\\n")+`"`)
	case 11:
		p.add("set", p.modes(1))
	case 12:
		p.add("ioctl", "ptm TIOCPKT "+strconv.Itoa(p.s.n(2)))
	case 13:
		p.add("ioctl", p.pick("ptm", "pts")+" TCXONC "+strconv.Itoa(p.s.n(2)))
	case 14:
		p.add("ioctl", p.pick("ptm", "pts")+" TCFLSH "+strconv.Itoa(p.s.n(3)))
	case 15:
		switch p.s.n(6) {
		case 0:
			p.add("ioctl", "ptm TIOCSETD 0")
		case 1:
			p.add("ioctl", "pts TIOCSETD "+p.pick("0", "27"))
		case 2:
			p.add("ioctl", p.pick("ptm", "pts")+" TIOCVHANGUP")
		case 3:
			p.by("program", "close", "tty")
		case 4:
			p.add("close", "pts")
		case 5:
			p.add("open", "pts")
		}
	}
}

package oracle

import (
	"fmt"
	"strconv"
	"strings"
)

// What happens in a conversation with processes.

// step is something that happens.
func (p *processes) step() {
	switch n := p.s.n(20); {
	case n < 5:
		p.observed()
	case n < 10:
		p.transfer(p.anyone())
	case n < 15:
		p.control(p.anyone())
	case n < 17:
		p.by("", "kill", p.anyone()+" "+p.pick("CONT", "CONT", "CONT", "TSTP", "HUP", "INT"))
	case n < 18:
		p.life(p.anyone())
	default:
		p.by(p.anyone(), "result", "")
	}
	if p.s.one(4) {
		p.inquire()
	}
}

// observed is what the observer does.
func (p *processes) observed() {
	switch p.s.n(16) {
	case 0, 1, 2, 3, 4:
		p.add("write", "ptm "+quote(p.typed()))
	case 5, 6:
		p.add("set", "ptm "+p.modes(1+p.s.n(2)))
	case 7:
		p.add("ioctl", "ptm TIOCSIG "+p.pick("INT", "QUIT", "TSTP"))
	case 8:
		p.add("ioctl", fmt.Sprintf("ptm TIOCSWINSZ %d 2 3 4", p.s.n(3)))
	case 9, 10:
		p.add("ioctl", p.pick("ptm", "pts")+" TCXONC "+p.pick("0", "1", "1"))
	case 11:
		p.add("ioctl", p.pick("ptm", "pts")+" TCFLSH "+strconv.Itoa(p.s.n(3)))
	case 12:
		on := p.s.n(2)
		p.add("ioctl", "ptm TIOCPKT "+strconv.Itoa(on))
		p.packet = on != 0
		p.drain()
	case 13:
		p.drain()
		p.add("read", "pts 100")
	case 14:
		p.add("ioctl", "pts TIOCSETD "+p.pick("0", "0", "27"))
	case 15:
		p.ending()
	}
}

// drain reads all of the output.
func (p *processes) drain() {
	if p.packet {
		p.add("packets", "ptm")
	} else {
		p.add("take", "ptm")
	}
}

// ending is what hangs up, or comes close.
func (p *processes) ending() {
	switch p.s.n(6) {
	case 0:
		p.add("close", "ptm")
		p.over = true
	case 1:
		p.add("ioctl", "pts TIOCVHANGUP")
	case 2:
		p.add("ioctl", "ptm TIOCVHANGUP")
	case 3:
		p.add("close", "pts")
	case 4:
		p.add("open", "pts")
	case 5:
		p.add("ioctl", "ptm TIOCSPTLCK "+p.pick("0", "1"))
	}
}

// typed is input in small pieces, with what sends signals and ends lines.
func (p *processes) typed() []byte {
	switch p.s.n(6) {
	case 0:
		return []byte{"\x03\x1a\x1c\x1a\x13\x11\x04"[p.s.n(7)]}
	case 1:
		return []byte(strings.Repeat("y", 1+p.s.n(80)))
	case 2:
		return []byte("one\ntwo\n")
	}
	return []byte(p.pick("x", "line\n", "ab;", "end\x04", "\n", "\x04"))
}

// transfer reads or writes.
func (p *processes) transfer(name string) {
	switch p.s.n(8) {
	case 0, 1, 2, 3:
		p.by(name, "read", p.tty+" "+p.pick("0", "1", "5", "64", "100"))
	case 4, 5, 6:
		p.by(name, "write", p.tty+" "+p.pick(`""`, `"w"`, `"out\n"`, `"more"`, `"x"*2100`))
	case 7:
		p.by(name, "poll", p.tty)
	}
}

// control is a request about the session, or one that the background may not make.
func (p *processes) control(name string) {
	switch p.s.n(16) {
	case 0, 1, 2, 3, 4:
		p.by(name, "ioctl", p.tty+" TIOCSPGRP "+p.anyone())
	case 5:
		p.by(name, "ioctl", p.tty+" TIOCSPGRP "+p.pick("0", "-1", "999999", "1"))
	case 6, 7:
		p.by(name, "ioctl", p.tty+" TIOCSCTTY "+strconv.Itoa(p.s.n(3)))
	case 8:
		p.by(name, "ioctl", p.tty+" TIOCNOTTY")
	case 9:
		p.by(name, "set", p.tty+" "+p.modes(1))
	case 10:
		p.by(name, "ioctl", p.tty+" TCFLSH "+strconv.Itoa(p.s.n(3)))
	case 11:
		p.by(name, "ioctl", p.tty+" TCXONC "+strconv.Itoa(p.s.n(2)))
	case 12:
		p.by(name, "ioctl", p.tty+" TCSBRK 1")
	case 13:
		p.by(name, "ioctl", p.tty+` TIOCSTI "s"`)
	case 14:
		p.by(name, "ioctl", p.tty+" TIOCSETD 0")
	case 15:
		p.by(name, "ioctl", fmt.Sprintf("%s TIOCSWINSZ %d 2 3 4", p.tty, p.s.n(3)))
	}
}

// life is what changes a process.
func (p *processes) life(name string) {
	switch p.s.n(7) {
	case 0:
		p.by(name, "exit", "")
		p.wait(name)
		p.dead += " " + name
	case 1:
		p.by("", "kill", name+" KILL")
		p.wait(name)
		p.dead += " " + name
	case 2:
		p.by(name, "setsid", "")
	case 3:
		p.join(name)
	case 4:
		p.by(name, "close", p.tty)
	case 5:
		p.by(name, "open", p.pick("tty as tty", "pts as tty noctty", "pts as tty"))
	case 6:
		p.disposition(name)
	}
}

// wait has its parent wait for a process, where that is not the observer.
func (p *processes) wait(name string) {
	for _, m := range p.all {
		if m.name == name && m.parent != "" {
			p.by(m.parent, "wait", name)
		}
	}
}

// inquire asks what does not change anything but what has been told.
func (p *processes) inquire() {
	if !p.over {
		p.add("ioctl", "ptm TIOCGPGRP")
		p.add("ioctl", "ptm TIOCGSID")
		p.add("poll", "ptm")
	}
	for _, m := range p.all {
		p.by(m.name, "result", "")
		p.wait(m.name)
		p.by(m.name, "signals", "")
		if p.s.one(3) {
			p.by(m.name, "ioctl", p.tty+" "+p.pick("TIOCGSID", "TIOCGPGRP", "FIONREAD"))
		}
	}
}

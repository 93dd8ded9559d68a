package oracle

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/termios"
)

// processes makes a conversation with processes: sessions, groups, dispositions, and calls that wait
// until a later step ends them. It keeps away from what is not to be compared:
//   - time: VTIME is 0, so that what a call waits for is a step;
//   - TCSETSW, TCSETSF, TCIOFF and TCION, which wait for a blocked writer in the kernel alone;
//   - handlers without SA_RESTART in processes that stop: which thread of the kernel's helper takes the
//     signal that came meanwhile, and whether a call ends with it, is open. For the same reason who
//     blocks SIGTTIN or SIGTTOU is alone in its group.
type processes struct {
	*generator
	all  []member
	tty  string // what processes call their end
	deaf string // who blocks signals, and so is alone in its group: only the caller's thread blocks them
	dead string // who has ended, each after a space: no group of theirs is joined
	over bool   // the ptm was closed
}

type member struct{ name, parent string }

// GenerateJobs makes the conversation with processes of a seed.
func GenerateJobs(seed uint64) *Conversation {
	name := "jobs seed " + strconv.FormatUint(seed, 10)
	s := &source{rand: rand.New(rand.NewPCG(seed, 1))}
	g := &generator{s: s, t: termios.Default(), c: &Conversation{Name: name, Header: map[string]string{"title": name}}}
	g.c.Lines = []Line{{Text: "title: " + name}, {}}
	p := &processes{generator: g, tty: "tty"}
	if s.one(4) {
		p.openers()
	} else {
		p.sessions()
	}
	return g.c
}

// by adds a step of a process.
func (p *processes) by(proc, verb, args string) {
	p.c.Lines = append(p.c.Lines, Line{Step: Step{Proc: proc, Verb: verb, Args: strings.TrimSpace(args)}})
}

func (p *processes) pick(words ...string) string { return words[p.s.n(len(words))] }

func (p *processes) anyone() string { return p.all[p.s.n(len(p.all))].name }

func (p *processes) fork(parent, name, ends string) {
	p.by(parent, "fork", name+" "+ends)
	p.all = append(p.all, member{name, parent})
}

// modes are settings that matter to who waits.
func (p *processes) modes(n int) string {
	out := make([]string, 0, n)
	for range n {
		out = append(out, p.pick("TOSTOP", "TOSTOP", "-TOSTOP", "-ICANON", "ICANON", "raw", "ISIG", "-ISIG", "NOFLSH", "-NOFLSH", "-ECHO", "ECHO",
			"IXANY", "VMIN=0", "VMIN=1", "VMIN=3", "VMIN=70", "EXTPROC", "-EXTPROC", "VEOL=;", "-OPOST"))
	}
	return strings.Join(out, " ")
}

// sessions is about who may do what, and when it is told.
func (p *processes) sessions() {
	p.add("pair", p.modes(p.s.n(3)))
	if p.s.one(3) {
		p.add("close", "pts")
	}
	p.fork("", "leader", p.pick("", "ptm"))
	p.by("leader", "setsid", "")
	p.by("leader", "open", "pts as tty "+p.pick("", "", "", "", "noctty", "wronly", "nonblock"))
	if p.s.one(6) {
		p.by("leader", "ioctl", "tty TIOCSCTTY "+strconv.Itoa(p.s.n(2)))
	}
	for i := range 1 + p.s.n(3) {
		p.child("leader", string(rune('a'+i)))
	}
	switch p.s.n(4) {
	case 0: // whom an exit may orphan
		p.child("a", "grandchild")
	case 1: // of another session
		p.fork(p.pick("", "leader"), "other", "")
		if p.s.one(4) {
			p.by("other", "setuid", "1000")
		} else {
			p.by("other", "open", "pts as tty "+p.pick("noctty", "noctty", "noctty nonblock"))
		}
		p.by("other", "setsid", "")
	}
	for range 4 + p.s.n(12) {
		if p.step(); p.over {
			break
		}
	}
	p.inquire()
}

// child is a child with a tty, mostly a group of its own, and dispositions.
func (p *processes) child(parent, name string) {
	how := p.s.n(5)
	if how == 0 {
		p.fork(parent, name, "")
		p.by(name, "open", "pts as tty noctty "+p.pick("", "nonblock", "rdonly"))
	} else {
		p.fork(parent, name, "tty")
	}
	switch p.s.n(6) {
	case 0:
	case 1:
		p.join(name)
	case 2:
		p.by(name, "setpgid", "")
		if name == "b" {
			p.by(name, "block", p.pick("TTIN", "TTOU"))
			p.deaf = name
		}
	default:
		p.by(name, "setpgid", "")
	}
	if p.s.one(3) {
		p.disposition(name)
	}
}

// join has a process change its group.
func (p *processes) join(name string) {
	if to := p.anyone(); name != p.deaf && to != p.deaf && !strings.Contains(p.dead, " "+to) {
		p.by(name, "setpgid", to)
	}
}

func (p *processes) disposition(name string) {
	switch p.s.n(4) {
	case 0:
		p.by(name, "catch", p.pick("TTIN", "TTOU"))
	case 1:
		p.by(name, "default", p.pick("HUP", "INT"))
	default:
		p.by(name, "ignore", p.pick("TTIN", "TTOU", "TTOU", "TSTP", "INT", "HUP"))
	}
}

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

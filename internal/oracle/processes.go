package oracle

import (
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

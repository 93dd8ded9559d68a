package oracle

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/termios"
)

// A source is where a generated conversation takes its choices from: a seeded generator, or
// the bytes of a fuzz test, which are used up.
type source struct {
	rand *rand.Rand // nil: data
	data []byte
	done bool
}

// n is a choice below limit.
func (s *source) n(limit int) int {
	if s.rand != nil {
		return s.rand.IntN(limit)
	}
	v := int(s.byte())
	if limit > 256 {
		v |= int(s.byte()) << 8
	}
	return v % limit
}

func (s *source) byte() byte {
	if s.rand != nil {
		return byte(s.rand.Uint32())
	}
	if len(s.data) == 0 {
		s.done = true
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

// one is true once in n.
func (s *source) one(n int) bool { return s.n(n) == 0 }

// generator makes a conversation that the kernel's driver can hold quickly: mostly it
// leaves nothing unread that would hide whether a worker is done.
type generator struct {
	s      *source
	c      *Conversation
	t      termios.Termios // the settings, as far as steps tell
	packet bool
	gone   bool // the ptm was closed
	long   bool // it is about limits
}

// Generate makes the conversation of a seed: one pair, its settings, and what happens to it. Nothing in
// it waits; see GenerateJobs.
func Generate(seed uint64) *Conversation {
	return generate(&source{rand: rand.New(rand.NewPCG(seed, 0))}, "seed "+strconv.FormatUint(seed, 10))
}

// GenerateFrom makes the conversation of the choices in data.
func GenerateFrom(data []byte) *Conversation {
	return generate(&source{data: data}, "fuzz")
}

func generate(s *source, name string) *Conversation {
	g := &generator{s: s, t: termios.Default(), c: &Conversation{Name: name, Header: map[string]string{"title": name}}}
	g.c.Lines = []Line{{Text: "title: " + name}, {}}
	if g.long = s.one(10); g.long {
		g.change("pair", "", "VKILL=off VWERASE=off VREPRINT=off VINTR=off VQUIT=off VSUSP=off VERASE=off")
	} else {
		g.change("pair", "", g.settings(1+s.n(12)))
	}
	for range 2 + s.n(8) {
		g.round()
		if s.done || g.gone {
			break
		}
	}
	g.look()
	g.read()
	return g.c
}

func (g *generator) add(verb, args string) {
	g.c.Lines = append(g.c.Lines, Line{Step: Step{Verb: verb, Args: args}})
}

// change is a step that changes the settings.
func (g *generator) change(verb, how, words string) {
	g.add(verb, how+words)
	for _, w := range strings.Fields(words) {
		_ = applySetting(&g.t, w) // what is wrong with it, the step tells
	}
}

// round is something that happens, and mostly a look at what it did.
func (g *generator) round() {
	switch n := g.s.n(32); {
	case n < 13:
		g.add("write", "ptm "+quote(g.input()))
	case n < 18:
		g.add("write", "pts "+quote(g.output()))
	case n < 23:
		how := ""
		if g.s.one(6) {
			how = []string{"drain ", "flush ", "ptm "}[g.s.n(3)]
		}
		g.change("set", how, g.settings(1+g.s.n(4)))
	case n < 30:
		g.request()
	default:
		g.rare()
	}
	g.look()
	if !g.s.one(8) {
		g.read()
	}
}

// look asks for what does not change anything.
func (g *generator) look() {
	g.add("poll", "pts")
	g.add("ioctl", "pts FIONREAD")
	g.add("poll", "ptm")
	if g.packet {
		g.add("packets", "ptm")
	} else {
		g.add("take", "ptm")
	}
}

func (g *generator) read() {
	size := []int{1, 2, 3, 5, 8, 64, 65, 200, 4096, 5000}[g.s.n(10)]
	g.add("reads", "pts "+strconv.Itoa(size))
	if size < 200 && !g.s.one(4) {
		g.add("reads", "pts 5000")
	}
	if g.s.one(8) {
		g.add("take", "ptm") // what the reads let through may have been echoed
		g.packet = g.packet && !g.s.done
	}
}

func (g *generator) request() {
	switch g.s.n(16) {
	case 0, 1:
		g.add("ioctl", "pts TCFLSH "+strconv.Itoa(g.s.n(4)))
	case 2:
		g.add("ioctl", "ptm TCFLSH "+strconv.Itoa(g.s.n(4)))
	case 3, 4:
		g.add("ioctl", "pts TCXONC "+strconv.Itoa(g.s.n(5)))
	case 5:
		g.add("ioctl", "ptm TCXONC "+strconv.Itoa(g.s.n(5)))
	case 6, 7, 8:
		on := g.s.n(3)
		g.add("ioctl", "ptm TIOCPKT "+strconv.Itoa(on))
		g.packet = on != 0 && !g.gone
	case 9:
		g.add("ioctl", "pts TIOCSTI "+quote(g.bytes(1, 10)))
	case 10:
		g.add("ioctl", "ptm TIOCSTI "+quote(g.bytes(1, 10)))
	case 11:
		g.add("ioctl", fmt.Sprintf("pts TIOCSWINSZ %d %d %d %d", g.s.byte(), g.s.byte(), g.s.byte(), g.s.byte()))
		g.add("ioctl", "ptm TIOCGWINSZ")
	case 12:
		g.add("ioctl", "ptm TIOCSIG "+strconv.Itoa(g.s.n(32)))
	case 13:
		g.add("get", "all")
	case 14:
		name := []string{"TCSETA", "TCSETAW", "TCSETAF", "TCSETS2", "TCSETSF2"}[g.s.n(5)]
		words := g.settings(4)
		g.add("ioctl", "pts "+name+" "+words)
		for _, w := range strings.Fields(words) {
			_ = applySetting(&g.t, w) // other settings are now off, which means() does not mind
		}
		g.add("get", "all")
	case 15:
		g.anyRequest()
	}
}

// anyRequest asks one end anything of the table, its argument being what it happens to be.
func (g *generator) anyRequest() {
	r := requests[g.s.n(len(requests))]
	switch r.name {
	case "TIOCCONS", "TIOCVHANGUP", "TIOCSCTTY", "TIOCSETD", "TIOCPKT": // the machine's console; the others elsewhere
		return
	}
	end, arg := []string{"pts", "ptm"}[g.s.n(2)], ""
	switch {
	case g.s.one(6):
		arg = "badptr"
	case !r.set:
	case r.kind == argValue || r.kind == argInt || r.kind == argPID:
		arg = strconv.Itoa(g.s.n(4))
	case r.kind == argByte:
		arg = quote(g.bytes(1, 8))
	case r.kind == argWinsize:
		arg = "1 2 3 4"
	default:
		arg = g.settings(3)
	}
	if r.kind == argValue && arg == "badptr" {
		arg = "1"
	}
	g.add("ioctl", strings.TrimSpace(end+" "+r.name+" "+arg))
}

// away is what happens at the ptm while the pts has no N_TTY. What is written then comes as one piece
// with the next, which input is careful about alone.
func (g *generator) away() {
	for range g.s.n(3) {
		switch g.s.n(3) {
		case 0:
			g.add("write", "ptm "+[]string{`"k"`, `"k\n"`, `"a\x7f"`}[g.s.n(3)])
		case 1:
			g.change("set", "ptm ", g.settings(1+g.s.n(2)))
		case 2:
			g.add("ioctl", "ptm TCFLSH "+strconv.Itoa(g.s.n(3)))
		}
	}
}

// rare is what ends things, or takes the kernel's driver long.
func (g *generator) rare() {
	if !g.s.one(3) {
		return
	}
	switch g.s.n(6) {
	case 0:
		g.add("close", "pts")
		g.add("poll", "ptm")
		g.add("write", "ptm "+quote(g.input()))
		g.add("open", "pts")
	case 1:
		g.add("close", "ptm")
		g.gone, g.packet = true, false
	case 2:
		g.add("ioctl", "pts TIOCVHANGUP")
		if g.t = termios.Default(); g.long {
			g.gone = true // and the usual characters are back
		}
		if !g.gone && g.s.one(2) { // and it goes on
			g.away()
			g.add("open", "pts")
			break
		}
		g.add("open", "pts as pts2")
		g.add("read", "pts2 100")
		g.add("close", "pts2")
	case 3:
		g.add("ioctl", "pts TIOCSETD 27")
		g.add("poll", "pts")
		g.away()
		g.add("ioctl", "pts TIOCSETD 0")
	case 4:
		g.add("ioctl", "ptm TIOCSPTLCK 1")
		g.add("open", "pts as pts2")
		g.add("write", "pts "+quote(g.output()))
		g.add("ioctl", "ptm TIOCSPTLCK 0")
		g.add("open", "pts as pts2")
		g.add("close", "pts2")
	case 5:
		g.add("open", "pts as pts2")
		g.add("write", "pts2 "+quote(g.output()))
		g.add("close", "pts2")
	}
}

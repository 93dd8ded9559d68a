package ldisc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

// A fixture is a discipline, its output, and what it owes.
type fixture struct {
	NTTY
	out Queue
	fx  Effects
}

func newFixture(t testing.TB, stty string) *fixture {
	t.Helper()
	d := &fixture{}
	d.Reset(settings(t, stty))
	return d
}

// settings are the default ones with arguments of stty(1), and "cc slot=value" for
// the rest.
func settings(t testing.TB, stty string) termios.Termios {
	t.Helper()
	s, w := termios.Default(), termios.Winsize{}
	for _, arg := range strings.Fields(stty) {
		name, value, ok := strings.Cut(arg, "=")
		args := []string{name}
		if ok {
			args = append(args, value)
		}
		if err := s.Stty(&w, args...); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (d *fixture) typed(s string) { d.Receive([]byte(s), &d.out, &d.fx) }

func (d *fixture) echoed() string {
	b := make([]byte, QueueSize)
	return string(b[:d.out.Take(b)])
}

// reads are what reads of size n give, quoted, until there is nothing.
func (d *fixture) reads(n int) string {
	var all []string
	for d.Readable() {
		b := make([]byte, n)
		all = append(all, fmt.Sprintf("%q", b[:d.Read(b)]))
	}
	return strings.Join(all, " ")
}

// Each row was measured on Linux 6.18.
var inputs = []struct{ name, stty, in, echo, reads string }{
	{"default line", "", "abc\n", "abc\r\n", `"abc\n"`},
	{"two lines one write", "", "a\nb\n", "a\r\nb\r\n", `"a\n" "b\n"`},
	{"CR->NL", "", "a\r", "a\r\n", `"a\n"`},
	{"IGNCR+ICRNL", "igncr", "a\rb\n", "ab\r\n", `"ab\n"`},
	{"no ICRNL", "-icrnl", "a\rb\n", "a^Mb\r\n", `"a\rb\n"`},
	{"INLCR", "-icrnl inlcr", "a\nb\r", "a^Mb^M", ``},
	{"INLCR+ICRNL", "inlcr", "a\nb\r", "a^Mb\r\n", `"a\rb\n"`},
	{"ISTRIP", "istrip", "\xe1\xe2\n", "ab\r\n", `"ab\n"`},
	{"IUCLC+IEXTEN", "iuclc", "ABC\n", "abc\r\n", `"abc\n"`},
	{"IUCLC no IEXTEN", "iuclc -iexten", "ABC\n", "ABC\r\n", `"ABC\n"`},
	{"PARMRK 0xff doubling", "parmrk", "a\xffb\n", "a\xffb\r\n", `"a\xff\xffb\n"`},
	{"row 32: PARMRK+ISTRIP", "parmrk istrip", "a\xffb\n", "a\b \bb\r\n", `"b\n"`},
	{"NUL char", "", "a\x00b\n", "a^@b\r\n", `"a\x00b\n"`},
	{"high controls", "", "\x85\x9b\n", "\x85\x9b\r\n", `"\x85\x9b\n"`},
	{"DEL with VERASE off", "erase=undef", "a\x7fb\n", "a^?b\r\n", `"a\x7fb\n"`},
	{"no ECHOCTL", "-echoctl", "\x01\x02\n", "\x01\x02\r\n", `"\x01\x02\n"`},
	{"TAB echo", "", "\ta\n", "\ta\r\n", `"\ta\n"`},
	{"ECHO off", "-echo", "abc\n", "", `"abc\n"`},
	{"ECHO off ECHONL", "-echo echonl", "abc\n", "\r\n", `"abc\n"`},
	{"ECHO off ECHONL noncanon", "-echo echonl -icanon", "abc\n", "", `"abc\n"`},
	{"row 27: noncanon echo", "-icanon", "ab\n\x04\x7f", "ab^J^D^?", `"ab\n\x04\x7f"`},
	{"OPOST off echo", "-opost", "a\n", "a\n", `"a\n"`},
	{"EOF echo (never)", "", "ab\x04", "ab", `"ab"`},
	{"EOF twice", "", "ab\x04\x04", "ab", `"ab" ""`},
	{"EOF after NL", "", "ab\n\x04cd\n", "ab\r\ncd\r\n", `"ab\n" "" "cd\n"`},
	{"VEOL", "eol=;", "ab;cd\n", "ab;cd\r\n", `"ab;" "cd\n"`},
	{"VEOL2 no IEXTEN", "eol2=; -iexten", "ab;cd\n", "ab;cd\r\n", `"ab;cd\n"`},
	{"VEOL=0xff+PARMRK", "eol=255 parmrk", "ab\xffcd\n", "ab\xffcd\r\n", `"ab\xff\xff" "cd\n"`},
	{"VEOF==VEOL", "eof=x eol=x", "abxcd\n", "abcd\r\n", `"ab" "cd\n"`},
	{"VERASE==VEOF", "erase=x eof=x", "abx\n", "ab\b \b\r\n", `"a\n"`},
	{"erase", "", "abc\x7f\n", "abc\b \b\r\n", `"ab\n"`},
	{"erase at start", "", "\x7f\x7fa\n", "a\r\n", `"a\n"`},
	{"erase ctrl", "", "a\x01\x7f\n", "a^A\b \b\b \b\r\n", `"a\n"`},
	{"erase ctrl no ECHOCTL", "-echoctl", "a\x01\x7f\n", "a\x01\r\n", `"a\n"`},
	{"erase tab", "", "ab\t\x7f\n", "ab\t\b\b\b\b\b\b\r\n", `"ab\n"`},
	{"erase tab after tab", "", "a\tb\t\x7f\n", "a\tb\t\b\b\b\b\b\b\b\r\n", `"a\tb\n"`},
	{"erase tab after ctrl", "", "\x01\t\x7f\n", "^A\t\b\b\b\b\b\b\r\n", `"\x01\n"`},
	{"erase no ECHOE", "-echoe", "abc\x7f\x7f\n", "abc^?^?\r\n", `"a\n"`},
	{"erase no ECHO", "-echo", "abc\x7f\n", "", `"ab\n"`},
	{"erase utf8 IUTF8", "iutf8", "a\xc3\xa9\x7f\n", "a\xc3\xa9\b \b\r\n", `"a\n"`},
	{"erase utf8 no IUTF8", "", "a\xc3\xa9\x7f\n", "a\xc3\xa9\b \b\r\n", `"a\xc3\n"`},
	{"erase 4-byte", "iutf8", "\xf0\x9f\x98\x80\x7fx\n", "\xf0\x9f\x98\x80\b \bx\r\n", `"x\n"`},
	{"row 31: stray continuation", "iutf8", "\x82\x7fa\n", "\x82a\r\n", `"\x82a\n"`},
	{"ECHOPRT", "echoprt", "abc\x7f\x7fd\n", "abc\\cb/d\r\n", `"ad\n"`},
	{"ECHOPRT erase all", "echoprt", "ab\x7f\x7f\x7fd\n", "ab\\ba/d\r\n", `"d\n"`},
	{"ECHOPRT utf8", "echoprt iutf8", "a\xc3\xa9\x7fb\n", "a\xc3\xa9\\\xc3\xa9/b\r\n", `"ab\n"`},
	{"ECHOPRT kill", "echoprt", "abc\x15d\n", "abc\\cba/d\r\n", `"d\n"`},
	{"ECHOPRT werase", "echoprt", "ab cd\x17e\n", "ab cd\\dc/e\r\n", `"ab e\n"`},
	{"werase", "", "foo bar\x17\n", "foo bar\b \b\b \b\b \b\r\n", `"foo \n"`},
	{"werase punct", "", "foo.bar\x17\n", "foo.bar\b \b\b \b\b \b\r\n", `"foo.\n"`},
	{"werase only punct", "", "...\x17a\n", "...\b \b\b \b\b \ba\r\n", `"a\n"`},
	{"werase no IEXTEN", "-iexten", "foo bar\x17\n", "foo bar^W\r\n", `"foo bar\x17\n"`},
	{"kill no ECHOKE", "-echoke", "abc\x15d\n", "abc^U\r\nd\r\n", `"d\n"`},
	{"kill no ECHOKE no ECHOK", "-echoke -echok", "abc\x15d\n", "abc^Ud\r\n", `"d\n"`},
	{"kill no ECHO", "-echo", "abc\x15d\n", "", `"d\n"`},
	{"kill tab & ctrl", "", "a\t\x01b\x15d\n", "a\t^Ab\b \b\b \b\b \b\b\b\b\b\b\b\b\b \bd\r\n", `"d\n"`},
	{"lnext ^V^C", "", "a\x16\x03b\n", "a^\b^Cb\r\n", `"a\x03b\n"`},
	{"lnext NL", "", "a\x16\nb\n", "a^\b^Jb\r\n", `"a\nb\n"`},
	{"lnext no ECHOCTL", "-echoctl", "\x16\x03\n", "\x03\r\n", `"\x03\n"`},
	{"reprint", "", "ab\x12c\n", "ab^R\r\nabc\r\n", `"abc\n"`},
	{"row 34: reprint no ECHO", "-echo", "ab\x12c\n", "", `"ab\x12c\n"`},
	{"row 33: discard", "", "ab\x0fc\n", "ab^Oc\r\n", `"ab\x0fc\n"`},
	{"row 28: ^C", "", "ab\x03cd\n", "^Ccd\r\n", `"cd\n"`},
	{"^C NOFLSH", "noflsh", "ab\x03cd\n", "ab^Ccd\r\n", `"abcd\n"`},
	{"row 29: ^C drops lines", "", "ab\ncd\x03ef\n", "^Cef\r\n", `"ef\n"`},
	{"^C noncanon", "-icanon", "ab\x03cd", "^Ccd", `"cd"`},
	{"^S^Q", "", "a\x13b\x11c\n", "abc\r\n", `"abc\n"`},
	{"^S only", "", "a\x13bc\n", "", `"abc\n"`},
	{"^S IXANY", "ixany", "a\x13bc\n", "abc\r\n", `"abc\n"`},
	{"VSTART==VSTOP", "start=x stop=x", "axb\n", "ab\r\n", `"ab\n"`},
	{"EXTPROC canon", "extproc", "ab\x7f\x03\n", "", `"ab\x7f\x03\n"`},
	{"EXTPROC single EOF", "extproc", "\x04", "", `""`},
	{"EXTPROC a^D", "extproc", "a\x04", "", `"a\x04"`},
	{"EXTPROC ISTRIP", "extproc istrip", "\xe1\n", "", `"a\n"`},
	{"raw", "raw -echo", "\x00\x03\x04\x13\xff\r\n", "", `"\x00\x03\x04\x13\xff\r\n"`},
	{"raw+PARMRK", "raw -echo parmrk", "a\xffb", "", `"a\xff\xffb"`},
	{"OLCUC echo", "olcuc", "ab\n", "AB\r\n", `"ab\n"`},
	{"erase tab XTABS", "tab3", "a\t\x7f\n", "a       \b\b\b\b\b\b\b\r\n", `"a\n"`},
	{"OCRNL echo of CR", "-icrnl ocrnl -echoctl", "a\r\n", "a\n\r\n", `"a\r\n"`},
}

func TestInput(t *testing.T) {
	for _, c := range inputs {
		d := newFixture(t, c.stty)
		d.typed(c.in)
		if got := d.echoed(); got != c.echo {
			t.Errorf("%s: %q echoes %q, want %q", c.name, c.in, got, c.echo)
		}
		if got := d.reads(Size); got != c.reads {
			t.Errorf("%s: %q reads %s, want %s", c.name, c.in, got, c.reads)
		}
		if d.in != nil && d.head == d.tail {
			t.Errorf("%s: an empty discipline keeps its buffer", c.name)
		}
	}
}

func TestEraseTabAfterPrompt(t *testing.T) { // row 30
	d := newFixture(t, "")
	d.Write([]byte("$ "), &d.out)
	d.typed("\t\x7f")
	if got, want := d.echoed(), "$ \t\b\b\b\b\b\b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOutput(t *testing.T) {
	for _, c := range []struct{ stty, in, want string }{
		{"", "a\nb\n", "a\r\nb\r\n"},
		{"-opost", "a\nb\t\r", "a\nb\t\r"},
		{"-onlcr", "a\nb", "a\nb"},
		{"ocrnl", "a\rb\n", "a\nb\r\n"}, // row 35
		{"onocr", "\ra\r\rb", "a\rb"},
		{"onocr", "a\n\rb", "a\r\nb"},
		{"onocr -onlcr", "a\n\rb", "a\n\rb"},      // row 37
		{"onocr -onlcr onlret", "a\n\rb", "a\nb"}, // row 37
		{"onlret -onlcr tab3", "abc\n\td", "abc\n        d"},
		{"-onlcr tab3", "abc\n\td", "abc\n     d"},
		{"ocrnl onlret tab3", "abc\r\td", "abc\n        d"},
		{"ocrnl tab3", "abc\r\td", "abc\n     d"},
		{"tab3", "a\tbc\td", "a       bc      d"},
		{"tab1", "a\tb", "a\tb"},
		{"tab3", "abc\b\tx", "abc\b      x"},
		{"tab3", "a\x01\x1b[m\tx", "a\x01\x1b[m     x"},
		{"tab3", "a\x85\tx", "a\x85      x"}, // no control to the kernel: one column
		{"tab3 iutf8", "a\xc3\xa9\tx", "a\xc3\xa9      x"},
		{"tab3", "a\xc3\xa9\tx", "a\xc3\xa9     x"},
		{"olcuc", "aZ\xe9z1\n", "AZ\xc9Z1\r\n"}, // row 36
		{"", "\r\n", "\r\r\n"},
	} {
		d := newFixture(t, c.stty)
		if n := d.Write([]byte(c.in), &d.out); n != len(c.in) {
			t.Errorf("%q %q: %d bytes taken", c.stty, c.in, n)
		}
		if got := d.echoed(); got != c.want {
			t.Errorf("%q: %q becomes %q, want %q", c.stty, c.in, got, c.want)
		}
	}
}

func TestLineLimit(t *testing.T) { // rows 39 to 41
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct{ in, want string }{
		{x(4095) + "\n", x(4095) + "\n"},
		{x(4095) + "XYZ\n", x(4095) + "\n"},
		{x(4095) + "XYZ\x7f\n", x(4094) + "\n"},
		{x(5000) + "\x15ok\n", "ok\n"},
		{x(5000) + "\x04", x(4095)},
	} {
		d := newFixture(t, "-echo imaxbel")
		d.typed(c.in)
		if got, want := d.reads(5000), fmt.Sprintf("%q", c.want); got != want {
			t.Errorf("%d bytes read %d, want %d", len(c.in), len(got), len(want))
		}
	}
}

// Spans are an optimisation: with and without them, everything is the same.
func FuzzSpans(f *testing.F) {
	for _, c := range inputs {
		f.Add(uint64(1), []byte(c.in))
	}
	f.Fuzz(func(t *testing.T, seed uint64, in []byte) { spansAgree(t, seed, in) })
}

func TestSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const common = "abc defgh.ij\n\n\t\x7f\x17\x15\x03\x13\x11\x16\x04\r\x12\xc3\xa9\xe2\x82\xac"
	for seed := range uint64(400) {
		in := make([]byte, r.IntN(6000))
		for i := range in {
			in[i] = common[r.IntN(len(common))]
			if r.IntN(3) > 0 {
				in[i] = byte('a' + r.IntN(26))
			}
		}
		spansAgree(t, seed, in)
	}
}

func spansAgree(t *testing.T, seed uint64, in []byte) {
	r := rand.New(rand.NewPCG(seed, 3))
	s := termios.Default()
	random := func(of uint32) uint32 { return r.Uint32() & r.Uint32() & of }
	s.Iflag ^= random(0x7fff)
	s.Oflag ^= random(0x18ff)
	s.Lflag ^= random(0x1ffff)
	if r.IntN(4) == 0 {
		s.Cc[r.IntN(17)] = "\x00\n\rab\xff"[r.IntN(6)]
	}
	if seed%3 == 0 { // where ends of lines are found late
		s.Lflag &^= termios.ECHO | termios.ECHONL
	}
	var a, b fixture
	a.Reset(s)
	b.Reset(s)
	slow := newTable(a.tab.key)
	slow.spans, slow.plain = false, false
	b.tab = slow
	for len(in) > 0 {
		n := min(1+r.IntN(640), len(in))
		burst := in[:n]
		in = in[n:]
		switch r.IntN(4) {
		case 0:
			if x, y := a.Write(burst, &a.out), b.Write(burst, &b.out); x != y {
				t.Fatalf("seed %d: %d and %d taken of %q", seed, x, y, burst)
			}
		default:
			a.typed(string(burst))
			b.typed(string(burst))
		}
		if full := seed%4 == 0; full && a.out.Room() > 5 { // and output is stuck most of the time
			fill := make([]byte, a.out.Room()-r.IntN(6))
			a.out.Put(fill)
			b.out.Put(fill)
			continue
		}
		if x, y := a.echoed(), b.echoed(); x != y {
			t.Fatalf("seed %d: %+v: after %q the output is\n%q in spans,\n%q without", seed, s, burst, x, y)
		}
		if a.column != b.column || a.canonColumn != b.canonColumn || a.fx != b.fx || a.stopped != b.stopped {
			t.Fatalf("seed %d: after %q: columns %d %d, %d %d; effects %+v %+v", seed, burst, a.column, b.column, a.canonColumn, b.canonColumn, a.fx, b.fx)
		}
		size := 1 + r.IntN(40)
		switch r.IntN(3) {
		case 0:
			if x, y := a.reads(size), b.reads(size); x != y {
				t.Fatalf("seed %d: after %q the reads are\n%s in spans,\n%s without", seed, burst, x, y)
			}
		case 1:
			p, q := make([]byte, size), make([]byte, size)
			if x, y := p[:a.Read(p)], q[:b.Read(q)]; !bytes.Equal(x, y) {
				t.Fatalf("seed %d: after %q a read is %q in spans, %q without", seed, burst, x, y)
			}
		}
		if x, y := a.Pending(), b.Pending(); x != y {
			t.Fatalf("seed %d: pending %d and %d", seed, x, y)
		}
	}
}

func TestSwitch(t *testing.T) { // rows 45 and 46
	d := newFixture(t, "-echo")
	d.typed("ab\x04cd")
	d.SetTermios(settings(t, "-echo -icanon"), &d.out, &d.fx)
	if got, want := d.reads(100), `"ab\x00cd"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	d.typed("par\ntial")
	d.SetTermios(settings(t, "-echo"), &d.out, &d.fx)
	d.typed("\x7f\x7fX\n")
	if got, want := d.reads(100), `"par\ntial" "X\n"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEndOfFileWithTheBytesBefore(t *testing.T) { // row 43
	for _, c := range []struct {
		in, want string
		size     int
	}{
		{"hello\x04", `"hello"`, 5},
		{"hello\x04\x04", `"hello" ""`, 5},
		{"hello\x04", `"hel" "lo"`, 3},
		{strings.Repeat("k", 64) + "\x04", fmt.Sprintf("%q", strings.Repeat("k", 64)), 64},
	} {
		d := newFixture(t, "-echo")
		d.typed(c.in)
		if got := d.reads(c.size); got != c.want {
			t.Errorf("%q in pieces of %d reads %s, want %s", c.in, c.size, got, c.want)
		}
	}
}

// What was typed without echo must not stay in memory that others get.
func TestSecretsAreWiped(t *testing.T) {
	for name, use := range map[string]func(d *fixture){
		"read":   func(d *fixture) { d.typed("secret\n"); d.reads(100) },
		"kill":   func(d *fixture) { d.typed("secret\x15\n"); d.reads(100) },
		"flush":  func(d *fixture) { d.typed("secret"); d.FlushInput(&d.fx) },
		"signal": func(d *fixture) { d.typed("secret\x03") },
		"reset":  func(d *fixture) { d.typed("secret"); d.Reset(termios.Default()) },
	} {
		d := newFixture(t, "-echo")
		d.typed("x")
		buf := d.in
		use(d)
		if d.in == nil && strings.Contains(string(buf.b[:]), "ecret") {
			t.Errorf("%s: it stays in the buffer that is given back", name)
		}
	}
}

func TestEffects(t *testing.T) {
	d := newFixture(t, "")
	d.typed("\x13\x11")
	if got := d.fx.Status(0); got != pts.TIOCPKT_START { // row 24
		t.Errorf("^S^Q leaves %#x", got)
	}
	d.fx = Effects{}
	d.typed("\x03")
	if d.fx.Signals.String() != "SIGINT" || d.fx.Set != pts.TIOCPKT_FLUSHREAD|pts.TIOCPKT_FLUSHWRITE {
		t.Errorf("^C: %v, status %#x", d.fx.Signals, d.fx.Set)
	}
	d.fx = Effects{}
	s := d.Termios()
	s.Iflag &^= termios.IXON
	d.SetTermios(s, &d.out, &d.fx)
	if d.fx.Set != pts.TIOCPKT_NOSTOP {
		t.Errorf("without IXON: %#x", d.fx.Set)
	}
}

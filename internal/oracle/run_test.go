package oracle

import (
	"strings"
	"testing"
)

func parse(t *testing.T, text string) *Conversation {
	t.Helper()
	c, err := Parse("test", strings.NewReader("title: test\n\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What comes out otherwise is told with what led to it, and the next pair is looked at again.
func TestMismatch(t *testing.T) {
	c := parse(t, `pair
poll ptm -> OUT
pair -ECHO
write ptm "a\n" -> 1
read pts 9 -> "never looked at"
pair
write ptm "x"
take ptm -> "y"
ioctl ptm TIOCGPTN -> EIO
`)
	bad, err := NewRunner(NewVirtual()).Run(c, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(bad) != 2 || bad[0].Line != 6 || bad[0].Got != "2" || bad[1].Line != 10 || bad[1].Got != `"x"` {
		t.Fatalf("mismatches are %v", bad)
	}
	if want := "pair\nwrite ptm \"x\"\ntake ptm -> \"y\"\n"; bad[1].Talk != want {
		t.Errorf("the talk is %q, want %q", bad[1].Talk, want)
	}
}

// A step that succeeds without a result must do so in full.
func TestSuccessIsExpected(t *testing.T) {
	c := parse(t, "pair\nioctl pts TCXONC 0\nwrite pts \"abc\"\npair\nclose pts\nread pts 9\n")
	bad, err := NewRunner(NewVirtual()).Run(c, false)
	if err != nil || len(bad) != 2 || bad[0].Got != "EAGAIN" || bad[1].Got != "EBADF" {
		t.Errorf("mismatches are %v, %v", bad, err)
	}
}

func TestFaultsInFiles(t *testing.T) {
	for _, step := range []string{
		"dance", "nobody: poll ptm", "pair NOFLAG", "pair VMIN=x", "pair VERASE=abc", "read ptm", "read ptm x", `write ptm "a`, "ioctl ptm", "ioctl ptm TIOCNONE",
		"ioctl pts TIOCSTI ab", "ioctl pts TIOCSWINSZ 1 2", "open pts as", "open pts sideways", "fork", "kill nobody HUP", "sleep long", "get pts WHAT",
	} {
		if _, err := NewRunner(NewVirtual()).Run(parse(t, "pair\n"+step+"\n"), false); err == nil {
			t.Errorf("%q is taken for a step", step)
		}
	}
	if _, err := Parse("test", strings.NewReader("no header\n")); err == nil {
		t.Error("a file without a header is taken for a conversation")
	}
}

// A generated conversation differs from itself in nothing, and from a changed terminal.
func TestCompare(t *testing.T) {
	for seed := range uint64(200) {
		d, err := Compare(NewVirtual(), NewVirtual(), Generate(seed))
		if err != nil || d != nil {
			t.Fatalf("seed %d: %v, %v", seed, d, err)
		}
	}
	odd := &deaf{NewVirtual()}
	c := parse(t, "pair IXANY ECHOPRT -ISTRIP\nwrite ptm \"abc\"\npoll pts\nwrite ptm \"defghXi\"\ntake ptm\nread pts 9\n")
	d, err := Compare(NewVirtual(), odd, c)
	if err != nil || d == nil {
		t.Fatalf("no difference: %v", err)
	}
	want := "pair\nwrite ptm \"X\"\ntake ptm -> \"X\"\n"
	if got := talk(Shrink(NewVirtual(), odd, d).Lines[2:]); got != want {
		t.Errorf("shortened it is\n%swant\n%s", got, want)
	}
}

// With processes too: who is next, and who is told what, is never left to chance.
func TestCompareJobs(t *testing.T) {
	a, b := NewVirtual(), NewVirtual()
	a.Bubble, b.Bubble = Parked, Parked
	for seed := range uint64(60) {
		d, err := Compare(a, b, GenerateJobs(seed))
		if err != nil || d != nil {
			t.Fatalf("seed %d: %v, %v", seed, d, err)
		}
	}
}

// deaf is a driver whose observer cannot type X.
type deaf struct{ *Virtual }

func (d *deaf) Self() Proc { return &deafProc{d.Virtual.Self()} }

type deafProc struct{ Proc }

func (p *deafProc) Do(op Op) Result {
	if op.Call == Write {
		if at := strings.IndexByte(string(op.Data), 'X'); at >= 0 {
			typed := op
			typed.Data = append(append([]byte{}, op.Data[:at]...), op.Data[at+1:]...)
			res := p.Proc.Do(typed)
			res.N++
			return res
		}
	}
	return p.Proc.Do(op)
}

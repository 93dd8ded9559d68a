package conform

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ptsns/ptsns/internal/oracle"
)

// differing is what is known of one kind to differ, and whether it did.
type differing struct {
	kind string
	seen map[Difference]bool
}

func newDiffering(kind string) *differing {
	d := &differing{kind, make(map[Difference]bool)}
	for _, x := range Differences {
		if x.Kind == kind {
			d.seen[x] = false
		}
	}
	return d
}

func (d *differing) find(name string, m Mismatch) (Difference, bool) {
	for x := range d.seen {
		if x.Matches(d.kind, name, m) {
			return x, true
		}
	}
	return Difference{}, false
}

// known tells of a mismatch whether to go on after it, which is listed then, and remembers
// that it came.
func (d *differing) known(name string) func(Mismatch) bool {
	return func(m Mismatch) bool {
		x, ok := d.find(name, m)
		if ok {
			d.seen[x] = true
		}
		return ok && !x.Rest
	}
}

// unknown are the mismatches that are not listed.
func (d *differing) unknown(name string, bad []Mismatch) (left []Mismatch) {
	for _, m := range bad {
		if _, ok := d.find(name, m); !ok {
			left = append(left, m)
		}
	}
	return left
}

// check fails for what is stale, where all cases have run.
func (d *differing) check(t *testing.T) {
	t.Helper()
	if flag.Lookup("test.run").Value.String() != "" || t.Failed() {
		return
	}
	for _, x := range d.stale() {
		t.Errorf("%s, %s: %q does not come to %s any more: take it out of Differences and DIFFERENCES.md", x.Kind, x.Case, x.Step, x.Got)
	}
}

// stale is what is listed and did not come.
func (d *differing) stale() (left []Difference) {
	for x, seen := range d.seen {
		if !seen {
			left = append(left, x)
		}
	}
	return left
}

// What DIFFERENCES.md lists is what is known.
func TestDifferences(t *testing.T) {
	b, err := os.ReadFile("../../DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(string(b)) {
		for _, kind := range []string{"kernel", "virtual", "mounted", "processes"} {
			if strings.HasPrefix(line, "| "+kind+" |") {
				got = append(got, strings.TrimSpace(line))
			}
		}
	}
	for _, d := range Differences {
		want = append(want, fmt.Sprintf("| %s | `%s` | `%s` | `%s` | %s |", d.Kind, d.Case, d.Step, d.Got, d.Why))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Differences -, DIFFERENCES.md +:\n%s", diff)
	}
}

// A runner tells what came out otherwise and where, goes on after what is known, and at
// the next mount after what is not.
func TestMismatch(t *testing.T) {
	c, err := oracle.Parse("test", strings.NewReader(`title: test

mount
ptmx a -> 7
ptmx b -> 9
mount
pts a 0 -> EIO
pts a 1
`))
	if err != nil {
		t.Fatal(err)
	}
	r := NewRunner(virtual(t))
	bad, err := r.Run(c, false, func(m Mismatch) bool { return m.Got == "ENOENT" })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range bad {
		got = append(got, fmt.Sprint(m.Line, " ", m.Got))
	}
	if want := []string{"4 0", "7 ENOENT", "8 ENOENT"}; !slices.Equal(got, want) {
		t.Errorf("mismatches are %q, want %q", got, want)
	}
	if want := "line 4: got 0 in\nmount\nptmx a -> 7\n"; bad[0].String() != want {
		t.Errorf("the first says %q, want %q", bad[0], want)
	}
}

// What is listed is found, and what did not come is known to be stale.
func TestDiffering(t *testing.T) {
	here, gone := Difference{"k", "a*", "read ptm *", "EIO", "so", false}, Difference{"k", "b", "read ptm 1", "EIO", "so", false}
	d := &differing{"k", map[Difference]bool{here: false, gone: false}}
	eio := Mismatch{Step: oracle.Step{Verb: "read", Args: "ptm 1"}, Got: "EIO"}
	other := Mismatch{Step: eio.Step, Got: "EAGAIN"}
	if !d.known("abc")(eio) || d.known("abc")(other) || d.known("c")(eio) {
		t.Error("what is known is not what is listed")
	}
	if left := d.unknown("abc", []Mismatch{eio, other}); len(left) != 1 || left[0].Got != "EAGAIN" {
		t.Errorf("unknown are %v", left)
	}
	if left := d.stale(); len(left) != 1 || left[0] != gone {
		t.Errorf("stale are %v", left)
	}
}

func TestFaultsInCases(t *testing.T) {
	for _, step := range []string{"dance", "me: ptmx a", "ptmx", "ptmx a sideways", "pts a", "pts a x", "watch a IN", "watch", "woken a", "again a read", "1000: close a", "lock"} {
		c, err := oracle.Parse("test", strings.NewReader("title: test\n\nmount\n"+step+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if bad, err := NewRunner(virtual(t)).Run(c, false, func(Mismatch) bool { return false }); err == nil && len(bad) == 0 {
			t.Errorf("%q is taken for a step", step)
		}
	}
}

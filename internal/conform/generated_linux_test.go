package conform

import (
	"slices"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/internal/oracle"
)

// seeds are how many made-up conversations are held.
const seeds = 150

// TestGenerated holds made-up conversations with a virtual instance and with one through its
// mount: what FUSE carries must arrive as it was. (The oracle holds as many as one likes
// with the kernel's.)
func TestGenerated(t *testing.T) {
	var drivers []*ends
	for _, k := range []Kind{virtual(t), mounted(t)} {
		i, err := k.Mount("max=1")
		if err != nil {
			t.Fatal(err)
		}
		e := newEnds(false)
		e.i = i
		drivers = append(drivers, e)
		defer func() {
			e.Reset()
			if err := i.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	for seed := range uint64(seeds) {
		c := oracle.Generate(seed)
		c.Lines = slices.DeleteFunc(c.Lines, func(l oracle.Line) bool { // see Differences
			return strings.Contains(l.Args, " FIONREAD") || strings.Contains(l.Args, " TIOCSIG ")
		})
		if !Fits(c) {
			t.Fatalf("seed %d needs others:\n%s", seed, text(c.Lines))
		}
		d, err := oracle.Compare(drivers[0], drivers[1], c)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if d != nil {
			t.Errorf("seed %d: mounted it is otherwise:\n%v", seed, oracle.Shrink(drivers[0], drivers[1], d))
		}
	}
}

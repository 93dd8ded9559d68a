package conform

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/internal/oracle"
)

var record = flag.Bool("record", false, "write what the kernel answers into the cases")

// virtual is an instance of package devpts.
func virtual(*testing.T) Kind {
	return Kind{Name: "virtual", Mount: func(options string) (Mounted, error) {
		m, err := devpts.NewSystem(devpts.Config{}).Mount(devpts.Mounter{}, options)
		if err != nil {
			return nil, err
		}
		return m, nil
	}}
}

// TestVirtual needs no Linux: the files say what the kernel answers.
func TestVirtual(t *testing.T) { conform(t, virtual(t)) }

// conform runs all cases and all conversations that fit on a kind.
func conform(t *testing.T, k Kind) {
	d := newDiffering(k.Name)
	steps, cases := 0, 0
	for _, dir := range []string{"testdata", filepath.Join("..", "oracle", "testdata")} {
		all, err := Load(dir)
		if err != nil || len(all) == 0 {
			t.Fatalf("nothing in %s: %v", dir, err)
		}
		for _, c := range all {
			if !Fits(c) {
				continue
			}
			if dir != "testdata" {
				c.Name = "oracle/" + c.Name
			}
			cases++
			for _, l := range c.Lines {
				if l.Verb != "" {
					steps++
				}
			}
			t.Run(c.Name, func(t *testing.T) {
				run(t, k, c, d, *record && k.Worker && dir == "testdata")
				if *record && k.Worker && dir == "testdata" {
					writeBack(t, dir, c)
				}
			})
		}
	}
	t.Logf("%s: %d cases and conversations, %d steps", k.Name, cases, steps)
	if f := flag.Lookup("test.run"); f.Value.String() == "" {
		for _, x := range d.stale() {
			t.Errorf("%s, %s: %q does not come to %s any more: take it out of Differences and DIFFERENCES.md", x.Kind, x.Case, x.Step, x.Got)
		}
	}
}

// run runs a case, where a worker may have been slow once more with patience.
func run(t *testing.T, k Kind, c *oracle.Conversation, d *differing, record bool) {
	r := NewRunner(k)
	r.Patient(record)
	bad, err := r.Run(c, record, d.known(c.Name))
	if err != nil {
		t.Fatal(err)
	}
	if k.Worker && len(d.unknown(c.Name, bad)) > 0 {
		r.Patient(true)
		if bad, err = r.Run(c, false, d.known(c.Name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range d.unknown(c.Name, bad) {
		t.Errorf("%s answers otherwise: %v", k.Name, m)
	}
}

func writeBack(t *testing.T, dir string, c *oracle.Conversation) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, c.Name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := c.WriteTo(f); err != nil {
		t.Fatal(err)
	}
}

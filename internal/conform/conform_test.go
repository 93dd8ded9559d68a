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
	r := NewRunner(k)
	n := runAll(t, "testdata", "", r, d, *record && k.Worker, func(*oracle.Conversation) bool { return true })
	n += runAll(t, oracleData, "oracle/", r, d, false, Fits)
	t.Logf("%s: %d steps", k.Name, n)
	d.check(t)
}

const oracleData = "../oracle/testdata"

// runs is what cases are run on.
type runs interface {
	Run(c *oracle.Conversation, record bool, known func(Mismatch) bool) ([]Mismatch, error)
	Patience(times int)
}

// runAll runs those files of a directory that fit and returns how many steps they have.
func runAll(t *testing.T, dir, prefix string, r runs, d *differing, record bool, fits func(*oracle.Conversation) bool) (steps int) {
	t.Helper()
	all, err := Load(dir)
	if err != nil || len(all) == 0 {
		t.Fatalf("nothing in %s: %v", dir, err)
	}
	for _, c := range all {
		if !fits(c) {
			continue
		}
		for _, l := range c.Lines {
			if l.Verb != "" {
				steps++
			}
		}
		t.Run(prefix+c.Name, func(t *testing.T) {
			run(t, r, prefix+c.Name, c, d, record)
			if record {
				writeBack(t, dir, c)
			}
		})
	}
	return steps
}

// attempts is how often a case may come out otherwise before it counts, each time but the
// first with patience: the machine may be busy, and nothing tells when the kernel's worker has
// delivered all. What really differs does so every time.
const attempts = 4

func run(t *testing.T, r runs, name string, c *oracle.Conversation, d *differing, record bool) {
	var bad []Mismatch
	for attempt := range attempts {
		patience := 10 * attempt * attempt
		if record {
			patience = 10
		}
		r.Patience(max(1, patience))
		all, err := r.Run(c, record, d.known(name))
		if err != nil {
			t.Fatal(err)
		}
		if bad = d.unknown(name, all); len(bad) == 0 || d.kind == "virtual" {
			break
		}
		if attempt == 0 {
			t.Logf("again, for at first it was otherwise: %v", bad)
		}
	}
	for _, m := range bad {
		t.Errorf("%s answers otherwise: %v", d.kind, m)
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

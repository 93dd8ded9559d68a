//go:build linux

package oracle

import (
	"flag"
	"os"
	"testing"
)

var record = flag.Bool("record", false, "write what the kernel answers into the conversations")

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// The kernel is right: what stands in the files is what it answers.
func TestKernel(t *testing.T) {
	k := newTestKernel(t)
	if *record {
		k.Patience(10)
	}
	for _, c := range conversations(t) {
		t.Run(c.Name, func(t *testing.T) {
			if c.Header["needs"] == "root" && os.Geteuid() != 0 {
				if os.Getenv("PTSNS_REQUIRE") != "" {
					t.Fatal("needs root")
				}
				t.Skip("needs root: users and capabilities are its subject")
			}
			bad, err := NewRunner(k).Run(c, *record)
			if err != nil {
				t.Fatal(err)
			}
			if len(bad) > 0 { // the machine may have been busy: once more, with patience
				k.Patience(10)
				defer k.Patience(1)
				bad, err = NewRunner(k).Run(c, false)
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, m := range bad {
				t.Errorf("the kernel answers otherwise: %v", m)
			}
			if *record {
				writeBack(t, c)
			}
		})
	}
}

func writeBack(t *testing.T, c *Conversation) {
	t.Helper()
	f, err := os.Create("testdata/" + c.Name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := c.WriteTo(f); err != nil {
		t.Fatal(err)
	}
}

func newTestKernel(t testing.TB) *Kernel {
	t.Helper()
	k, err := NewKernel()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

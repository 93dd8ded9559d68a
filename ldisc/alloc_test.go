//go:build !race

package ldisc

import "testing"

// Buffers come from pools, which under the race detector forget at random, and nothing
// else is allocated.
func TestNothingIsAllocated(t *testing.T) {
	for _, w := range works {
		bench := newBench(w.set)
		if n := testing.AllocsPerRun(100, func() { w.round(bench) }); n != 0 {
			t.Errorf("%s: %v allocations", w.name, n)
		}
	}
}

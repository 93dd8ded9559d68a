//go:build !race

package pty

import "testing"

// The end that others use allocates nothing either.
func TestEndsAllocateNothing(t *testing.T) {
	_, _, m, s := pairOf(t)
	b := make([]byte, 100)
	line := []byte("a line\n")
	if got := testing.AllocsPerRun(100, func() {
		_, _ = m.End(nil).Write(line)
		_, _ = s.End(nil).Read(b)
		_, _ = m.End(nil).Read(b)
		_ = m.Poll()
	}); got >= 1 {
		t.Errorf("%v allocations", got)
	}
}

//go:build !race

// The memory of the race detector is not ours.

package hub

import (
	"runtime"
	"strings"
	"testing"
)

// TestMemoryOfATerminal bounds what a terminal takes in memory, in bytes: what
// is kept of its output, its scrollback and its screen, all full.
func TestMemoryOfATerminal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		say   string
		times int
		look  bool
		most  uint64
	}{
		{"idle", "$ ", 1, false, 4 << 10},
		{"some lines", "$ make\r\ncc -O2 -c file.c\r\n", 30, false, 8 << 10},
		{"some lines, seen", "$ make\r\ncc -O2 -c file.c\r\n", 30, true, 48 << 10},
		{"full, not seen", strings.Repeat("0123456789 plain ", 7) + "\r\n", 40_000, false, DefaultHistory + 64<<10},
		{"full", strings.Repeat("0123456789 plain ", 7) + "\r\n", 40_000, true, 2*DefaultHistory + 256<<10},
		{"full of colours", floods[1].text, 100, true, 2*DefaultHistory + 256<<10},
		{"full of short lines", "\n", 4 << 20, true, 2*DefaultHistory + 256<<10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const terminals = 8
			h := newHub()
			var all []*Terminal
			before := inUse()
			for i := range terminals {
				end := &floodEnd{fakeEnd: newFakeEnd(), text: tt.say}
				end.winsize = [8]byte{24, 0, 80, 0}
				term := h.Tap(end, i, Opener{})
				buf := make([]byte, 32<<10)
				for n := 0; n < tt.times*len(tt.say); {
					k, _ := term.Read(buf) // never fails
					n += k
				}
				if tt.look {
					_ = term.Repaint(24, 80, true)
				}
				all = append(all, term)
			}
			each := (inUse() - before) / terminals
			t.Logf("%d bytes", each)
			if each > tt.most {
				t.Errorf("a terminal takes %d bytes, more than %d", each, tt.most)
			}
			for _, term := range all {
				_ = term.Close()
			}
		})
	}
}

// inUse is how much memory is in use.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // also what pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

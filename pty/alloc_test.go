//go:build !race

package pty

import (
	"testing"

	"github.com/ptsns/ptsns/termios"
)

// Reads and writes allocate nothing once a terminal is at work; under the race detector
// the pools of buffers forget at random.
func TestNothingIsAllocated(t *testing.T) {
	buf := make([]byte, 16<<10)
	keys := []byte("ab\x7f\x16\x03\x12\x03\n")
	step := func(n int, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*termios.Termios)
		round  func(*PTM, *PTS)
	}{
		{"raw", raw, func(m *PTM, s *PTS) {
			step(s.Write(block[:8192]))
			step(m.Read(buf))
			step(m.Read(buf))
			step(m.Read(buf))
			step(m.Write(block[:1024]))
			step(s.Read(buf))
		}},
		{"lines", lines, func(m *PTM, s *PTS) {
			for range 10 {
				step(s.Write(line))
			}
			step(m.Read(buf))
		}},
		{"canon", silent, func(m *PTM, s *PTS) {
			step(m.Write(lineFeed[:10*len(line)]))
			for range 10 {
				step(s.Read(buf))
			}
		}},
		{"canon echo", fresh, func(m *PTM, s *PTS) {
			step(m.Write(line))
			step(m.Read(buf))
			step(s.Read(buf))
		}},
		{"keys", fresh, func(m *PTM, s *PTS) {
			for i := range keys {
				step(m.Write(keys[i : i+1]))
				if m.Poll()&1 != 0 {
					step(m.Read(buf))
				}
			}
			step(s.Read(buf))
		}},
		{"echo", rawEcho, func(m *PTM, s *PTS) { echo(t, m, s, buf) }},
	} {
		m, s := openWith(t, tt.change)
		if n := testing.AllocsPerRun(200, func() { tt.round(m, s) }); n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

// Nor does waiting.
func TestWaitingAllocatesNothing(t *testing.T) {
	m, s := openWith(t, silent)
	turns := make(chan struct{})
	defer close(turns)
	go func() {
		for range turns {
			if _, err := m.Write(line); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 4096)
	if n := testing.AllocsPerRun(500, func() {
		turns <- struct{}{}
		if _, err := s.Read(buf); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

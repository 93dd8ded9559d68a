package screen

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// heap is what the live objects take.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestMemory(t *testing.T) {
	vim, err := os.ReadFile("testdata/output/vim-code.24x80")
	if err != nil {
		t.Fatal(err)
	}
	seq, err := os.ReadFile("testdata/output/seq-scroll.24x80")
	if err != nil {
		t.Fatal(err)
	}
	full := []byte(strings.Repeat("\x1b[31mx\x1b[44my", 24*40) + "\x1b[?1049h" + strings.Repeat("\x1b[31mx\x1b[44my", 24*40))
	for _, c := range []struct {
		name   string
		output []byte
		most   int64
	}{
		{"fresh", nil, 8 << 10},
		{"one prompt", []byte("\x1b[?2004huser@host:~$ "), 10 << 10},
		{"vim in the alternate screen", vim, 64 << 10},
		{"both screens full", full, 72 << 10},
		{"3,000 lines of history", seq, 96 << 10},
	} {
		const n = 64
		screens := make([]*Screen, n)
		before := heap()
		for i := range screens {
			screens[i] = New(24, 80, Options{})
			screens[i].Write(c.output)
		}
		each := (heap() - before) / n
		runtime.KeepAlive(screens)
		t.Logf("%s: %d bytes", c.name, each)
		if each > c.most {
			t.Errorf("%s: %d bytes a screen, want at most %d", c.name, each, c.most)
		}
	}
}

// Output that is made to grow things does not.
func TestBounds(t *testing.T) {
	attacks := map[string]func(i int) string{
		"clusters":       func(i int) string { return fmt.Sprintf("e%c", 0x300+i%0x60) },
		"long clusters":  func(i int) string { return "\u0301" },
		"extras":         func(i int) string { return fmt.Sprintf("\x1b[58;2;%d;%d;%dmx", i>>16&255, i>>8&255, i&255) },
		"links":          func(i int) string { return fmt.Sprintf("\x1b]8;id=%d;http://%s\ax", i, strings.Repeat("l", 2000)) },
		"titles":         func(i int) string { return fmt.Sprintf("\x1b]0;%d%s\a\x1b[22t", i, strings.Repeat("t", 3000)) },
		"kitty":          func(i int) string { return "\x1b[>31u" },
		"parameters":     func(i int) string { return "\x1b[" + strings.Repeat("1;", 100) + "m" },
		"an endless OSC": func(i int) string { return "\x1b]2;" + strings.Repeat("x", 1000) },
		"an endless DCS": func(i int) string { return "\x1bPq" + strings.Repeat("x", 1000) },
		"history":        func(i int) string { return fmt.Sprintf("\x1b[38;2;1;2;%dmline %d\n", i&255, i) },
		"repeat":         func(i int) string { return "x\x1b[65535b" },
		"numbers":        func(i int) string { return "\x1b[99999999999999999999A\x1b[99999999S\x1b[99999999@\x1b[99999999I" },
	}
	for name, attack := range attacks {
		before := heap()
		s := New(24, 80, Options{HistoryBytes: 64 << 10})
		for i := range 4000 {
			s.Write([]byte(attack(i)))
		}
		check(t, s)
		if grown := heap() - before; grown > 2<<20 {
			t.Errorf("%s: grew to %d bytes", name, grown)
		}
		if n := len(s.Repaint(24, 80, true)); n > 2<<20 {
			t.Errorf("%s: a repaint of %d bytes", name, n)
		}
		runtime.KeepAlive(s)
	}
}

// A table full of what is on the screen drops the rest and sweeps seldom.
func TestFullTables(t *testing.T) {
	s := New(maxRows, maxCols, Options{HistoryBytes: -1})
	clusters := []byte(strings.Repeat("e\u0301", 1000))
	for range 2 * maxCells / 1000 {
		s.Write(clusters)
	}
	check(t, s)
	if n := len(s.store.clusters); n != maxClusters {
		t.Errorf("%d clusters", n)
	}
	for i := range 2 * maxCells {
		fmt.Fprintf(s, "\x1b[58;2;%d;%d;%dmx", i>>16, i>>8&255, i&255)
	}
	check(t, s)
	s.Write([]byte("\x1b[m\x1b[2J\x1b[H"))
	for range maxCells {
		s.Write([]byte("e\u0301\b"))
	}
	s.Write([]byte("\r\u0301a\u0301"))
	if got := s.Text(); got != "a\u0301" {
		t.Errorf("after the screen was cleared: %q", got)
	}
}

func TestWriteDoesNotAllocate(t *testing.T) {
	for name, output := range map[string][]byte{
		"plain": plainLines(), "coloured": colouredLines(), "wide": wideLines(),
		"vim": bytes.ReplaceAll(colourful(t), []byte("\x1b[?1049h"), nil), // entering makes a screen
	} {
		s := New(40, 120, Options{HistoryBytes: 64 << 10})
		for range 50 {
			s.Write(output)
		}
		if n := testing.AllocsPerRun(20, func() { s.Write(output) }); n > 0 {
			t.Errorf("%s: %v allocations a write", name, n)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {-1, 5}, {1, 1}, {1, 2}, {2, 1}, {100000, 100000}} {
		s := New(size[0], size[1], Options{})
		s.Write([]byte("日本語 text\r\n\x1b[5;5H\x1b[?1049hx\x1b[2;3r\x1b[?69h\x1b[1;2s👨\u200d👩"))
		check(t, s)
		s.Resize(size[1], size[0])
		check(t, s)
		s.history.clear() // its lines may be wider than the screen now
		same(t, "repaint", s, repainted(s))
	}
}

// A thousand terminals with nothing to do but the shell's prompt.
func TestIdleMemory(t *testing.T) {
	prompt := "\x1b[?2004h\x1b]0;user@host: ~/project\a\x1b[01;32muser@host\x1b[00m:\x1b[01;34m~/project\x1b[00m$ make check\r\n"
	for _, c := range []struct {
		name  string
		lines int
		most  int64
	}{
		{"20 prompts", 20, 40 << 10},
		{"20 prompts, and 200 in the history", 220, 72 << 10},
	} {
		screens := make([]*Screen, 1000)
		output := []byte(strings.Repeat(prompt, c.lines))
		before := heap()
		for i := range screens {
			screens[i] = New(24, 80, Options{})
			screens[i].Write(output)
		}
		each := (heap() - before) / int64(len(screens))
		t.Logf("%s: %d bytes", c.name, each)
		if each > c.most {
			t.Errorf("%s: %d bytes a screen, want at most %d", c.name, each, c.most)
		}
		runtime.KeepAlive(screens)
	}
}

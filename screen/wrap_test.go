package screen

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnbroken(t *testing.T) {
	for n := range 40 {
		p := bytes.Repeat([]byte("~ x"), 20)[:n]
		if !Unbroken(p) {
			t.Errorf("%q is not", p)
		}
		for i := range p {
			for b := range 256 {
				was := p[i]
				p[i] = byte(b)
				if got, want := Unbroken(p), b >= 0x20 && b < 0x7f; got != want {
					t.Errorf("%q: %v", p, got)
				}
				p[i] = was
			}
		}
	}
}

// TestSkipWithoutLines holds what ToWrap says for output without line feeds.
func TestSkipWithoutLines(t *testing.T) {
	for seed := range uint64(tries(300)) {
		r := rand.New(rand.NewPCG(seed, 3))
		rows, cols := 1+r.IntN(12), 1+r.IntN(40)
		text := func(n int) []byte {
			p := make([]byte, n)
			for i := range p {
				p[i] = byte(0x20 + r.IntN(0x5f))
			}
			return p
		}
		s, whole := New(rows, cols, Options{HistoryBytes: 4096}), New(rows, cols, Options{HistoryBytes: 4096})
		begin := append(plainOutput(r, r.IntN(2*rows)), text(r.IntN(3*cols))...)
		if r.IntN(3) == 0 {
			begin = append([]byte("\x1b[?1049h\x1b(0\x1b[31m"), begin...)
		}
		s.Write(begin)
		whole.Write(begin)
		if !s.Skippable() {
			continue
		}
		n, ok := s.ToWrap()
		if !ok {
			t.Fatal("it does not wrap")
		}
		whole.Write(text(n + cols*r.IntN(3*rows)))
		after := append(text(2*rows*cols+r.IntN(3*cols)), "\r\nend"[:r.IntN(6)]...)
		whole.Write(after)
		s.Skip()
		s.Write(after)
		if diff := cmp.Diff(whole.Repaint(rows, cols, false), s.Repaint(rows, cols, false)); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		all, got := whole.History(), s.History()
		if len(got) > len(all) || len(got) > 0 && !cmp.Equal(all[len(all)-len(got):], got) {
			t.Fatalf("seed %d: history %q, want the end of %q", seed, got, all)
		}
	}
}

func BenchmarkUnbroken(b *testing.B) {
	p := bytes.Repeat([]byte("x"), 64<<10)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		Unbroken(p)
	}
}

// TestSkipLines holds what SkipLines says.
func TestSkipLines(t *testing.T) {
	skipped := 0
	for seed := range uint64(tries(2000)) {
		r := rand.New(rand.NewPCG(seed, 4))
		rows, cols := 1+r.IntN(12), 1+r.IntN(40)
		lines := func(n int) []byte {
			var b bytes.Buffer
			for range n {
				for range r.IntN(3) {
					b.WriteString("some text that wraps, now and then"[:r.IntN(35)])
					if r.IntN(4) == 0 {
						b.WriteByte('\r')
					}
				}
				b.WriteByte('\n')
			}
			return b.Bytes()
		}
		s, whole := New(rows, cols, Options{HistoryBytes: 4096}), New(rows, cols, Options{HistoryBytes: 4096})
		begin := append(plainOutput(r, r.IntN(2*rows)), []string{"", "x", "\x1b[?7l", "\x1b[20h", "\x1b[?1049h", "\x1b[999C", "\x1b[44m"}[r.IntN(7)]...)
		begin = append(begin, lines(r.IntN(3))...)
		s.Write(begin)
		whole.Write(begin)
		if !s.Skippable() {
			continue
		}
		over := lines(rows + r.IntN(3*rows) + 1)
		after := append(lines(2*rows+1), "\r\nend"[:r.IntN(6)]...)
		whole.Write(over)
		whole.Write(after)
		cut := r.IntN(len(over))
		if !s.SkipLines(over[:cut], over[cut:]) {
			t.Fatalf("seed %d: %q is not skipped", seed, over)
		}
		skipped++
		s.Write(after)
		if diff := cmp.Diff(whole.Repaint(rows, cols, false), s.Repaint(rows, cols, false)); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		all, got := whole.History(), s.History()
		if len(got) > len(all) || len(got) > 0 && !cmp.Equal(all[len(all)-len(got):], got) {
			t.Fatalf("seed %d: history %q, want the end of %q", seed, got, all)
		}
		before := s.Snapshot()
		for _, no := range []string{"a\tb\n", "\x1b[A\n", "é\n", "a\x7f\n", "\b\n", "a\x00"} {
			if s.SkipLines([]byte("fine\n"), []byte(no)) {
				t.Errorf("%q was skipped", no)
			}
		}
		if diff := cmp.Diff(before, s.Snapshot()); diff != "" {
			t.Errorf("what was not skipped changed the screen: %s", diff)
		}
	}
	if skipped < tries(1000) {
		t.Errorf("only %d were tried", skipped)
	}
}

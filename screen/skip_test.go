package screen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plainPieces are what plainOutput is made of.
var plainPieces = []string{
	"x", "a line of text ", "\t", "日本語", "e\u0301", "\u0301", "👨\u200d", "👩", "🇩", "🇪", "\r", "\n", "lqqk#", " ",
	"a line that is longer than most of the screens here are wide", "\r\n", "\u00a0", "❤\ufe0f",
}

// plainOutput is some plain output of so many lines, the last of them ended.
func plainOutput(r *rand.Rand, lines int) []byte {
	var b bytes.Buffer
	for range lines {
		for range r.IntN(6) {
			b.WriteString(plainPieces[r.IntN(len(plainPieces))])
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

// verifySkip holds Skip's promise for output, plain output of some lines behind it that is
// skipped, and what comes after.
func verifySkip(t *testing.T, output, after []byte, rows, cols, skipped int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	before := plainOutput(r, skipped)
	if r.IntN(4) == 0 && len(before) > 0 {
		before = append(before[:len(before)-2], '\n') // behind which the column is not known
	}
	behind := append(plainOutput(r, 1+2*rows+r.IntN(4)), "xyz"[:r.IntN(4)]...)
	behind = append([]byte("x"), behind...)
	if Plain(before) != len(before) || Plain(behind) != len(behind) {
		t.Fatal("not plain")
	}
	s := New(rows, cols, Options{HistoryBytes: 4096})
	s.Write(output)
	if !s.Skippable() {
		return
	}
	whole := New(rows, cols, Options{HistoryBytes: 4096})
	whole.Write(output)
	whole.Write(before)
	if !whole.Skippable() {
		t.Fatalf("no longer skippable after %q", before)
	}
	whole.Write(behind)
	s.Skip()
	check(t, s)
	s.Write(behind)
	if !s.Enough(bytes.Count(behind, []byte("\r\n"))) {
		t.Fatalf("%q is not enough", behind)
	}
	sameButHistory(t, "skipped", whole, s)
	if bytes.Count(before, []byte("\r\n")) >= rows && bytes.HasSuffix(before, []byte("\r\n")) {
		want, got := paintedHistory(whole), paintedHistory(s)
		if len(got) > len(want) || !slices.Equal(want[len(want)-len(got):], got) {
			t.Fatalf("history (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
	whole.Write(after)
	s.Write(after)
	check(t, s)
	sameButHistory(t, "and then", whole, s)
}

// paintedHistory is the history with its colours.
func paintedHistory(s *Screen) []string {
	var lines []string
	s.history.each(func(line []byte, columns int, wrapped bool) {
		lines = append(lines, fmt.Sprintf("%q %d %v", line, columns, wrapped))
	})
	return lines
}

func sameButHistory(t *testing.T, what string, want, got *Screen) {
	t.Helper()
	a, b := want.Snapshot(), got.Snapshot()
	a.History, b.History = 0, 0
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(a, b))
	}
	rows, cols := want.rows, want.cols
	if a, b := want.Repaint(rows, cols, false), got.Repaint(rows, cols, false); !bytes.Equal(a, b) {
		t.Fatalf("%s: repaint\nwant %q\ngot  %q", what, a, b)
	}
}

func FuzzSkip(f *testing.F) {
	f.Add([]byte("some"), []byte{}, uint8(3), uint8(20), uint8(9), uint64(1))
	f.Add([]byte("\x60\x61\x62"), []byte("more"), uint8(23), uint8(79), uint8(200), uint64(2))
	f.Fuzz(func(t *testing.T, first, after []byte, rows, cols, skipped uint8, seed uint64) {
		verifySkip(t, madeOf(first[:min(len(first), 256)]), madeOf(after[:min(len(after), 128)]),
			1+int(rows)%30, 1+int(cols)%100, int(skipped), seed)
	})
}

func TestSkip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range tries(5000) {
		verifySkip(t, madeOf(random(40)), madeOf(random(40)), 1+r.IntN(12), 1+r.IntN(40), r.IntN(40), r.Uint64())
	}
	for name, b := range outputs(t) {
		rows, cols := sizeOf(t, name)
		for range 20 {
			verifySkip(t, b[:r.IntN(len(b))], b, rows, cols, r.IntN(100), r.Uint64())
		}
	}
}

func TestSkippable(t *testing.T) {
	for output, want := range map[string]bool{
		"": true, "text": true, "\x1b[31m\x1b]0;title\a": true, "\x1b[?1049h": true, "\x1b(0": true, "\x1b[?7l": true, "\x1b[20h": true,
		"\x1b[2;3r": false, "\x1b[?6h": false, "\x1b[4h": false, "\x1b[?69h": false, "\x1bN": false,
		"\x1b": false, "\x1b[": false, "\x1b]0;t": false, "\x1bP": false, "\xe6\x97": false,
	} {
		s := New(5, 20, Options{})
		s.Write([]byte(output))
		if got := s.Skippable(); got != want {
			t.Errorf("%q: skippable %v", output, got)
		}
	}
	s := New(5, 20, Options{})
	for lines, want := range map[int]bool{0: false, 10: false, 11: true, 1000: true} {
		if got := s.Enough(lines); got != want {
			t.Errorf("%d lines are enough: %v", lines, got)
		}
	}
}

// A history that was skipped begins anew; that of the main screen stays while the other is
// shown.
func TestSkipHistory(t *testing.T) {
	s := New(2, 20, Options{})
	s.Write([]byte("1\r\n2\r\n3\r\n"))
	s.Write([]byte("\x1b[?1049h"))
	s.Skip()
	if got, want := s.History(), []string{"1", "2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	s.Write([]byte("\x1b[?1049l"))
	s.Skip()
	s.Write([]byte("a\r\nb\r\nc"))
	if got, want := s.History(), []string{"a"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

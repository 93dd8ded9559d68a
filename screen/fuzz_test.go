package screen

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// check fails when a Screen breaks a promise about itself.
func check(t *testing.T, s *Screen) {
	t.Helper()
	if s.x < 0 || s.x >= s.cols || s.y < 0 || s.y >= s.rows {
		t.Fatalf("cursor at %d,%d of %dx%d", s.y, s.x, s.rows, s.cols)
	}
	if s.top < 0 || s.top > s.bottom || s.bottom >= s.rows || s.left < 0 || s.left > s.right || s.right >= s.cols {
		t.Fatalf("margins %d..%d, %d..%d", s.top, s.bottom, s.left, s.right)
	}
	if s.modes&originMode != 0 && (s.y < s.top || s.y > s.bottom || s.x < s.left || s.x > s.right) {
		t.Fatalf("cursor at %d,%d outside the margins in origin mode", s.y, s.x)
	}
	for _, g := range []*grid{&s.main, &s.alt} {
		if g == &s.main && len(g.rows) != s.rows {
			t.Fatalf("%d lines", len(g.rows))
		}
		for y := range g.rows {
			checkRow(t, s, &g.rows[y], y)
		}
		if len(g.kitty) > maxKitty {
			t.Fatalf("%d kitty flags", len(g.kitty))
		}
	}
	if s.history.used > s.history.bound || len(s.history.ring) > s.history.bound {
		t.Fatalf("history of %d bytes in %d, bound %d", s.history.used, len(s.history.ring), s.history.bound)
	}
	if len(s.store.clusters) > maxClusters || len(s.store.extras) > maxExtras || s.store.linkBytes > maxLinkBytes {
		t.Fatalf("store: %d clusters, %d extras, %d bytes of links", len(s.store.clusters), len(s.store.extras), s.store.linkBytes)
	}
	if len(s.parser.str) > maxString || len(s.titles) > maxTitles || len(s.title) > maxTitle {
		t.Fatal("a string too long")
	}
}

func checkRow(t *testing.T, s *Screen, r *row, y int) {
	t.Helper()
	if r.cells != nil && len(r.cells) != s.cols || r.used > len(r.cells) {
		t.Fatalf("line %d: %d cells, %d used", y, len(r.cells), r.used)
	}
	for x, c := range r.cells[:r.used] {
		wideBefore := x > 0 && r.cells[x-1].attr&wide != 0
		if isSpacer := c.attr&spacer != 0; isSpacer != wideBefore {
			t.Fatalf("line %d, column %d: half a wide character", y, x)
		}
		if c.text&clusterBit != 0 && int(c.text&^clusterBit) >= len(s.store.clusters) || int(c.extra) >= len(s.store.extras) {
			t.Fatalf("line %d, column %d: not in the store", y, x)
		}
	}
	if r.used > 0 && r.cells[r.used-1].attr&wide != 0 {
		t.Fatalf("line %d ends in half a wide character", y)
	}
}

// repainted is a fresh Screen that was given s's Repaint.
func repainted(s *Screen) *Screen {
	c := New(s.rows, s.cols, Options{HistoryBytes: s.history.bound})
	c.Write(s.Repaint(s.rows, s.cols, true))
	return c
}

func same(t *testing.T, what string, want, got *Screen) {
	t.Helper()
	check(t, got)
	a, b := want.Snapshot(), got.Snapshot()
	if !reflect.DeepEqual(a, b) { // much faster than cmp
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(a, b))
	}
	if a, b := want.History(), got.History(); !slices.Equal(a, b) {
		t.Fatalf("%s: history (-want +got):\n%s", what, cmp.Diff(a, b))
	}
}

// verify holds everything that is promised for some output, cut at a place and with a
// change of size there when rows is not 0.
func verify(t *testing.T, output []byte, rows, cols, cut int) {
	whole := New(rows, cols, Options{HistoryBytes: 4096})
	whole.Write(output)
	check(t, whole)
	same(t, "repaint", whole, repainted(whole))

	cut = min(max(cut, 0), len(output))
	s := New(rows, cols, Options{HistoryBytes: 4096})
	s.Write(output[:cut])
	check(t, s)
	s.Write(output[cut:])
	same(t, "cut in two", whole, s)
	bytewise := New(rows, cols, Options{HistoryBytes: 4096})
	for i := range output {
		bytewise.Write(output[i : i+1])
	}
	same(t, "byte by byte", whole, bytewise)

	for _, size := range [][2]int{{rows - 3, cols - 5}, {rows + 3, cols + 5}, {1, 1}, {rows, cols - 1}, {rows + 1, cols}} {
		other := New(size[0], size[1], Options{HistoryBytes: 4096})
		other.Write(s.Repaint(size[0], size[1], true))
		check(t, other)
	}
	s.Resize(rows+cut%5-2, cols+cut%7-3)
	check(t, s)
	s.Write(output[:cut])
	check(t, s)
	// Lines of the history may be wider now than the screen, so that they count more.
	s.history.clear()
	same(t, "repaint after a resize", s, repainted(s))
}

func outputs(tb testing.TB) map[string][]byte {
	files, err := filepath.Glob("testdata/output/*")
	if err != nil || len(files) == 0 {
		tb.Fatal("no outputs", err)
	}
	all := make(map[string][]byte)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		all[filepath.Base(f)] = b
	}
	return all
}

func FuzzWrite(f *testing.F) {
	for _, b := range outputs(f) {
		for chunk := range slices.Chunk(b[:min(len(b), 6000)], 2000) {
			f.Add(chunk, uint8(23), uint8(79), uint16(len(chunk)/3))
		}
	}
	f.Add([]byte("👨\u200d👩\u200d👧 e\u0301 🇩🇪🇯 日\x1b[1;3H本\b\b\u0301"), uint8(2), uint8(5), uint16(5))
	f.Add([]byte("\x1b[?69h\x1b[2;4s\x1b[2;3r\x1b[?6h日本語abcdefgh\n\n\x1b7\x1b[2L\x1b[M\x1b[3@\x1b[2P\x1b[S\x1b[T"), uint8(4), uint8(7), uint16(30))
	f.Add([]byte("\x1b[44mab\x1b[Kcd\x1b[4:3;58:2::1:2:3m\x1b]8;id=1;http://x\x1b\\link\r\n\n\n\n\x1b[J"), uint8(3), uint8(6), uint16(9))
	f.Fuzz(func(t *testing.T, output []byte, rows, cols uint8, cut uint16) {
		output = output[:min(len(output), 8192)]
		verify(t, output, 1+int(rows)%40, 1+int(cols)%100, int(cut))
	})
}

func TestRepaint(t *testing.T) {
	for name, b := range outputs(t) {
		t.Run(name, func(t *testing.T) {
			rows, cols := sizeOf(t, name)
			s := New(rows, cols, Options{})
			for i := 0; i < len(b); i += 97 { // a viewer that joins anywhere sees the same from then on
				end := min(i+97, len(b))
				s.Write(b[i:end])
				joined := repainted(s)
				same(t, "repaint", s, joined)
				if i%(97*8) == 0 {
					whole := New(rows, cols, Options{})
					whole.Write(b)
					joined.Write(b[end:])
					same(t, "joined", whole, joined)
				}
			}
			if !bytes.Contains(s.Repaint(rows, cols, false), []byte("\x1b[H")) {
				t.Error("no repaint")
			}
		})
	}
}

package screen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// shownIn is how a viewer's line looks that was painted with f, from the cells of s.
func shownIn(s *Screen, f *Frame, at int) string {
	var b strings.Builder
	var last cell
	y := f.oy + at
	for col := range f.cols {
		x := f.ox + col
		var text string
		var style cell
		switch {
		case y < s.rows && x < s.cols:
			c := s.g.rows[y].at(x)
			cutLeft, cutRight := c.attr&spacer != 0 && col == 0, c.attr&wide != 0 && col == f.cols-1
			if cutLeft || cutRight {
				c = c.pen()
			}
			c = c.plain(&s.store)
			text, style = string(s.store.appendText(nil, c)), c.pen()
			text = strings.TrimSuffix(text, "\u200d")
			if r, n := utf8.DecodeRuneInString(text); col == f.cols-1 && c.attr&spacer == 0 && uncertain(uint32(r)) {
				text = text[:n] // with what all combines there terminals would wrap
			}
		case y == s.rows && x == s.cols:
			text, style = "┘", cell{attr: faint}
		case y == s.rows && x < s.cols:
			text, style = "─", cell{attr: faint}
		case y < s.rows && x == s.cols:
			text, style = "│", cell{attr: faint}
		default:
			text = " "
		}
		if style != last {
			fmt.Fprintf(&b, "{%v}", s.style(style))
			last = style
		}
		b.WriteString(text)
	}
	return b.String()
}

// lookOf is a line of a Screen, as shownIn says it.
func lookOf(s *Screen, y int) string {
	return shownIn(s, &Frame{rows: s.rows, cols: s.cols}, y)
}

// checkFrame fails when a viewer that was painted with f does not show what s does.
func checkFrame(t *testing.T, s, viewer *Screen, f *Frame) {
	t.Helper()
	check(t, viewer)
	if !viewer.parser.resting() {
		t.Fatal("the frame does not end")
	}
	for y := range f.rows {
		if want, got := shownIn(s, f, y), lookOf(viewer, y); want != got {
			t.Fatalf("line %d of %dx%d at %d,%d of %dx%d\nwant %s\ngot  %s", y, f.rows, f.cols, f.oy, f.ox, s.rows, s.cols, want, got)
		}
		if viewer.g.rows[y].wrapped {
			t.Fatalf("line %d goes on in the next", y)
		}
	}
	if s.modes&showCursor != 0 && (viewer.x+f.ox != s.x || viewer.y+f.oy != s.y) {
		t.Fatalf("cursor at %d,%d of the part at %d,%d, want %d,%d", viewer.y, viewer.x, f.oy, f.ox, s.y, s.x)
	}
	want, got := s.Snapshot(), viewer.Snapshot()
	modes := slices.DeleteFunc(want.Modes, func(name string) bool {
		mouse := strings.HasPrefix(name, "mouse-") && name != fmt.Sprint("mouse-", s.encoding) && (f.ox > 0 || f.oy > 0)
		return mouse || slices.Contains([]string{"insert", "origin", "left-right-margins", "size-reports", "autowrap"}, name)
	})
	got.Modes = slices.DeleteFunc(got.Modes, func(name string) bool { return name == "autowrap" })
	kitty := 0
	if n := len(s.g.kitty); n > 0 {
		kitty = int(s.g.kitty[n-1])
	}
	a := []any{want.Title, want.Icon, want.Alternate, want.Cursor.Visible, want.Cursor.Shape, slices.Clip(modes), want.OtherKeys, kitty,
		Style{}, "BBBB0", Margins{0, f.rows - 1, 0, f.cols - 1}, true}
	b := []any{got.Title, got.Icon, got.Alternate, got.Cursor.Visible, got.Cursor.Shape, slices.Clip(got.Modes), got.OtherKeys,
		int(viewer.g.kitty[len(viewer.g.kitty)-1]), got.Pen, got.Charsets, got.Margins, viewer.modes&autowrap != 0}
	if !reflect.DeepEqual(a, b) && fmt.Sprint(a) != fmt.Sprint(b) {
		t.Fatalf("(-want +got):\n%s", cmp.Diff(a, b))
	}
}

// verifyFrames paints a viewer with frames of what output makes, a frame every so many bytes,
// and then as if nothing were known of it.
func verifyFrames(t *testing.T, output, junk []byte, rows, cols, vrows, vcols, every int) {
	s := New(rows, cols, Options{HistoryBytes: 4096})
	viewer := New(vrows, vcols, Options{HistoryBytes: 4096})
	viewer.Write(junk)
	if !viewer.parser.resting() || len(viewer.main.kitty) > 1 {
		viewer.Write([]byte("\x18\x18\x1b[!p"))
	}
	viewer.charsets.single = 0 // nothing but a character ends that
	scrolled := viewer.history.lines
	var f *Frame
	var b []byte
	for i := 0; i <= len(output); i += every {
		s.Write(output[i:min(i+every, len(output))])
		old := f
		b, f = s.Frame(f, vrows, vcols)
		viewer.Write(b)
		checkFrame(t, s, viewer, f)
		if old != nil && !bytes.HasPrefix(b, []byte("\x1b[?2026h\x1b[?25l")) && len(b) > 20 {
			t.Fatalf("no synchronized update: %q", b)
		}
		if again, same := s.Frame(f, vrows, vcols); len(again) > 0 || same != f {
			t.Fatalf("nothing changed: %q", again)
		}
	}
	if viewer.history.lines != scrolled {
		t.Fatal("frames scroll the viewer's terminal")
	}
	b, f = s.Frame(nil, vrows, vcols)
	if bytes.Contains(b, []byte("\x1b[2J")) || bytes.Contains(b, []byte("\x1b[J")) {
		t.Fatalf("cleared: %q", b)
	}
	viewer.Write(b)
	checkFrame(t, s, viewer, f)
	if vrows == s.rows && vcols == s.cols {
		return
	}
	joined := New(vrows, vcols, Options{})
	joined.Write(s.Repaint(vrows, vcols, true))
	checkFrame(t, s, joined, f)
}

func FuzzFrame(f *testing.F) {
	all := make([]byte, len(pieces))
	for i := range all {
		all[i] = byte(i)
	}
	f.Add(all, []byte{1, 2, 3}, uint8(8), uint8(20), uint8(4), uint8(9), uint8(10))
	f.Add(all, []byte{70, 71}, uint8(8), uint8(20), uint8(12), uint8(30), uint8(3))
	f.Fuzz(func(t *testing.T, input, junk []byte, rows, cols, vrows, vcols, every uint8) {
		verifyFrames(t, madeOf(input[:min(len(input), 256)]), madeOf(junk[:min(len(junk), 64)]),
			1+int(rows)%12, 1+int(cols)%30, 1+int(vrows)%16, 1+int(vcols)%36, 1+int(every))
	})
}

func TestFrame(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	random := func(n int) []byte {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range tries(1000) {
		verifyFrames(t, madeOf(random(200)), madeOf(random(40)), 1+r.IntN(12), 1+r.IntN(30), 1+r.IntN(16), 1+r.IntN(36), 1+r.IntN(100))
	}
	for name, b := range outputs(t) {
		rows, cols := sizeOf(t, name)
		for _, size := range [][2]int{{rows, cols}, {rows - 5, cols - 11}, {rows + 1, cols + 1}, {rows + 9, cols + 20}, {rows - 3, cols + 7}, {rows + 2, cols - 31}, {1, 1}} {
			verifyFrames(t, b, nil, rows, cols, size[0], size[1], 1511)
		}
	}
}

// The terminal and the viewer's window may change their sizes between frames.
func TestFrameResize(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		s := New(1+r.IntN(12), 1+r.IntN(30), Options{})
		viewer := New(1+r.IntN(12), 1+r.IntN(30), Options{})
		var f *Frame
		var b []byte
		for range 20 {
			switch r.IntN(4) {
			case 0:
				s.Resize(1+r.IntN(12), 1+r.IntN(30))
			case 1:
				viewer.Resize(1+r.IntN(12), 1+r.IntN(30))
			default:
				s.Write(madeOf([]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}))
			}
			b, f = s.Frame(f, viewer.rows, viewer.cols)
			viewer.Write(b)
			checkFrame(t, s, viewer, f)
		}
	}
}

// Only what changed is sent, and while it comes nothing else changes.
func TestFrameSendsChanges(t *testing.T) {
	s := New(6, 20, Options{})
	s.Write([]byte("\x1b]0;title\aone\r\ntwo\r\n\x1b[31mthree\x1b[m"))
	viewer := New(8, 30, Options{})
	b, f := s.Frame(nil, 8, 30)
	viewer.Write(b)
	for _, c := range []struct{ output, want string }{
		{"\x1b[H", "\x1b[1;1H"},
		{"", ""},
		{"\x1b[2;1Htwo", "\x1b[2;4H"},
		{"\x1b[2;1HTW", "\x1b[?2026h\x1b[?25l\x1b[?7l\x1b[2;1HTWo\x1b[K\x1b[21G\x1b[2m\x1b(0x\x1b(B\x1b[m\x1b[?7h\x1b[2;3H\x1b[?25h\x1b[?2026l"},
		{"\x1b[?25l", "\x1b[2;3H\x1b[?25l"},
		{"\x1b[?25h", "\x1b[2;3H\x1b[?25h"},
		{"\x1b]0;other\a", "\x1b[?2026h\x1b[?25l\x1b]0;other\x1b\\\x1b[2;3H\x1b[?25h\x1b[?2026l"},
		{"\x1b[4;1H\x1b[44m\x1b[K\x1b[m", "\x1b[?2026h\x1b[?25l\x1b[?7l\x1b[4;1H\x1b[44m" + strings.Repeat(" ", 20) +
			"\x1b[m\x1b[K\x1b[21G\x1b[2m\x1b(0x\x1b(B\x1b[m\x1b[?7h\x1b[4;1H\x1b[?25h\x1b[?2026l"},
		{"\x1b[5;1H❤x👍", // of which terminals disagree how wide they are
			"\x1b[?2026h\x1b[?25l\x1b[?7l\x1b[5;1H❤\x1b[2Gx👍\x1b[5G\x1b[K\x1b[21G\x1b[2m\x1b(0x\x1b(B\x1b[m\x1b[?7h\x1b[5;5H\x1b[?25h\x1b[?2026l"},
	} {
		s.Write([]byte(c.output))
		b, f = s.Frame(f, 8, 30)
		if string(b) != c.want {
			t.Errorf("%q: %q, want %q", c.output, b, c.want)
		}
		viewer.Write(b)
		checkFrame(t, s, viewer, f)
	}
	if cap(b) > 256 {
		t.Errorf("%d bytes are held for %d", cap(b), len(b))
	}
	for name, output := range outputs(t) {
		rows, cols := sizeOf(t, name)
		s, viewer := New(rows, cols, Options{}), New(rows-2, cols+3, Options{})
		var f *Frame
		for i := 0; i < len(output); i += 1997 {
			s.Write(output[i:min(i+1997, len(output))])
			old := f
			b, f = s.Frame(f, rows-2, cols+3)
			stay := make([]string, rows-2)
			for y := range stay {
				if old != nil && old.alternate == f.alternate && old.lines[y] == f.lines[y] {
					stay[y] = lookOf(viewer, y)
				}
			}
			for at := 0; at < len(b); at += 41 {
				viewer.Write(b[at:min(at+41, len(b))])
				for y, want := range stay {
					if want != "" && lookOf(viewer, y) != want {
						t.Fatalf("%s: line %d changes for a while", name, y)
					}
				}
			}
		}
	}
}

// A smaller viewer's part stays where it is while the cursor is in it or hidden.
func TestFramePart(t *testing.T) {
	s := New(20, 40, Options{})
	var f *Frame
	for _, c := range []struct {
		output string
		oy, ox int
	}{
		{"", 0, 0},
		{"\x1b[5;10H", 0, 0},
		{"\x1b[6;11H", 1, 5},
		{"\x1b[5;7H", 1, 5},
		{"\x1b[?25l\x1b[20;40H", 1, 5},
		{"\x1b[?25h", 15, 30},
		{"\x1b[16;31H", 15, 30},
		{"\x1b[16;30H", 15, 24},
		{"\x1b[H", 0, 0},
	} {
		s.Write([]byte(c.output))
		_, f = s.Frame(f, 5, 10)
		if f.oy != c.oy || f.ox != c.ox {
			t.Errorf("%q: part at %d,%d, want %d,%d", c.output, f.oy, f.ox, c.oy, c.ox)
		}
	}
	s.Write([]byte("\x1b[?1000h"))
	if b, _ := s.Frame(f, 5, 10); !bytes.Contains(b, []byte("\x1b[?1000h")) {
		t.Error("no mouse at the top left")
	}
	s.Write([]byte("\x1b[20;40H"))
	if b, _ := s.Frame(nil, 5, 10); bytes.Contains(b, []byte("\x1b[?1000h")) {
		t.Error("the mouse tells of places elsewhere")
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, changes := range []string{"", "x", "\x1b[H\x1b[31mline\r\n\x1b[20Hx"} {
		b.Run(fmt.Sprintf("%q", changes), func(b *testing.B) {
			s := New(40, 120, Options{})
			s.Write(colourful(b))
			_, f := s.Frame(nil, 50, 150)
			b.ReportAllocs()
			for b.Loop() {
				s.Write([]byte(changes))
				_, f = s.Frame(f, 50, 150)
			}
		})
	}
}

// A Repaint without history clears nothing and still leaves nothing of what was there.
func TestRepaintOverJunk(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	random := func(n int) []byte {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range 2000 {
		rows, cols := 1+r.IntN(12), 2+r.IntN(30)
		s, viewer := New(rows, cols, Options{}), New(rows, cols, Options{})
		s.Write(madeOf(random(100)))
		viewer.Write(madeOf(random(100)))
		viewer.charsets.single, viewer.tabs, viewer.titles = 0, nil, nil
		viewer.main.kitty, viewer.alt.kitty = nil, nil
		b := s.Repaint(rows, cols, false)
		if bytes.Contains(b, []byte("\x1b[2J")) {
			t.Fatal("cleared")
		}
		viewer.Write(b)
		check(t, viewer)
		sameButHistory(t, "repaint", s, viewer)
	}
}

// Whoever saw frames of the alternate screen, and leaves it, is on the main one where the
// cursor was.
func TestFrameKeepsTheMainCursor(t *testing.T) {
	s := New(24, 80, Options{})
	viewer := New(10, 40, Options{})
	show := func(prev *Frame) *Frame {
		out, f := s.Frame(prev, 10, 40)
		_, _ = viewer.Write(out) // never fails
		return f
	}
	_, _ = s.Write([]byte("one\r\ntwo\r\n$ vi"))
	f := show(nil)
	_, _ = s.Write([]byte("\x1b[?1049h\x1b[H\x1b[7mfull screen"))
	show(f)
	_, _ = viewer.Write([]byte("\x1b[?1049l"))
	if viewer.y != 2 || viewer.x != 4 {
		t.Errorf("the cursor is at %d,%d, want 2,4", viewer.y, viewer.x)
	}
	if got := viewer.Text(); !strings.HasPrefix(got, "one") {
		t.Errorf("the main screen is\n%s", got)
	}
}

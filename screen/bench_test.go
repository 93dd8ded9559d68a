package screen

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

func colourful(tb testing.TB) []byte { return recording(tb, "vim-gui-colors.40x120") }

func recording(tb testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/output/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func plainLines() []byte {
	line := strings.Repeat("plain text of an ordinary line ", 2) + "\r\n"
	return []byte(strings.Repeat(line, 1000))
}

func colouredLines() []byte {
	var b bytes.Buffer
	for range 300 {
		b.WriteString("\x1b[0m\x1b[01;34mdirectory\x1b[0m  \x1b[01;32mprogram\x1b[0m  \x1b[38;5;208mword\x1b[39m \x1b[4mline\x1b[24m plain \x1b[1;31merror:\x1b[0m text\r\n")
	}
	return b.Bytes()
}

// buildLog is what compilers print: paths, now and then a message in colours.
func buildLog() []byte {
	var b bytes.Buffer
	for i := range 300 {
		fmt.Fprintf(&b, "[%3d%%] \x1b[32mBuilding CXX object src/core/CMakeFiles/core.dir/module_%d.cpp.o\x1b[0m\r\n", i/3, i)
		if i%5 == 0 {
			fmt.Fprintf(&b, "\x1b[01m\x1b[Ksrc/core/module_%d.cpp:%d:17:\x1b[m\x1b[K \x1b[01;35m\x1b[Kwarning: \x1b[m\x1b[Kunused variable \xe2\x80\x98\x1b[01m\x1b[Kindex\x1b[m\x1b[K\xe2\x80\x99\r\n", i, i)
		}
	}
	return b.Bytes()
}

// scrolling is what an editor sends to move by a line: the margins, an index, the new line in
// colours, the status line.
func scrolling() []byte {
	var b bytes.Buffer
	for i := range 300 {
		fmt.Fprintf(&b, "\x1b[?25l\x1b[1;39r\x1b[39;1H\r\n\x1b[1;40r\x1b[39;1H\x1b[33m%4d \x1b[m    \x1b[32mreturn\x1b[m s.\x1b[36mparser\x1b[m.resume(v.buf, \x1b[31m%d\x1b[m)"+
			"\x1b[K\x1b[40;100H\x1b[1m%d,1\x1b[m\x1b[39;5H\x1b[?25h", i, i, i)
	}
	return b.Bytes()
}

func wideLines() []byte {
	return []byte(strings.Repeat("日本語テキスト 中文字符 한국어 é 😀 👍 ┌─┬─┐ déjà vu\r\n", 300))
}

func BenchmarkWrite(b *testing.B) {
	for _, in := range []struct {
		name   string
		output []byte
	}{
		{"plain", plainLines()}, {"coloured", colouredLines()}, {"vim", colourful(b)}, {"wide", wideLines()},
		{"build", buildLog()}, {"scroll", scrolling()}, {"top", recording(b, "top-memory.30x100")},
	} {
		b.Run(in.name, func(b *testing.B) {
			s := New(40, 120, Options{})
			for range 30 {
				s.Write(in.output)
			}
			b.SetBytes(int64(len(in.output)))
			b.ReportAllocs()
			for b.Loop() {
				s.Write(in.output)
			}
		})
	}
}

func BenchmarkCopy(b *testing.B) { // what a loop that only looks at each byte takes
	in := plainLines()
	out := make([]byte, len(in))
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		//lint:ignore S1001 the loop is what is measured
		for i, c := range in {
			out[i] = c
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	in := colouredLines()
	var f Filter
	var out []byte
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		out = f.Append(out[:0], in)
	}
}

func BenchmarkRepaint(b *testing.B) {
	s := New(40, 120, Options{})
	s.Write(colourful(b))
	for b.Loop() {
		s.Repaint(40, 120, true)
	}
}

// BenchmarkFlood is what sequences cost that touch the most for their length, on the largest screen.
func BenchmarkFlood(b *testing.B) {
	for name, piece := range map[string]string{
		"DECALN": "\x1b#8", "scroll columns": "\x1b[S", "erase": "\x1b[J\x1b[44m\x1b[J\x1b[m", "alternate": "\x1b[?1049h\x1b[?1049l", "insert columns": "\x1b['}",
		"scroll": "\x1b[T", "combine": "e\u0301",
	} {
		for _, size := range [][2]int{{24, 80}, {128, 1024}} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, size[0], size[1]), func(b *testing.B) {
				s := New(size[0], size[1], Options{})
				if name == "scroll columns" || name == "insert columns" {
					s.Write([]byte("\x1b[?69h\x1b[2s"))
				}
				output := []byte(strings.Repeat(piece, 100))
				b.SetBytes(int64(len(output)))
				for b.Loop() {
					s.Write(output)
				}
			})
		}
	}
}

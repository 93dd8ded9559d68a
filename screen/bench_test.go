package screen

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

func colourful(tb testing.TB) []byte {
	b, err := os.ReadFile("testdata/output/vim-gui-colors.40x120")
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

func wideLines() []byte {
	return []byte(strings.Repeat("日本語テキスト 中文字符 한국어 é 😀 👍 ┌─┬─┐ déjà vu\r\n", 300))
}

func BenchmarkWrite(b *testing.B) {
	for _, in := range []struct {
		name   string
		output []byte
	}{
		{"plain", plainLines()}, {"coloured", colouredLines()}, {"vim", colourful(b)}, {"wide", wideLines()},
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

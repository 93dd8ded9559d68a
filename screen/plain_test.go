package screen

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for _, c := range []struct {
		output string
		plain  int
	}{
		{"", 0},
		{"text\r\n\tand more, longer than two words of the machine ~", 55},
		{"日本語 é 😀 👨\u200d👩 \u00a0\ufffd", len("日本語 é 😀 👨\u200d👩 \u00a0\ufffd")},
		{"abc\x1b[m", 3},
		{"a\bb", 1},
		{"a\x00", 1},
		{"a\x7f", 1},
		{"é\x0e", 2},
		{"\x85", 0},
		{"a\u0085", 1},
		{"a\u009b1m", 1},
		{"0123456\u0080", 7},
		{"a\xff", 1},
		{"a\xe6\x9cb", 1},
		{"a\xed\xa0\x80", 1}, // a surrogate
		{"a\xc0\xaf", 1},     // too long
		{"a\xe6\x9c", 1},     // goes on in what comes next
		{"a\xf0\x9f\x98", 1},
	} {
		for _, before := range []string{"", "\n", strings.Repeat("x", 9), strings.Repeat("0123456789\r\n", 5)} {
			if got, want := Plain([]byte(before+c.output)), len(before)+c.plain; got != want {
				t.Errorf("%q: %d bytes, want %d", before+c.output, got, want)
			}
		}
	}
	for c := range 256 { // each byte at each place of a word, after 0xFF too, which carries
		for at := range 20 {
			p := bytes.Repeat([]byte{'~'}, 40)
			p[at] = byte(c)
			if got := Plain(p); got != slowPlain(p) {
				t.Fatalf("%q: %d bytes", p, got)
			}
			p[at+1] = 0xFF
			if got := Plain(p); got != slowPlain(p) {
				t.Fatalf("%q: %d bytes", p, got)
			}
		}
	}
}

// slowPlain is Plain as its comment says it.
func slowPlain(p []byte) int {
	for i := 0; i < len(p); {
		r, n := utf8.DecodeRune(p[i:])
		control := r < 0x20 && r != '\t' && r != '\r' && r != '\n' || r >= 0x7F && r < 0xA0
		if control || r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(p)
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("text of a line\r\n\tmore 日本語\u0085"))
	f.Add([]byte("0123456789abcdef0123456789abcdef\xc2"))
	f.Fuzz(func(t *testing.T, p []byte) {
		n := Plain(p)
		if want := slowPlain(p); n != want {
			t.Fatalf("%q: %d bytes, want %d", p, n, want)
		}
		s := New(3, 20, Options{})
		s.Write(p[:n])
		if !s.parser.resting() {
			t.Fatalf("%q leaves the parser in the middle of something", p[:n])
		}
	})
}

func BenchmarkPlain(b *testing.B) {
	for name, output := range map[string][]byte{
		"long lines": bytes.Repeat(append(bytes.Repeat([]byte{'x'}, 1000), '\r', '\n'), 64),
		"lines":      plainLines(),
		"wide":       wideLines(),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(output)))
			for b.Loop() {
				if Plain(output) != len(output) {
					b.Fatal("not plain")
				}
			}
		})
	}
}

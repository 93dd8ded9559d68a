package cast

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// BenchmarkOutput: bytes of output a second, before they are escaped.
func BenchmarkOutput(b *testing.B) {
	chunks := []struct {
		name string
		data []byte
	}{
		{"text/64K", bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog 0123456789, and what then?\r\n"), 64<<10/73)},
		{"colours/64K", bytes.Repeat([]byte("\x1b[01;34mdir\x1b[0m  \x1b[01;32mprogram\x1b[0m  file.txt  other.go\r\n"), 64<<10/60)},
		{"unicode/64K", bytes.Repeat([]byte("größe 端末 ─────┐ 😀\r\n"), 64<<10/40)},
		{"binary/64K", bytes.Repeat([]byte{0x00, 0xff, 0x80, 0x1b, 'a', 0xc3, 0x28, '\n'}, 64<<10/8)},
		{"key/1", []byte("x")},
	}
	for _, c := range chunks {
		for name, opts := range map[string]Options{"unchained": {NoChain: true}, "v3": {}, "v2": {Version: V2}} {
			b.Run(fmt.Sprintf("%s/%s", c.name, name), func(b *testing.B) {
				w, err := NewWriter(io.Discard, header, opts)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(c.data)))
				b.ReportAllocs()
				for b.Loop() {
					w.Output(start, c.data)
				}
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	var file bytes.Buffer
	w, err := NewWriter(&file, header, Options{})
	if err != nil {
		b.Fatal(err)
	}
	line := bytes.Repeat([]byte("\x1b[01;34mdir\x1b[0m and more of it\r\n"), 32)
	for range 1000 {
		w.Output(start, line)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("Reader", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			events(b, file.Bytes())
		}
	})
	b.Run("Verify", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			if _, err := Verify(bytes.NewReader(file.Bytes()), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Filter", func(b *testing.B) {
		s := string(line)
		var f Filter
		var out []byte
		b.SetBytes(int64(len(s)))
		for b.Loop() {
			out = f.Append(out[:0], s)
		}
	})
}

package recorder

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ptsns/ptsns/cast"
)

var line = []byte("the quick brown fox jumps over the lazy dog 0123456789, and what then?\r\n")

// BenchmarkOutput is what the terminal's side pays for output that comes in a burst, while
// the other side writes it to nowhere.
func BenchmarkOutput(b *testing.B) {
	for _, size := range []int{72, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := bytes.Repeat(line, size/len(line)+1)[:size]
			const all = 16 << 20
			b.SetBytes(all)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				r := over(b, io.Discard, Options{Lost: func(string, int64) { b.Error("bytes are missing") }})
				b.StartTimer()
				for range all / size {
					r.Output(time.Now(), p)
				}
				b.StopTimer()
				r.End(time.Now())
				wait(b, r)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(all/size), "ns/call")
		})
	}
}

// BenchmarkRecorder is the whole way into a file, of as much as the bound allows to
// come at once.
func BenchmarkRecorder(b *testing.B) {
	for _, v := range []cast.Version{cast.V3, cast.V2} {
		for _, size := range []int{72, 4 << 10, 64 << 10} {
			b.Run(fmt.Sprintf("v%d/%d", v, size), func(b *testing.B) {
				p := bytes.Repeat(line, size/len(line)+1)[:size]
				const all = 32 << 20
				b.SetBytes(all)
				b.ReportAllocs()
				path := filepath.Join(b.TempDir(), "a.cast")
				for b.Loop() {
					r, err := New(path, header, Options{Version: v, Lost: func(string, int64) { b.Error("bytes are missing") }})
					if err != nil {
						b.Fatal(err)
					}
					for range all / size {
						r.Output(time.Now(), p)
					}
					r.End(time.Now())
					wait(b, r)
					if err := os.Remove(path); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

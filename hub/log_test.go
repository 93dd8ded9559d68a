package hub

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestOutputLog keeps random pieces, and compares what is there with all that was kept.
func TestOutputLog(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		l := outputLog{max: 512 << rnd.IntN(5)}
		var all []byte
		for range 200 {
			p := make([]byte, rnd.IntN(1<<rnd.IntN(13)))
			for i := range p {
				p[i] = byte(rnd.Int())
			}
			all = append(all, p...)
			l.append(p)
			if l.end != uint64(len(all)) {
				t.Fatalf("seed %d: end %d, want %d", seed, l.end, len(all))
			}
			if len(l.buf) > l.max || l.end-l.start < uint64(min(len(all), l.max)/2) || l.end-l.start > uint64(len(l.buf)) {
				t.Fatalf("seed %d: keeps %d to %d in %d bytes of %d", seed, l.start, l.end, len(l.buf), l.max)
			}
			at := l.start
			if n := l.end - l.start; n > 0 {
				at += rnd.Uint64N(n)
			}
			got := make([]byte, rnd.IntN(1000))
			got = got[:l.copy(got, at)]
			if want := all[at:min(uint64(len(all)), at+uint64(cap(got)))]; !bytes.Equal(got, want) && cap(got) > 0 {
				t.Fatalf("seed %d: from %d: %d bytes, want %d, or others", seed, at, len(got), len(want))
			}
		}
	}
}

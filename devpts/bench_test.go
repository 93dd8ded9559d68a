//go:build !race

package devpts

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// crowded is an instance with n terminals.
func crowded(tb testing.TB, n int) (*Instance, []pts.End) {
	tb.Helper()
	s := NewSystem(Config{})
	_ = s.SetPtyMax(1 << 30) // it is an int of C's
	m, err := s.Mount(Mounter{}, "")
	if err != nil {
		tb.Fatal(err)
	}
	ends := make([]pts.End, n)
	for k := range ends {
		if ends[k], _, err = m.OpenPtmx(nil, 2); err != nil {
			tb.Fatal(err)
		}
	}
	return m.Instance(), ends
}

func openClose(tb testing.TB, i *Instance) {
	e, _, err := i.OpenPtmx(nil, 2)
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// TestOpeningIsFlat: a terminal among a million opens and closes as fast as one among ten.
// Both are measured in turns in one run.
func TestOpeningIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("a million terminals take half a gigabyte")
	}
	few, a := crowded(t, 10)
	many, b := crowded(t, 1_000_000)
	// The last number of the many is somewhere in the middle.
	if err := b[500_000].Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var ratios []float64
	for range 21 {
		var took [2]time.Duration
		for k, i := range []*Instance{few, many} {
			start := time.Now()
			for range 2000 {
				openClose(t, i)
			}
			took[k] = time.Since(start)
		}
		ratios = append(ratios, float64(took[1])/float64(took[0]))
	}
	slices.Sort(ratios)
	ratio := ratios[len(ratios)/2]
	t.Logf("ratio %.2f (%.2f to %.2f)", ratio, ratios[0], ratios[len(ratios)-1])
	if ratio > 3 {
		t.Errorf("opening and closing among a million terminals takes %.1f times as long as among ten", ratio)
	}
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
}

func BenchmarkOpenClose(b *testing.B) {
	for _, n := range []int{10, 1000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			i, ends := crowded(b, n)
			runtime.GC()
			b.ReportAllocs()
			for b.Loop() {
				openClose(b, i)
			}
			runtime.KeepAlive(ends)
		})
	}
}

// heap is how much make takes, for each of n.
func heap(b *testing.B, n int, make func() any) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	made := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/each")
	runtime.KeepAlive(made)
}

// BenchmarkMemory tells what a terminal of which both ends are open takes, among a million in
// one instance, and what an instance with one terminal does, of a million. The ends are held
// in slices, of which 32 bytes are part.
func BenchmarkMemory(b *testing.B) {
	const n = 1_000_000
	pair := func(i pts.Instance) (ends [2]pts.End) {
		e, index, err := i.OpenPtmx(nil, 2)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = e.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)) // the open tells
		s, err := i.OpenPts(nil, index, 2)
		if err != nil {
			b.Fatal(err)
		}
		return [2]pts.End{e, s}
	}
	b.Run("terminal", func(b *testing.B) {
		for b.Loop() {
			heap(b, n, func() any {
				i, _ := crowded(b, 0)
				all := make([][2]pts.End, n)
				for k := range all {
					all[k] = pair(i)
				}
				return all
			})
		}
	})
	b.Run("instance", func(b *testing.B) {
		for b.Loop() {
			heap(b, n, func() any {
				s := NewSystem(Config{})
				_ = s.SetPtyMax(1 << 30)
				all := make([][2]pts.End, n)
				for k := range all {
					m, err := s.Mount(Mounter{}, "")
					if err != nil {
						b.Fatal(err)
					}
					all[k] = pair(m)
				}
				return all
			})
		}
	})
}

package devpts

import (
	"math/rand/v2"
	"testing"
)

// TestIndices compares the tree with what it stands for, a row of marks, around the sizes
// at which it grows.
func TestIndices(t *testing.T) {
	for _, size := range []int{1, 63, 64, 65, 4095, 4096, 4097, 262145} {
		var x indices
		for want := range size {
			if n, ok := x.take(size); !ok || n != want {
				t.Fatalf("%d of %d: took %d, %v", want, size, n, ok)
			}
		}
		if n, ok := x.take(size); ok {
			t.Fatalf("took %d of %d", n, size)
		}
		r := rand.New(rand.NewPCG(1, uint64(size)))
		used := make([]bool, size)
		for n := range used {
			used[n] = true
		}
		low := size
		for range min(3*size, 20000) {
			if n := r.IntN(size); used[n] {
				x.free(n)
				used[n] = false
				low = min(low, n)
				continue
			}
			for low < size && used[low] {
				low++
			}
			n, ok := x.take(size)
			if ok != (low < size) || ok && n != low {
				t.Fatalf("size %d: took %d, %v, want %d", size, n, ok, low)
			}
			if ok {
				used[n] = true
			}
		}
	}
}

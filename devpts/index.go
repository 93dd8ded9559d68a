package devpts

import "math/bits"

// indices is a set of numbers from 0 on that finds the lowest which is not in it: a tree
// of bits, 64 to a word, in which a word above has a bit for each full word below. The
// zero value is empty. Each operation takes one step a level, of which a million numbers
// have four; memory is a bit for each number up to the highest there ever was.
type indices struct {
	levels [][]uint64
}

// take puts the lowest number that is not in the set into it, where it is below limit.
func (x *indices) take(limit int) (n int, ok bool) {
	n = x.lowest()
	if n >= limit {
		return 0, false
	}
	for l := range x.levels {
		word := n >> (6 * (l + 1))
		if word == len(x.levels[l]) {
			x.levels[l] = append(x.levels[l], 0)
		}
		x.levels[l][word] |= 1 << (n >> (6 * l) & 63)
		if x.levels[l][word] != ^uint64(0) {
			break
		}
	}
	return n, true
}

// lowest walks from the top: in a word, the first bit that is 0 has room below it.
func (x *indices) lowest() int {
	top := len(x.levels) - 1
	if top < 0 || x.levels[top][0] == ^uint64(0) {
		x.grow()
		top++
	}
	n := 0
	for l := top; l >= 0; l-- {
		if n == len(x.levels[l]) {
			n <<= 6 // nothing was ever there
			continue
		}
		n = n<<6 | bits.TrailingZeros64(^x.levels[l][n])
	}
	return n
}

// grow puts a level on top. Below it the first word is full.
func (x *indices) grow() {
	var word uint64
	if len(x.levels) > 0 {
		word = 1
	}
	x.levels = append(x.levels, []uint64{word})
}

// free takes n out of the set.
func (x *indices) free(n int) {
	for l := range x.levels {
		word := &x.levels[l][n>>(6*(l+1))]
		full := *word == ^uint64(0)
		*word &^= 1 << (n >> (6 * l) & 63)
		if !full {
			return
		}
	}
}

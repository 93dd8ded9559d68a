package hub

// outputLog keeps the last bytes of a terminal's output. Offsets count from its first
// byte and never come back. The zero value with max set is empty, and holds nothing.
type outputLog struct {
	max        int    // bytes kept at most, a power of two
	buf        []byte // a ring; its length is a power of two, or 0
	start, end uint64 // what is kept
}

// smallestLog is how much an outputLog holds at first.
const smallestLog = 512

// append keeps p, and less of what came before where there is no room for both.
func (l *outputLog) append(p []byte) {
	end := l.end + uint64(len(p))
	if over := len(p) - l.max; over > 0 {
		p = p[over:]
		l.start = end - uint64(len(p))
		l.end = l.start
	}
	l.grow(int(l.end-l.start) + len(p))
	for at := l.end; len(p) > 0; {
		n := copy(l.buf[int(at)&(len(l.buf)-1):], p)
		p = p[n:]
		at += uint64(n)
	}
	l.end = end
	l.start = max(l.start, end-min(end, uint64(len(l.buf))))
}

// grow makes room for n bytes, as far as there may be.
func (l *outputLog) grow(n int) {
	size := max(len(l.buf), min(smallestLog, l.max))
	for size < n && size < l.max {
		size *= 2
	}
	if size == len(l.buf) {
		return
	}
	buf := make([]byte, size)
	for at := l.start; at < l.end; {
		piece := l.piece(at)
		at += uint64(copy(buf[int(at)&(size-1):], piece))
	}
	l.buf = buf
}

// piece is what is kept from at on, as far as it lies in one piece. It is good until
// the next append.
func (l *outputLog) piece(at uint64) []byte {
	i := int(at) & (len(l.buf) - 1)
	return l.buf[i:min(len(l.buf), i+int(l.end-at))]
}

// copy copies to p what is kept from at on, which must not be before start.
func (l *outputLog) copy(p []byte, at uint64) int {
	n := 0
	for n < len(p) && at < l.end {
		k := copy(p[n:], l.piece(at))
		n += k
		at += uint64(k)
	}
	return n
}

// powerOfTwo is the least one that is not less than n.
func powerOfTwo(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

package screen

import "encoding/binary"

// history keeps lines that left the screen at its top, as the bytes that paint them, in a
// ring that grows as it fills up to a bound. Each line has a header of headerLen bytes.
type history struct {
	ring    []byte
	start   int // of the oldest line
	used    int // bytes
	lines   int
	bound   int
	wrapped bool // the newest line goes on in the next, or on the screen
}

const (
	headerLen   = 6 // length and flag: 4 bytes, columns: 2 bytes
	wrappedFlag = 1 << 31
)

// push adds a line of so many columns, dropping the oldest for room. A line too large for
// the bound is dropped itself.
func (h *history) push(line []byte, columns int, wrapped bool) {
	n := headerLen + len(line)
	if n > h.bound {
		h.wrapped = false
		return
	}
	if h.used+n > len(h.ring) {
		h.grow(h.used + n)
	}
	for h.used+n > len(h.ring) {
		h.drop()
	}
	var head [headerLen]byte
	length := uint32(len(line))
	if wrapped {
		length |= wrappedFlag
	}
	binary.LittleEndian.PutUint32(head[:], length)
	binary.LittleEndian.PutUint16(head[4:], uint16(columns))
	h.put(head[:])
	h.put(line)
	h.lines++
	h.wrapped = wrapped
}

func (h *history) put(p []byte) {
	at := h.start + h.used
	if at >= len(h.ring) {
		at -= len(h.ring)
	}
	h.used += len(p)
	n := copy(h.ring[at:], p)
	copy(h.ring, p[n:])
}

// get reads n bytes at an offset from the oldest, in buf when they lie across the end.
func (h *history) get(offset, n int, buf []byte) []byte {
	at := h.start + offset
	if at >= len(h.ring) {
		at -= len(h.ring)
	}
	if at+n <= len(h.ring) {
		return h.ring[at : at+n]
	}
	buf = append(buf[:0], h.ring[at:]...)
	return append(buf, h.ring[:n-len(buf)]...)
}

func (h *history) header(offset int) (length, columns int, wrapped bool) {
	var buf [headerLen]byte
	b := h.get(offset, headerLen, buf[:0])
	l := binary.LittleEndian.Uint32(b)
	return int(l &^ wrappedFlag), int(binary.LittleEndian.Uint16(b[4:])), l&wrappedFlag != 0
}

func (h *history) drop() {
	length, _, _ := h.header(0)
	n := headerLen + length
	h.start += n
	if h.start >= len(h.ring) {
		h.start -= len(h.ring)
	}
	h.used -= n
	h.lines--
}

// grow makes room for need bytes, as far as the bound allows.
func (h *history) grow(need int) {
	if len(h.ring) == h.bound {
		return
	}
	ring := make([]byte, min(h.bound, max(2*len(h.ring), need, 1024)))
	if h.used > 0 {
		n := copy(ring, h.ring[h.start:min(h.start+h.used, len(h.ring))])
		copy(ring[n:], h.ring[:h.used-n])
	}
	h.ring, h.start = ring, 0
}

func (h *history) clear() { *h = history{bound: h.bound} }

// each calls f with every line, the oldest first. The bytes are valid during the call.
func (h *history) each(f func(line []byte, columns int, wrapped bool)) {
	var buf []byte
	for offset := 0; offset < h.used; {
		length, columns, wrapped := h.header(offset)
		offset += headerLen
		buf = growTo(buf, length)
		f(h.get(offset, length, buf), columns, wrapped)
		offset += length
	}
}

func growTo(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, 0, n)
	}
	return b
}

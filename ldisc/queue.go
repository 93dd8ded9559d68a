package ldisc

import "sync"

// QueueSize is how many bytes a Queue can hold.
const QueueSize = 16 << 10

// Limit is how much of a Queue a writer may fill: what a peer that does not read
// accepts, together with what the discipline behind it holds. The rest is for
// insertions that ask nobody (TIOCSTI, TCIOFF).
const Limit = 15 << 10

var queuePool = sync.Pool{New: func() any { return new([QueueSize]byte) }}

// Queue is a bounded queue of bytes, a pair's output on its way to the ptm. The zero
// value is empty and holds no memory; an empty queue gives its memory back.
type Queue struct {
	buf  *[QueueSize]byte // nil when empty
	tail uint32           // free running; where the next byte is taken
	head uint32           // free running; where the next byte goes
}

// Len is how many bytes are queued.
func (q *Queue) Len() int { return int(q.head - q.tail) }

// Room is how many bytes Put takes below Limit, never negative.
func (q *Queue) Room() int { return max(0, Limit-q.Len()) }

// span is free contiguous memory behind the head.
func (q *Queue) span() []byte {
	if q.buf == nil {
		q.buf = queuePool.Get().(*[QueueSize]byte)
		q.head, q.tail = 0, 0
	}
	at := q.head % QueueSize
	free := QueueSize - (q.head - q.tail)
	return q.buf[at:min(at+free, QueueSize)]
}

// Put appends p; the caller has made sure that it fits.
func (q *Queue) Put(p []byte) {
	for len(p) > 0 {
		n := copy(q.span(), p)
		if n == 0 {
			panic("ldisc: queue overrun")
		}
		q.head += uint32(n)
		p = p[n:]
	}
}

// PutByte appends one byte, for which there is room.
func (q *Queue) PutByte(c byte) {
	if q.buf == nil {
		q.span()
	}
	q.buf[q.head%QueueSize] = c
	q.head++
}

// Take moves up to len(p) bytes out of the queue.
func (q *Queue) Take(p []byte) int {
	n := min(len(p), q.Len())
	for done := 0; done < n; {
		at := q.tail % QueueSize
		c := copy(p[done:n], q.buf[at:])
		done += c
		q.tail += uint32(c)
	}
	if n > 0 && q.head == q.tail {
		q.release()
	}
	return n
}

// Front is contiguous memory of the oldest bytes, nil when there is none; it is valid
// until the next change.
func (q *Queue) Front() []byte {
	n := q.head - q.tail
	if n == 0 {
		return nil
	}
	at := q.tail % QueueSize
	return q.buf[at:min(at+n, QueueSize)]
}

// Skip drops the n oldest bytes and, when wipe is set, overwrites them.
func (q *Queue) Skip(n int, wipe bool) {
	for n > 0 {
		front := q.Front()
		c := min(n, len(front))
		if wipe {
			clear(front[:c])
		}
		q.tail += uint32(c)
		n -= c
	}
	if q.buf != nil && q.head == q.tail {
		q.release()
	}
}

// Keep drops all but the n oldest bytes, and overwrites them.
func (q *Queue) Keep(n int) {
	if q.Len() <= n {
		return
	}
	for end := q.tail + uint32(n); q.head != end; {
		q.head--
		q.buf[q.head%QueueSize] = 0
	}
	if n == 0 {
		q.release()
	}
}

func (q *Queue) release() {
	queuePool.Put(q.buf)
	q.buf, q.head, q.tail = nil, 0, 0
}

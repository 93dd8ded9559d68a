package control

import "sync"

// inputQueue is the input of a client that was not typed yet: at most
// inputWindow bytes, and after them perhaps the end. The zero value is empty.
type inputQueue struct {
	mu    sync.Mutex
	buf   []byte // guarded by mu
	ended bool   // guarded by mu; the end was put, nothing may follow
	owed  bool   // guarded by mu; the end was put and not taken
	busy  bool   // guarded by mu; somebody is taking
	out   int    // guarded by mu; bytes put that the client was not given back
	done  int    // guarded by mu; of those, bytes typed
}

// put queues p, or the end. idle reports that nobody is taking: the caller must
// see to it that somebody does. ok is false when the client may not send that.
func (q *inputQueue) put(p []byte, end bool) (idle, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended || q.out+len(p) > inputWindow {
		return false, false
	}
	q.buf = append(q.buf, p...)
	q.out += len(p)
	if end {
		q.ended, q.owed = true, true
	}
	idle = !q.busy
	q.busy = true
	return idle, true
}

// take gives everything that is queued. When that is nothing, the taker must
// stop.
func (q *inputQueue) take() (p []byte, end bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p, end = q.buf, q.owed
	q.buf, q.owed = nil, false
	if len(p) == 0 && !end {
		q.busy = false
	}
	return p, end
}

// taken says that n bytes were typed. The result is how many more bytes the
// client is to be allowed: 0 until it is worth a frame.
func (q *inputQueue) taken(n int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done += n
	if q.done < inputWindow/2 {
		return 0
	}
	n = q.done
	q.out -= n
	q.done = 0
	return n
}

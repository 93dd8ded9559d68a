package recorder

import (
	"sync"
	"time"
	"unsafe"

	"github.com/ptsns/ptsns/cast"
)

const (
	// blockSize and blockItems are what a block holds. Somebody who types, and the echo,
	// fill less than one between two flushes.
	blockSize  = 16 << 10
	blockItems = 64
	// wakeBlocks are so many full ones that writing them does not wait for more.
	wakeBlocks = 4
	// maxQueued is the bound of one queue in bytes, if Options do not say another.
	maxQueued = 64 << 20
	// together is how long bytes of one kind that follow each other are given the
	// same time: no screen shows more pictures.
	together = 4 * time.Millisecond
)

// item is an event that waits to be written.
type item struct {
	code cast.Code
	at   time.Time
	n    int   // how many of the block's bytes are its
	a, b int64 // a Resize's rows and columns; an Exit's status; a gap's missing bytes of output and of input
}

// gap is the code of an item that stands for a gap.
const gap = cast.Marker

// block is a piece of a queue.
type block struct {
	next  *block
	items [blockItems]item
	n     int // so many of items are used
	data  [blockSize]byte
	used  int // so much of data
}

var pool = sync.Pool{New: func() any { return new(block) }}

// queue is what waits to be written. Its user has a lock for it, but for the pool and
// the Group, which have their own.
type queue struct {
	first, last *block
	blocks      int // in the queue and being written
	max         int // of blocks
	group       *Group

	gap struct {
		open          bool
		at            time.Time // of the first thing that fell into it
		output, input int64     // bytes that did
		resize, exit  item      // the last that did; the code is 0 for none
	}
}

func (q *queue) init(bytes int64, group *Group) {
	if bytes <= 0 {
		bytes = maxQueued
	}
	q.max, q.group = max(int(bytes/int64(unsafe.Sizeof(block{}))), 2), group
}

// stream queues p, or as much as there is room for.
func (q *queue) stream(it item, p []byte) {
	q.resume()
	for len(p) > 0 && !q.gap.open {
		last := q.join(it)
		if last == nil {
			q.gap.open, q.gap.at = true, it.at
			break
		}
		n := copy(q.last.data[q.last.used:], p)
		last.n += n
		q.last.used += n
		p = p[n:]
	}
	if it.code == cast.Input {
		q.gap.input += int64(len(p))
	} else {
		q.gap.output += int64(len(p))
	}
}

// event queues an item without bytes. Of what falls into a gap, the last size and exit
// follow it.
func (q *queue) event(it item) {
	q.resume()
	if !q.gap.open {
		if b := q.room(false); b != nil {
			b.put(it)
			return
		}
		q.gap.open, q.gap.at = true, it.at
	}
	if it.code == cast.Resize {
		q.gap.resize = it
	} else {
		q.gap.exit = it
	}
}

// resume closes the gap once there is room for half of the bound: else the recording
// would be all gaps.
func (q *queue) resume() {
	if q.gap.open && q.blocks <= q.max/2 && q.group.hasRoom() {
		q.close()
	}
}

// close queues what tells of the gap, past the bound if need be.
func (q *queue) close() {
	g := &q.gap
	missing := item{at: g.at, a: g.output, b: g.input}
	if g.output+g.input > 0 {
		missing.code = gap
	}
	for _, it := range []item{missing, g.resize, g.exit} {
		if it.code != 0 {
			q.room(true).put(it)
		}
	}
	g.open, g.output, g.input, g.resize, g.exit = false, 0, 0, item{}, item{}
}

// join returns the item that bytes go to, in the last block, which has room for some;
// nil when the bound is reached.
func (q *queue) join(it item) *item {
	b := q.last
	if b == nil || b.used == blockSize {
		if b = q.grow(false); b == nil {
			return nil
		}
	}
	if b.n > 0 {
		if last := &b.items[b.n-1]; last.code == it.code && it.at.Sub(last.at) < together {
			return last
		}
	}
	if b = q.room(false); b == nil {
		return nil
	}
	return b.put(it)
}

// room returns the last block, with room for an item; nil when the bound is reached.
func (q *queue) room(past bool) *block {
	if q.last != nil && q.last.n < blockItems {
		return q.last
	}
	return q.grow(past)
}

// grow appends a block; nil when the bound is reached, unless past.
func (q *queue) grow(past bool) *block {
	if !past && (q.blocks >= q.max || !q.group.hasRoom()) {
		return nil
	}
	q.group.took()
	b := pool.Get().(*block)
	if q.last == nil {
		q.first = b
	} else {
		q.last.next = b
	}
	q.last = b
	q.blocks++
	return b
}

// take takes the first block out; it is counted until it is given back.
func (q *queue) take() *block {
	b := q.first
	if b == nil {
		return nil
	}
	if q.first = b.next; q.first == nil {
		q.last = nil
	}
	b.next = nil
	return b
}

// give gives a block back.
func (q *queue) give(b *block) {
	b.n, b.used = 0, 0
	pool.Put(b)
	q.blocks--
	q.group.gave()
}

// put appends an item to a block that has room for it.
func (b *block) put(it item) *item {
	b.items[b.n] = it
	b.n++
	return &b.items[b.n-1]
}

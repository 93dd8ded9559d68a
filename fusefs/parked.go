//go:build linux

package fusefs

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
)

type parkedRead struct {
	unique uint64
	size   int
}

type parkedWrite struct {
	unique uint64
	rest   []byte // our copy
	taken  int    // bytes the end has taken of this write already
}

// maxRead is the most that one read gives. A longer read(2) reaches us in pieces of at
// most maxPages pages of the caller's memory; filling one would bring us a request for
// the next, which would block although there is something to return.
const maxRead = (maxPages - 1) * pageSize

// read answers at once when there is something to read or the file is non-blocking.
func (d *Door) read(in wire.In, out []byte) {
	r, err := wire.ParseRead(in.Body)
	if err == nil && r.ReadFlags&wire.ReadLockOwner == 0 {
		// A page for a mapping or for splice(2), which all opens would share. Who
		// splices takes this errno as advice to read.
		err = unix.EINVAL
	}
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	h := d.handle(in, r.FH)
	if h == nil {
		return
	}
	p := out[wire.OutHeaderSize:][:min(int(r.Size), maxRead)]
	h.mu.Lock()
	n, err := 0, error(unix.EAGAIN)
	if len(h.reads) == 0 {
		n, err = h.end.Read(p)
	}
	if err == unix.EAGAIN && r.Flags&unix.O_NONBLOCK == 0 {
		h.reads = append(h.reads, parkedRead{in.Unique, len(p)})
		h.mu.Unlock()
		return
	}
	h.mu.Unlock()
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.reply(in.Unique, out[:wire.OutHeaderSize+n])
}

// write answers when all is taken; a non-blocking file gets what could be taken now. So
// does an appending one, because the kernel locks the file against all writers while one
// appends.
func (d *Door) write(in wire.In, out []byte) {
	w, err := wire.ParseWrite(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	h := d.handle(in, w.FH)
	if h == nil {
		return
	}
	h.mu.Lock()
	n, err := 0, error(unix.EAGAIN)
	if len(h.writes) == 0 {
		n, err = h.end.Write(w.Data)
	}
	waits := w.Flags&(unix.O_NONBLOCK|unix.O_APPEND) == 0 && w.Offset < fileSize
	if waits && (err == unix.EAGAIN || err == nil && n < len(w.Data)) {
		h.writes = append(h.writes, parkedWrite{in.Unique, append([]byte(nil), w.Data[n:]...), n})
		h.mu.Unlock()
		return
	}
	h.mu.Unlock()
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.reply(in.Unique, wire.AppendWriteOut(out[:wire.OutHeaderSize], n))
}

func (h *handle) answerReads() {
	buf := h.door.out // look runs on the loop, like everything that answers
	for {
		h.mu.Lock()
		if len(h.reads) == 0 {
			h.mu.Unlock()
			return
		}
		r := h.reads[0]
		n, err := h.end.Read(buf[wire.OutHeaderSize:][:r.size])
		if err == unix.EAGAIN {
			h.mu.Unlock()
			return
		}
		h.reads = slices.Delete(h.reads, 0, 1) // keeps the room for the next
		h.mu.Unlock()
		if err != nil {
			h.door.replyError(r.unique, err)
			continue
		}
		h.door.reply(r.unique, buf[:wire.OutHeaderSize+n])
	}
}

func (h *handle) answerWrites() {
	for {
		h.mu.Lock()
		if len(h.writes) == 0 {
			h.mu.Unlock()
			return
		}
		w := &h.writes[0]
		n, err := h.end.Write(w.rest)
		w.taken += n
		w.rest = w.rest[n:]
		if err == unix.EAGAIN || err == nil && n > 0 && len(w.rest) > 0 {
			more := err == nil
			h.mu.Unlock()
			if more {
				continue
			}
			return
		}
		done := *w
		h.writes = slices.Delete(h.writes, 0, 1)
		h.mu.Unlock()
		h.door.answerWrite(done, err)
	}
}

// answerWrite ends a parked write: what was taken counts, even when err cut it short.
func (d *Door) answerWrite(w parkedWrite, err error) {
	if err != nil && w.taken == 0 {
		d.replyError(w.unique, err)
		return
	}
	b := make([]byte, wire.OutHeaderSize, wire.OutHeaderSize+8)
	d.reply(w.unique, wire.AppendWriteOut(b, w.taken))
}

// interrupt ends the parked request that a signal asks to end: EINTR, or the count of
// a write that has begun. A request that is neither parked nor aside has been answered.
func (d *Door) interrupt(in wire.In) {
	unique, err := wire.ParseInterrupt(in.Body)
	if err != nil {
		return
	}
	d.mu.Lock()
	handles := make([]*handle, 0, len(d.handles))
	for _, h := range d.handles {
		handles = append(handles, h)
	}
	d.mu.Unlock()
	for _, h := range handles {
		if h.unpark(unique, unix.EINTR) {
			return
		}
	}
	d.watchAside(unique)
}

// unpark takes the request out of its queue, answers it with err and tells whether it
// was there.
func (h *handle) unpark(unique uint64, err error) bool {
	h.mu.Lock()
	for i, r := range h.reads {
		if r.unique == unique {
			h.reads = slices.Delete(h.reads, i, i+1)
			h.mu.Unlock()
			h.door.replyError(unique, err)
			return true
		}
	}
	for i, w := range h.writes {
		if w.unique == unique {
			h.writes = slices.Delete(h.writes, i, i+1)
			h.mu.Unlock()
			h.door.answerWrite(w, err)
			return true
		}
	}
	h.mu.Unlock()
	return false
}

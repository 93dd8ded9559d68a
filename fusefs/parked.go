//go:build linux

package fusefs

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
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

// parkRead answers at once when there is something to read or the file is non-blocking.
func (h *handle) parkRead(unique uint64, size int, flags uint32, out []byte) {
	p := out[wire.OutHeaderSize:][:size]
	h.mu.Lock()
	n, err := 0, error(unix.EAGAIN)
	if len(h.reads) == 0 {
		n, err = h.end.Read(p)
	}
	if isAgain(err) && flags&unix.O_NONBLOCK == 0 {
		h.reads = append(h.reads, parkedRead{unique, len(p)})
		h.mu.Unlock()
		return
	}
	h.mu.Unlock()
	if err != nil {
		h.door.replyError(unique, err)
		return
	}
	h.door.reply(unique, out[:wire.OutHeaderSize+n])
}

// parkWrite answers when all is taken; who must not wait gets what could be taken now.
func (h *handle) parkWrite(unique uint64, data []byte, waits bool, out []byte) {
	h.mu.Lock()
	n, err := 0, error(unix.EAGAIN)
	if len(h.writes) == 0 {
		n, err = h.end.Write(data)
	}
	if waits && (isAgain(err) || err == nil && n < len(data)) {
		h.writes = append(h.writes, parkedWrite{unique, append([]byte(nil), data[n:]...), n})
		h.mu.Unlock()
		return
	}
	h.mu.Unlock()
	if err != nil {
		h.door.replyError(unique, err)
		return
	}
	h.door.reply(unique, wire.AppendWriteOut(out[:wire.OutHeaderSize], n))
}

// isAgain tells whether an end has nothing or no room now.
func isAgain(err error) bool { return err == unix.EAGAIN || err == pts.EAGAIN }

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
		if isAgain(err) {
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
		if isAgain(err) || err == nil && n > 0 && len(w.rest) > 0 {
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

// unparkAll answers whatever is parked with err.
func (h *handle) unparkAll(err error) {
	h.mu.Lock()
	reads, writes := h.reads, h.writes
	h.reads, h.writes = nil, nil
	h.mu.Unlock()
	for _, r := range reads {
		h.door.replyError(r.unique, err)
	}
	for _, w := range writes {
		h.door.answerWrite(w, err)
	}
}

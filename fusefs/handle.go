//go:build linux

package fusefs

import (
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

const allEvents = wait.In | wait.Pri | wait.Out | wait.Err | wait.Hup | wait.RdNorm | wait.WrNorm | wait.RdHup

// forWriters is what tells writers, and nobody else, that they may go on.
const forWriters = wait.Out | wait.WrNorm

// handle is one open of the file: a ptm, and the requests that wait for it.
type handle struct {
	door *Door
	end  pts.End
	stop func() // ends the notification

	mu     sync.Mutex
	reads  []parkedRead  // guarded by mu; in order of arrival
	writes []parkedWrite // guarded by mu; in order of arrival
	pollKH uint64        // guarded by mu: whom to notify
	wanted wait.Events   // guarded by mu: what those who wait for a notification want
}

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

func (d *Door) poll(in wire.In, out []byte) {
	p, err := wire.ParsePoll(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	h := d.handle(in, p.FH)
	if h == nil {
		return
	}
	h.mu.Lock()
	if p.Flags&wire.PollScheduleNotify != 0 {
		h.pollKH = p.KH
		h.wanted |= wantedBy(p.Events)
	}
	events := h.end.Poll() // after registering, so that no change falls between
	h.mu.Unlock()
	d.reply(in.Unique, wire.AppendPollOut(out[:wire.OutHeaderSize], uint32(events)))
}

// wantedBy turns the bits that a poller asked for into those that an end reports
// changes in. Err and Hup wake every poller.
func wantedBy(asked uint32) wait.Events {
	wanted := wait.Err | wait.Hup
	if wait.Events(asked)&forWriters != 0 {
		wanted |= forWriters
	}
	if wait.Events(asked)&^forWriters != 0 {
		wanted |= wait.In | wait.RdNorm | wait.Pri | wait.RdHup
	}
	return wanted
}

// look answers the parked requests that can be answered now and notifies pollers. The
// end calls it when readiness may have changed, to now. A write is not tried again where
// now has no room: the kernel ends each write to a ptm, also one that took nothing, with
// an edge, which would call us again for as long as there is something to read or the pts
// is closed. A write that waits for room still waits when the pts is closed.
func (h *handle) look(now wait.Events) {
	h.mu.Lock()
	kh, polled := h.pollKH, h.wanted&now != 0
	if polled {
		h.wanted = 0 // they all look again, and ask again if they still wait
	}
	reads := len(h.reads) > 0 && now&^forWriters != 0
	writes := len(h.writes) > 0 && now&(forWriters|wait.Err) != 0
	h.mu.Unlock()
	if reads {
		h.answerReads()
	}
	if writes {
		h.answerWrites()
	}
	if polled {
		var b [wire.NotifyPollSize]byte
		wire.PutNotifyPoll(b[:], kh)
		h.door.send(b[:])
	}
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

// release closes the end. Requests cannot be parked any more when the kernel releases
// a file; when the door closes, they end with EIO.
func (h *handle) release() {
	h.stop()
	h.mu.Lock()
	reads, writes := h.reads, h.writes
	h.reads, h.writes = nil, nil
	h.mu.Unlock()
	for _, r := range reads {
		h.door.replyError(r.unique, unix.EIO)
	}
	for _, w := range writes {
		h.door.answerWrite(w, unix.EIO)
	}
	_ = h.end.Close() // a ptm's close reports nothing that its opener could use
}

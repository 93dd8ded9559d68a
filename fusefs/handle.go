//go:build linux

package fusefs

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

const allEvents = wait.In | wait.Pri | wait.Out | wait.Err | wait.Hup | wait.RdNorm | wait.WrNorm | wait.RdHup

// forWriters is what tells writers, and nobody else, that they may go on.
const forWriters = wait.Out | wait.WrNorm

// handle is one open of a file: an end, and what waits for it.
type handle struct {
	door    *Door
	end     pts.End
	starter pts.Starter // end, when it waits by itself; nil: requests are parked here
	stop    func()      // ends the notification

	mu     sync.Mutex
	reads  []parkedRead  // guarded by mu; in order of arrival
	writes []parkedWrite // guarded by mu; in order of arrival
	pollKH uint64        // guarded by mu: whom to notify
	wanted wait.Events   // guarded by mu: what those who wait for a notification want
}

func (d *Door) open(in wire.In, out []byte) {
	n := d.node(in)
	if n == nil {
		return
	}
	flags, err := wire.ParseOpen(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	c := d.caller(in)
	end, err := n.Open(d.asker(c), d.openFlags(c, n, int(flags)))
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	h := &handle{door: d, end: end}
	if d.callers != nil {
		h.starter = end.(pts.Starter) // as Node says
	}
	h.stop = end.Notify(allEvents, h.look)
	d.mu.Lock()
	fh := d.nextFH
	d.nextFH++
	d.handles[fh] = h
	d.mu.Unlock()
	if !d.reply(in.Unique, wire.AppendOpenOut(out[:wire.OutHeaderSize], fh, openFlags)) {
		d.drop(fh) // the opener is gone: nobody will release what it never had
	}
}

// handle finds the open file fh, or answers EBADF.
func (d *Door) handle(in wire.In, fh uint64) *handle {
	d.mu.Lock()
	h := d.handles[fh]
	d.mu.Unlock()
	if h == nil {
		d.replyError(in.Unique, unix.EBADF)
	}
	return h
}

// release closes the end at the last close of the file. It is done here, in the order
// of requests, so that the next open finds the index free.
func (d *Door) release(in wire.In) {
	fh, err := wire.ParseFH(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.drop(fh)
	d.replyOK(in.Unique)
}

func (d *Door) drop(fh uint64) {
	d.mu.Lock()
	h := d.handles[fh]
	delete(d.handles, fh)
	d.mu.Unlock()
	if h != nil {
		h.release()
	}
}

// release closes the end. Nothing waits for it any more when the kernel releases a
// file; when the door closes, what does ends with EIO.
func (h *handle) release() {
	h.stop()
	h.unparkAll(unix.EIO)
	_ = h.end.Close() // an end's close reports nothing that its opener could use
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
	h.mu.Unlock()
	// After registering, so that no change falls between; not locked, for a virtual end
	// may find out just now, and tell us, that it has changed.
	events := h.end.Poll()
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
// end calls it when readiness may have changed, to now: on the loop, or with forWriters
// alone on any goroutine. A write is not tried again where
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
	if !reads && !writes && !polled || !h.door.enter() {
		return
	}
	defer h.door.answering.Done()
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

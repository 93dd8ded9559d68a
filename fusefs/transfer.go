//go:build linux

package fusefs

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
)

// maxRead is the most that one read gives. A longer read(2) reaches us in pieces of at
// most maxPages pages of the caller's memory; filling one would bring us a request for
// the next, which would block although there is something to return.
const maxRead = (maxPages - 1) * pageSize

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
	size := min(int(r.Size), maxRead)
	if h.starter != nil {
		d.startRead(in, h, size, r.Flags&unix.O_NONBLOCK == 0)
		return
	}
	h.parkRead(in.Unique, size, r.Flags, out)
}

// write never waits for a file that is appended to, because the kernel locks it against
// all writers meanwhile.
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
	waits := w.Flags&(unix.O_NONBLOCK|unix.O_APPEND) == 0 && w.Offset < fileSize
	if h.starter != nil {
		d.startWrite(in, h, w.Data, waits)
		return
	}
	h.parkWrite(in.Unique, w.Data, waits, out)
}

// interrupt ends the request that a signal asks to end: with EINTR, or the count of
// what has been moved. One that does not wait for anything has been answered.
func (d *Door) interrupt(in wire.In) {
	unique, err := wire.ParseInterrupt(in.Body)
	if err != nil || d.interruptStarted(unique, 0) || d.watchAside(unique) || d.callers != nil {
		return // in a tree nothing is parked
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
}

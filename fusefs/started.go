//go:build linux

package fusefs

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
)

const (
	// maxStarted is the most that one read of a virtual end gives, who has no more at
	// once: each that waits holds as much.
	maxStarted = 2*pageSize - wire.OutHeaderSize
	// maxSpare is how many reads, and how many writes, that are over are kept with what
	// they moved. Writes move more, which a read that waits is not to hold.
	maxSpare = 16
)

// started is a read or write under way in an end. Its end answers it, on whatever
// goroutine that happens, so it has nothing of the loop's.
type started struct {
	door   *Door
	done   func(n int, err error) // s.over, made once
	write  bool                   // immutable, like done and door
	unique uint64                 // set by the loop before it starts, like buf
	buf    []byte                 // the answer's header, and what is read or written

	pending pts.Pending // guarded by Door.mu; nil until the end has not ended it at once
	instead unix.Errno  // guarded by Door.mu; what EINTR means when it is us who interrupts
}

// startRead reads for the one who asks now, who need not be who opened the file.
func (d *Door) startRead(in wire.In, h *handle, size int, waits bool) {
	s := d.newStarted(in.Unique, false, min(size, maxStarted))
	s.wait(h.starter.StartRead(d.asker(d.caller(in)), s.buf[wire.OutHeaderSize:], s.done), waits)
}

// startWrite writes a copy of data: the request's buffer is used again before the end
// of a write that waits.
func (d *Door) startWrite(in wire.In, h *handle, data []byte, waits bool) {
	s := d.newStarted(in.Unique, true, len(data))
	copy(s.buf[wire.OutHeaderSize:], data)
	s.wait(h.starter.StartWrite(d.asker(d.caller(in)), s.buf[wire.OutHeaderSize:], s.done), waits)
}

func (d *Door) newStarted(unique uint64, write bool, size int) *started {
	d.answering.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	var s *started
	spare := d.spareFor(write)
	if last := len(*spare) - 1; last >= 0 {
		s, *spare = (*spare)[last], (*spare)[:last]
	} else {
		s = &started{door: d, write: write}
		s.done = s.over
	}
	size += wire.OutHeaderSize
	if cap(s.buf) < size {
		s.buf = make([]byte, size)
	}
	s.buf = s.buf[:size]
	s.unique, s.pending, s.instead = unique, nil, 0
	d.started[unique] = s
	return s
}

// wait leaves s to the end, unless it is over already or must not wait: then it is over
// with what there was.
func (s *started) wait(p pts.Pending, waits bool) {
	d := s.door
	d.mu.Lock()
	// Nobody but the loop takes what is spare, so this is not another's s.
	under := d.started[s.unique] == s
	if under {
		s.pending = p
		if !waits {
			s.instead = unix.EAGAIN
		}
	}
	d.mu.Unlock()
	if under && !waits {
		p.Interrupt()
	}
}

// over is called by the end, on any goroutine.
func (s *started) over(n int, err error) {
	d := s.door
	defer d.answering.Done()
	d.mu.Lock()
	delete(d.started, s.unique)
	instead := s.instead
	d.mu.Unlock()
	switch {
	case err != nil && n == 0:
		errno := errnoOf(err)
		if errno == unix.EINTR && instead != 0 {
			errno = instead
		}
		d.replyError(s.unique, errno)
	case s.write:
		var b [wire.OutHeaderSize + 8]byte
		d.reply(s.unique, wire.AppendWriteOut(b[:wire.OutHeaderSize], n))
	default:
		d.reply(s.unique, s.buf[:wire.OutHeaderSize+n])
	}
	d.mu.Lock()
	if spare := d.spareFor(s.write); len(*spare) < maxSpare {
		*spare = append(*spare, s)
	}
	d.mu.Unlock()
}

func (d *Door) spareFor(write bool) *[]*started {
	if write {
		return &d.spare[1]
	}
	return &d.spare[0]
}

// interruptStarted ends what is started as a signal does, with instead, when that is
// not 0, for EINTR. It tells whether there was something.
func (d *Door) interruptStarted(unique uint64, instead unix.Errno) bool {
	d.mu.Lock()
	s := d.started[unique]
	var p pts.Pending
	if s != nil {
		if p = s.pending; instead != 0 {
			s.instead = instead
		}
	}
	d.mu.Unlock()
	if p != nil {
		p.Interrupt()
	}
	return s != nil
}

// endStarted ends all that is started. The loop starts nothing any more.
func (d *Door) endStarted() {
	d.mu.Lock()
	all := make([]uint64, 0, len(d.started))
	for unique := range d.started {
		all = append(all, unique)
	}
	d.mu.Unlock()
	for _, unique := range all {
		d.interruptStarted(unique, unix.EIO)
	}
}

//go:build linux

package fusefs

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
)

// fileSize is what the file claims to hold. With size 0 each write would lie past
// the end of the file, for which the kernel takes the inode's lock, and one write
// that blocks would block all others. It must have been stat'ed once before.
//
// The kernel answers FIONREAD of a regular file by itself with the low 32 bits of the
// size. They say that a page can be read, not nothing: who asks after poll(2) said so
// takes 0 for the end of the file.
const fileSize = 1<<40 + pageSize

const openFlags = wire.OpenDirectIO | wire.OpenNonSeekable | wire.OpenStream | wire.OpenNoFlush | wire.OpenParallelDirectWrites

// caller is the process behind a request; it implements pts.Caller.
type caller struct{ pid, uid, gid int }

func (c caller) PID() int   { return c.pid }
func (c caller) FSUID() int { return c.uid }
func (c caller) FSGID() int { return c.gid }

func (d *Door) caller(in wire.In) caller {
	if d.userNS {
		return caller{int(in.PID), unix.Geteuid(), unix.Getegid()}
	}
	return caller{int(in.PID), int(in.UID), int(in.GID)}
}

func (d *Door) getattr(in wire.In, out []byte) {
	st, err := d.ptmx.Stat()
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	a := wire.Attr{Ino: 1, Size: fileSize, Mode: unix.S_IFREG | st.Mode&0o7777, Nlink: 1, UID: st.Uid, GID: st.Gid,
		Blksize: 4096, Atime: wireTime(st.Atim), Mtime: wireTime(st.Mtim), Ctime: wireTime(st.Ctim)}
	if d.userNS {
		a.UID, a.GID = 0, 0 // the ids of the mount's own namespace
	}
	d.reply(in.Unique, wire.AppendAttrOut(out[:wire.OutHeaderSize], a))
}

func wireTime(t unix.Timespec) wire.Time { return wire.Time{Sec: uint64(t.Sec), Nsec: uint32(t.Nsec)} }

// setattr passes chmod and chown on to the real node. Times are the kernel's own
// business there: setting them is allowed to whom it is allowed, and changes nothing. A
// size of 0 is that of open(2) with O_TRUNC, which means nothing to a terminal.
func (d *Door) setattr(in wire.In, out []byte) {
	s, err := wire.ParseSetattr(in.Body)
	if err == nil && s.Valid&wire.SetSize != 0 && (s.Size != 0 || s.Valid&wire.SetFH != 0) {
		err = unix.EINVAL
	}
	if err == nil {
		err = d.changeNode(d.caller(in), s)
	}
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.getattr(in, out)
}

// changeNode does what c asks of the node, if c may: without default_permissions the
// kernel leaves that to us.
func (d *Door) changeNode(c caller, s wire.SetattrIn) error {
	const owners = wire.SetUID | wire.SetGID
	const times = wire.SetAtime | wire.SetMtime
	if s.Valid&(wire.SetMode|owners|times) == 0 {
		return nil
	}
	st, err := d.ptmx.Stat()
	if err != nil {
		return err
	}
	if s.Valid&times != 0 && s.Valid&(wire.SetMode|owners) == 0 {
		return d.mayTouch(c, st, s.Valid)
	}
	if s.Valid&wire.SetMode != 0 && !d.owns(c, st) {
		return unix.EPERM
	}
	uid, gid := -1, -1
	if s.Valid&wire.SetUID != 0 {
		uid = int(s.UID)
	}
	if s.Valid&wire.SetGID != 0 {
		gid = int(s.GID)
	}
	if s.Valid&owners != 0 && !d.mayGive(c, st, uid, gid) {
		return unix.EPERM
	}
	if s.Valid&wire.SetMode != 0 {
		if err := d.ptmx.Chmod(s.Mode & 0o7777); err != nil {
			return err
		}
	}
	if s.Valid&owners == 0 {
		return nil
	}
	return d.ptmx.Chown(uid, gid)
}

// access answers access(2), which the kernel passes on without default_permissions.
func (d *Door) access(in wire.In) {
	mask, err := wire.ParseAccess(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	st, err := d.ptmx.Stat()
	if err == nil && !d.may(d.caller(in), st, mask) {
		err = unix.EACCES
	}
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.replyOK(in.Unique)
}

func (d *Door) open(in wire.In, out []byte) {
	flags, err := wire.ParseOpen(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	end, err := d.ptmx.OpenPtmx(d.caller(in), int(flags))
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	h := &handle{door: d, end: end}
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

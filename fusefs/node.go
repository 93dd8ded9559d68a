//go:build linux

package fusefs

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
)

// Node is one node of a tree: a terminal's, ptmx, or the root. Its methods must not
// block for long and may be called at once. A nil error of those that take a caller
// means that it was allowed to.
type Node interface {
	// ID is the node's for ever: no other of its tree ever has it. It is below 1<<62.
	ID() uint64
	// Stat describes it, also once it has no name any more.
	Stat() (Stat, error)
	// Open opens it with the flags of open(2). In a tree, what it opens is a pts.Starter.
	Open(c pts.Caller, flags int) (pts.End, error)
	Chmod(c pts.Caller, mode uint32) error
	// Chown changes the owner; -1 leaves an id as it is.
	Chown(c pts.Caller, uid, gid int) error
	Utimens(c pts.Caller, atime, mtime SetTime) error
}

// Stat is what stat(2) tells of a node. Whatever it is, all but a Dir is shown as a
// regular file, because the kernel does not ask us about a device, and of a size that
// means nothing.
type Stat struct {
	Ino                 uint64
	Mode                uint32 // permission bits; others are ignored
	Nlink               uint32
	UID, GID            int
	Rdev                uint64 // the device it stands for; it is not shown
	Blksize             int
	Atime, Mtime, Ctime time.Time
}

// SetTime is what becomes of one of a node's times.
type SetTime struct {
	Set  bool // else it stays
	Now  bool // to the present, which is less of a privilege
	Time time.Time
}

const (
	// firstNode keeps the numbers of nodes apart from the root's and from 0.
	firstNode = wire.RootNode + 1
	// asMade is set in the number of a node as mknod(2) gives it: of the type that was
	// asked for, or the kernel would take it for a failure. Whoever looks the name up
	// next gets the other number, and with it the regular file.
	asMade = 1 << 63
)

// known is a node that the kernel knows by number.
type known struct {
	node  Node
	count uint64 // answers that named it and the kernel has not dropped
	made  uint32 // the type that mknod(2) asked for, 0 when nobody did
}

// node finds the node that a request is about, or answers ESTALE.
func (d *Door) node(in wire.In) Node {
	if in.Node == wire.RootNode {
		return d.root
	}
	if k := d.known[in.Node&^asMade]; k != nil {
		return k.node
	}
	d.replyError(in.Unique, unix.ESTALE)
	return nil
}

// replyEntry answers with a node that is of the type made, when that is not 0.
func (d *Door) replyEntry(in wire.In, out []byte, n Node, made uint32) {
	id := n.ID() + firstNode
	k := d.known[id]
	if k == nil {
		k = &known{node: n}
	}
	if made != 0 {
		k.made = made
		id |= asMade
	}
	a, err := d.attr(n, made)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	if d.reply(in.Unique, wire.AppendEntryOut(out[:wire.OutHeaderSize], id, a)) {
		k.count++
		d.known[id&^asMade] = k
	}
}

// forget drops nodes that the kernel has no use for any more.
func (d *Door) forgetNodes(list ...wire.Forget) {
	for _, f := range list {
		id := f.Node &^ asMade
		k := d.known[id]
		if k == nil {
			continue
		}
		k.count -= min(k.count, f.Count)
		if k.count == 0 {
			delete(d.known, id)
		}
	}
}

// attr is what the kernel is told of n, of the type kind when that is not 0.
func (d *Door) attr(n Node, kind uint32) (wire.Attr, error) {
	st, err := n.Stat()
	if err != nil {
		return wire.Attr{}, err
	}
	a := wire.Attr{Ino: st.Ino, Size: fileSize, Mode: unix.S_IFREG | st.Mode&0o7777, Nlink: st.Nlink,
		UID: uint32(st.UID), GID: uint32(st.GID), Blksize: uint32(st.Blksize),
		Atime: wireTime(st.Atime), Mtime: wireTime(st.Mtime), Ctime: wireTime(st.Ctime)}
	if _, dir := n.(Dir); dir {
		kind, a.Size = unix.S_IFDIR, 0
	}
	if kind != 0 {
		a.Mode = kind | st.Mode&0o7777
		a.Rdev = uint32(st.Rdev)
	}
	if d.userNS {
		a.UID, a.GID = 0, 0 // the ids of the mount's own namespace
	}
	return a, nil
}

func wireTime(t time.Time) wire.Time {
	return wire.Time{Sec: uint64(t.Unix()), Nsec: uint32(t.Nanosecond())}
}

func timeOf(t wire.Time) time.Time { return time.Unix(int64(t.Sec), int64(t.Nsec)) }

func (d *Door) getattr(in wire.In, out []byte) {
	n := d.node(in)
	if n == nil {
		return
	}
	var made uint32
	if in.Node&asMade != 0 {
		made = d.known[in.Node&^asMade].made
	}
	a, err := d.attr(n, made)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.reply(in.Unique, wire.AppendAttrOut(out[:wire.OutHeaderSize], a))
}

// setattr passes chmod, chown and utimes on to the node. A size of 0 is that of open(2)
// with O_TRUNC, which means nothing to a terminal.
func (d *Door) setattr(in wire.In, out []byte) {
	n := d.node(in)
	if n == nil {
		return
	}
	s, err := wire.ParseSetattr(in.Body)
	if err == nil && s.Valid&wire.SetSize != 0 && (s.Size != 0 || s.Valid&wire.SetFH != 0) {
		err = unix.EINVAL
	}
	if err == nil {
		err = change(n, d.asker(d.caller(in)), s)
	}
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.getattr(in, out)
}

// change does what c asks of the node. Whether c may is the node's to say: without
// default_permissions the kernel leaves it to us.
func change(n Node, c pts.Caller, s wire.SetattrIn) error {
	if s.Valid&(wire.SetAtime|wire.SetMtime) != 0 {
		atime := SetTime{s.Valid&wire.SetAtime != 0, s.Valid&wire.SetAtimeNow != 0, timeOf(s.Atime)}
		mtime := SetTime{s.Valid&wire.SetMtime != 0, s.Valid&wire.SetMtimeNow != 0, timeOf(s.Mtime)}
		if err := n.Utimens(c, atime, mtime); err != nil {
			return err
		}
	}
	if s.Valid&(wire.SetUID|wire.SetGID) != 0 {
		uid, gid := -1, -1
		if s.Valid&wire.SetUID != 0 {
			uid = int(s.UID)
		}
		if s.Valid&wire.SetGID != 0 {
			gid = int(s.GID)
		}
		if err := n.Chown(c, uid, gid); err != nil {
			return err
		}
	}
	if s.Valid&wire.SetMode != 0 {
		return n.Chmod(c, s.Mode&0o7777)
	}
	return nil
}

// access answers access(2) and chdir(2), which the kernel passes on without
// default_permissions.
func (d *Door) access(in wire.In) {
	n := d.node(in)
	if n == nil {
		return
	}
	mask, err := wire.ParseAccess(in.Body)
	if err == nil {
		err = d.caller(in).may(n, mask)
	}
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.replyOK(in.Unique)
}

//go:build linux

package fusefs

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// Ptmx is what stands behind the file of Serve: a clone device whose opening makes a
// pair. Its methods must not block for long and may be called at once.
type Ptmx interface {
	// OpenPtmx opens a pair for c with the flags of open(2).
	OpenPtmx(c pts.Caller, flags int) (pts.End, error)
	// Stat describes the node that the file stands for; its type and size are ignored.
	Stat() (unix.Stat_t, error)
	Chmod(mode uint32) error
	Chown(uid, gid int) error
}

// ptmxNode is the root of a mount that is one file. Those who ask are callers, and who
// may what is decided here, because to the node behind it each of them is us.
type ptmxNode struct{ Ptmx }

func (p ptmxNode) ID() uint64 { return 0 }

func (p ptmxNode) Stat() (Stat, error) {
	st, err := p.Ptmx.Stat()
	if err != nil {
		return Stat{}, err
	}
	return Stat{Ino: 1, Mode: st.Mode, Nlink: 1, UID: int(st.Uid), GID: int(st.Gid), Blksize: pageSize,
		Atime: timeIn(st.Atim), Mtime: timeIn(st.Mtim), Ctime: timeIn(st.Ctim)}, nil
}

func timeIn(t unix.Timespec) time.Time { return time.Unix(t.Unix()) }

func (p ptmxNode) Open(c pts.Caller, flags int) (pts.End, error) { return p.OpenPtmx(c, flags) }

func (p ptmxNode) Chmod(c pts.Caller, mode uint32) error {
	st, err := p.Stat()
	if err != nil {
		return err
	}
	if !c.(caller).owns(st) {
		return unix.EPERM
	}
	return p.Ptmx.Chmod(mode)
}

func (p ptmxNode) Chown(c pts.Caller, uid, gid int) error {
	st, err := p.Stat()
	if err != nil {
		return err
	}
	if !c.(caller).mayGive(st, uid, gid) {
		return unix.EPERM
	}
	return p.Ptmx.Chown(uid, gid)
}

// Utimens is allowed to whom it is allowed, and changes nothing: a terminal's times are
// the kernel's own business.
func (p ptmxNode) Utimens(c pts.Caller, atime, mtime SetTime) error {
	st, err := p.Stat()
	if err != nil {
		return err
	}
	return c.(caller).mayTouch(st, atime.Now && mtime.Now)
}

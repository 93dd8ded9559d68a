//go:build linux

package devptsd

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/fusefs"
	"github.com/ptsns/ptsns/pts"
)

// node is a node of an instance as fusefs shows it.
type node struct {
	n *devpts.Node
	s *Server
}

func (x node) ID() uint64 { return x.n.ID() }

func (x node) Stat() (fusefs.Stat, error) {
	st := x.n.Stat()
	return fusefs.Stat{Ino: st.Ino, Mode: st.Mode & 0o7777, Nlink: st.Nlink, UID: st.UID, GID: st.GID, Rdev: kernelRdev(x.n.Rdev()),
		Blksize: devpts.BlockSize, Atime: st.Atime, Mtime: st.Mtime, Ctime: st.Ctime}, nil
}

// kernelRdev is a device number as system calls have it.
func kernelRdev(rdev uint64) uint64 {
	return unix.Mkdev(uint32(rdev>>8&0xfff), uint32(rdev&0xff|rdev>>12&^0xff))
}

func (x node) Open(c pts.Caller, flags int) (pts.End, error) {
	e, err := x.n.Open(c, flags)
	if err != nil {
		x.s.refused(x.n.Instance(), c, err)
	}
	return e, err
}

func (x node) Chmod(c pts.Caller, mode uint32) error { return x.n.Chmod(c, mode) }

func (x node) Chown(c pts.Caller, uid, gid int) error { return x.n.Chown(c, uid, gid) }

// Utimens gives a node the times that are asked for. The owner alone sets them to what he
// likes, whoever may write sets both to now.
func (x node) Utimens(c pts.Caller, atime, mtime fusefs.SetTime) error {
	if atime.Set && atime.Now && mtime.Set && mtime.Now {
		return x.n.Touch(c)
	}
	now := time.Now()
	times := make([]time.Time, 2)
	for i, t := range []fusefs.SetTime{atime, mtime} {
		switch {
		case t.Set && t.Now:
			times[i] = now
		case t.Set:
			times[i] = t.Time
		}
	}
	return x.n.Utimens(c, times[0], times[1])
}

// root is the directory of a mount.
type root struct {
	node
	m *devpts.Mount
}

// Nodes that Linux has in /dev and not on a devpts. They are there to be bound over /dev/tty
// and /dev/ptmx, and not listed, so that listings stay Linux's.
const (
	ttyName  = "tty"   // 5:0: the controlling terminal of whoever opens it
	ptmxName = ".ptmx" // 5:2 outside of any devpts. In Always that is the instance beside it, so there is none
)

func (x root) Lookup(name string) (fusefs.Node, error) {
	n, err := x.m.Lookup(name)
	g := x.s.system.Generation()
	switch {
	case err == nil:
		return node{n, x.s}, nil
	case name == ttyName && g != devpts.Cloned:
		return outside{x.s, 5, 0}, nil
	case name == ptmxName && g != devpts.Always:
		return outside{x.s, 5, 2}, nil
	}
	return nil, err
}

func (x root) Entries() ([]fusefs.Entry, error) {
	nodes, err := x.m.ReadDir()
	if err != nil {
		return nil, err
	}
	entries := make([]fusefs.Entry, len(nodes))
	for i, n := range nodes {
		entries[i] = fusefs.Entry{Name: n.Name(), Ino: n.Ino()}
	}
	return entries, nil
}

func (x root) Mknod(c pts.Caller, name string, mode uint32, rdev uint64) error {
	return x.m.Instance().Mknod(c, name, mode, uint64(unix.Major(rdev))<<8|uint64(unix.Minor(rdev))&0xff|uint64(unix.Minor(rdev))&^0xff<<12)
}

// outside is a device outside of any devpts: of mode 0666 and root's, as in /dev.
type outside struct {
	s            *Server
	major, minor uint32
}

// outsideID is where the IDs of these nodes begin. Those of others count from 1 and do
// not come so far.
const outsideID = 1 << 61

func (x outside) ID() uint64 { return outsideID + uint64(x.minor) }

func (x outside) Stat() (fusefs.Stat, error) {
	return fusefs.Stat{Ino: pts.MaxTerminals + 3 + uint64(x.minor), Mode: 0o666, Nlink: 1, Rdev: unix.Mkdev(x.major, x.minor), Blksize: devpts.BlockSize,
		Atime: x.s.started, Mtime: x.s.started, Ctime: x.s.started}, nil
}

func (x outside) Open(c pts.Caller, flags int) (pts.End, error) {
	if x.minor == 0 {
		return x.s.system.OpenControlling(c, flags)
	}
	if x.s.system.Generation() != devpts.Cloned {
		e, _, err := x.s.system.Initial().MakePair(c, flags)
		if err != nil {
			x.s.refused(x.s.system.Initial(), c, err)
		}
		return e, err
	}
	e, _, err := x.s.ptsNamespaceOfCaller(c.PID()).OpenPtmx(c, flags)
	return e, err
}

func (outside) Chmod(pts.Caller, uint32) error                           { return pts.EPERM }
func (outside) Chown(pts.Caller, int, int) error                         { return pts.EPERM }
func (outside) Utimens(pts.Caller, fusefs.SetTime, fusefs.SetTime) error { return pts.EPERM }

//go:build linux

package fusefs

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/procjob"
	"github.com/ptsns/ptsns/pts"
)

// The virtual kind of terminals: an instance of package devpts as a directory.

func (r *run) startVirtual(options string) {
	r.newLoop()
	processes, err := procjob.New(r.loop)
	if err != nil {
		r.tb.Fatal(err)
	}
	mount, err := devpts.NewSystem(devpts.Config{}).Mount(devpts.Mounter{}, options)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.first = processes.Close
	callers := func(pid, uid, gid int) pts.Caller { return processes.Process(pid, uid, gid) }
	r.start(func(fuse *os.File) (*Door, error) {
		return ServeTree(fuse, virtualDir{virtualNode{mount.Root()}, mount}, callers, r.loop)
	})
}

type virtualNode struct{ *devpts.Node }

func (n virtualNode) Stat() (Stat, error) {
	st := n.Node.Stat()
	return Stat{Ino: st.Ino, Mode: st.Mode, Nlink: st.Nlink, UID: st.UID, GID: st.GID, Rdev: st.Rdev, Blksize: devpts.BlockSize,
		Atime: st.Atime, Mtime: st.Mtime, Ctime: st.Ctime}, nil
}

func (n virtualNode) Utimens(c pts.Caller, atime, mtime SetTime) error {
	if atime.Now && mtime.Now && n.Access(c, devpts.MayWrite) == nil {
		c = nil // who can write to it may
	} else if atime.Now && mtime.Now && n.Node.Utimens(c, time.Time{}, time.Time{}) != nil {
		return pts.EACCES
	}
	return n.Node.Utimens(c, atime.at(), mtime.at())
}

func (t SetTime) at() time.Time {
	switch {
	case !t.Set:
		return time.Time{}
	case t.Now:
		return time.Now()
	}
	return t.Time
}

type virtualDir struct {
	virtualNode
	mount *devpts.Mount
}

func (d virtualDir) Lookup(name string) (Node, error) {
	n, err := d.mount.Lookup(name)
	if err == pts.ENOENT && name == "tty" {
		return ttyNode{d.virtualNode}, nil
	}
	if err != nil {
		return nil, err
	}
	return virtualNode{n}, nil
}

func (d virtualDir) Entries() ([]Entry, error) {
	nodes, err := d.mount.ReadDir()
	entries := make([]Entry, len(nodes))
	for i, n := range nodes {
		entries[i] = Entry{Name: n.Name(), Ino: n.Ino()}
	}
	return entries, err
}

func (d virtualDir) Mknod(c pts.Caller, name string, mode uint32, rdev uint64) error {
	return d.mount.Instance().Mknod(c, name, mode, rdev)
}

// ttyNode is a name that no instance lists: /dev/tty.
type ttyNode struct{ virtualNode }

func (n ttyNode) ID() uint64 { return 1 << 61 }

func (n ttyNode) Stat() (Stat, error) {
	st, err := n.virtualNode.Stat()
	st.Ino, st.Mode, st.Nlink, st.Rdev = 1<<20+3, unix.S_IFCHR|0o666, 1, 5<<8
	return st, err
}

func (n ttyNode) Open(c pts.Caller, flags int) (pts.End, error) {
	return n.Instance().System().OpenControlling(c, flags)
}

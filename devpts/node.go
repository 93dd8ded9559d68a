package devpts

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// Types of a Mode, by Linux's values.
const (
	S_IFMT  = 0o170000
	S_IFDIR = 0o040000
	S_IFCHR = 0o020000
	S_ISGID = 0o002000
)

// Magic is the f_type of statfs.
const Magic = 0x1cd1

// inode is what a node is. Instance.mu guards what is not atomic.
type inode struct {
	id           uint64 // immutable
	uid, gid     uint32
	index        int32        // of the terminal whose node it is; immutable
	mode         uint16       // type and permission bits
	gone         bool         // its name is
	ctime        int64        // as the others in nanoseconds since 1970
	atime, mtime atomic.Int64 //
}

// Stat is what stat(2) tells of a node. Ids are those of the initial user namespace.
type Stat struct {
	Ino      uint64
	Mode     uint32 // S_IFDIR or S_IFCHR, and permission bits
	Nlink    uint32 // 0 once the name of the node is gone
	UID, GID int
	Rdev     uint64 // major<<8 | minor&0xff | minor&^0xff<<12

	Atime, Mtime, Ctime time.Time
}

// BlockSize is the st_blksize of every node.
const BlockSize = 1024

// Statfs is what statfs(2) tells of an instance.
type Statfs struct {
	Type      uint32
	BlockSize int
	NameLen   int
}

// Node is a node of an instance, and the way that led to it. Two Nodes are the same one
// when their IDs are.
type Node struct {
	i *Instance
	m *Mount // through which it was reached; nil: none
	n *inode
	t *terminal // of which it is the node; nil: of none
	k kind
}

// kind tells the nodes that are of no terminal apart.
type kind uint8

const (
	kindPts kind = iota
	kindRoot
	kindPtmx
	kindTTY
)

// kinds are their names and numbers.
var kinds = [...]struct {
	name      string
	ino, rdev uint64
}{
	kindRoot: {"/", 1, 0},
	kindPtmx: {"ptmx", 2, ptmxRdev},
	kindTTY:  {"tty", pts.MaxTerminals + 3, ttyRdev},
}

// Device numbers.
const (
	ttyRdev  = 5 << 8
	ptmxRdev = 5<<8 | 2
	ptsMajor = 136
)

// ID tells the node from all others of its system, of now and of any time.
func (n *Node) ID() uint64 { return n.n.id }

// Instance is what the node is part of.
func (n *Node) Instance() *Instance { return n.i }

// Mount is the mount through which the node was reached, nil when it was none.
func (n *Node) Mount() *Mount { return n.m }

// IsDir tells whether it is the root directory.
func (n *Node) IsDir() bool { return n.k == kindRoot }

// Index is the number of the terminal whose node it is, -1 for other nodes.
func (n *Node) Index() int {
	if n.t == nil {
		return -1
	}
	return int(n.n.index)
}

// Name is the node's name in the root directory, "/" for the root itself.
func (n *Node) Name() string {
	if n.t != nil {
		return strconv.Itoa(int(n.n.index))
	}
	return kinds[n.k].name
}

// Ino is the inode number: 1 is the root, 2 ptmx, 3 terminal 0.
func (n *Node) Ino() uint64 {
	if n.t != nil {
		return uint64(n.n.index) + 3
	}
	return kinds[n.k].ino
}

// Rdev is the device number, 0 for the root.
func (n *Node) Rdev() uint64 {
	if n.t != nil {
		minor := uint64(n.n.index)
		return minor&0xff | ptsMajor<<8 | minor&^0xff<<12
	}
	return kinds[n.k].rdev
}

// Stat is stat(2).
func (n *Node) Stat() Stat {
	n.i.mu.Lock()
	defer n.i.mu.Unlock()
	s := Stat{Ino: n.Ino(), Mode: uint32(n.n.mode), Nlink: 1, UID: int(n.n.uid), GID: int(n.n.gid), Rdev: n.Rdev(),
		Atime: time.Unix(0, n.n.atime.Load()), Mtime: time.Unix(0, n.n.mtime.Load()), Ctime: time.Unix(0, n.n.ctime)}
	switch {
	case n.IsDir():
		s.Nlink = 2
	case n.n.gone:
		s.Nlink = 0
	}
	return s
}

// Chmod is chmod(2): EPERM for who neither owns the node nor is privileged.
func (n *Node) Chmod(c pts.Caller, mode uint32) error {
	if err := n.owned(c); err != nil {
		return err
	}
	if !inGroup(c, n.Stat().GID) && !capable(c, capFsetid) {
		mode &^= S_ISGID
	}
	n.change(func() { n.n.mode = n.n.mode&S_IFMT | uint16(mode&0o7777) })
	return nil
}

// Chown is chown(2); -1 leaves an id as it is. Only the privileged give a node away; its
// owner may give it to a group of his.
func (n *Node) Chown(c pts.Caller, uid, gid int) error {
	if uid < 0 && gid < 0 {
		return nil
	}
	if !capable(c, capChown) {
		s := n.Stat()
		if c.FSUID() != s.UID || uid >= 0 && uid != s.UID || gid >= 0 && gid != s.GID && !inGroup(c, gid) {
			return pts.EPERM
		}
	}
	n.change(func() {
		if uid >= 0 {
			n.n.uid = uint32(uid)
		}
		if gid >= 0 {
			n.n.gid = uint32(gid)
		}
	})
	return nil
}

// Utimens is utimensat(2): a zero time leaves that one as it is.
func (n *Node) Utimens(c pts.Caller, atime, mtime time.Time) error {
	if err := n.owned(c); err != nil {
		return err
	}
	n.change(func() {
		if !atime.IsZero() {
			n.n.atime.Store(atime.UnixNano())
		}
		if !mtime.IsZero() {
			n.n.mtime.Store(mtime.UnixNano())
		}
	})
	return nil
}

// Touch is utimensat(2) with both times now, which is for those who may write as well:
// EACCES.
func (n *Node) Touch(c pts.Caller) error {
	if n.owned(c) != nil && n.Access(c, MayWrite) != nil {
		return pts.EACCES
	}
	now := n.i.system.now().UnixNano()
	n.change(func() {
		n.n.atime.Store(now)
		n.n.mtime.Store(now)
	})
	return nil
}

// change does what f does to the node, and its ctime.
func (n *Node) change(f func()) {
	now := n.i.system.now().UnixNano()
	n.i.mu.Lock()
	defer n.i.mu.Unlock()
	f()
	n.n.ctime = now
}

// Flags of open(2), by Linux's values.
const (
	accessMode = 0x3
	oRdonly    = 0x0
	oWronly    = 0x1
	oNoctty    = 0x100
	oCreat     = 0x40
	oExcl      = 0x80
	oDirectory = 0x10000
)

// Open is open(2) of a node that has been found: only its own permission bits are
// asked. EISDIR: it is the root. EACCES: the bits, or the mount is MountNoDev. EIO: it is of
// a terminal whose ptm is closed.
func (n *Node) Open(c pts.Caller, flags int) (pts.End, error) {
	switch {
	case flags&(oCreat|oExcl) == oCreat|oExcl:
		return nil, pts.EEXIST
	case n.IsDir():
		return nil, pts.EISDIR
	case flags&oDirectory != 0:
		return nil, pts.ENOTDIR
	}
	if err := n.mayOpen(c, flags); err != nil {
		return nil, err
	}
	switch {
	case n.t != nil:
		return n.t.open(n.m, c, flags)
	case n.k == kindTTY:
		return n.i.openTTY(n.m, c, flags)
	}
	end, _, err := n.i.makePair(n.m, true, c, flags)
	return end, err
}

func (n *Node) mayOpen(c pts.Caller, flags int) error {
	if err := n.Access(c, wants(flags)); err != nil {
		return err
	}
	if n.m != nil && n.m.Flags()&pts.MountNoDev != 0 {
		return pts.EACCES
	}
	return nil
}

package devpts

import (
	"slices"

	"github.com/ptsns/ptsns/pts"
)

// What Access asks for, as in access(2).
const (
	MayRead   = 4
	MayWrite  = 2
	MaySearch = 1
)

// wants is what open(2) with flags asks of a node.
func wants(flags int) uint32 {
	switch flags & accessMode {
	case oRdonly:
		return MayRead
	case oWronly:
		return MayWrite
	}
	return MayRead | MayWrite
}

// The capabilities that files are about, by Linux's numbers.
const (
	capChown      = 0
	capOverride   = 1 // CAP_DAC_OVERRIDE: permission bits are not for c
	capReadSearch = 2 // CAP_DAC_READ_SEARCH: those to read and to search are not
	capFowner     = 3 // what takes the owner
	capFsetid     = 4
	capMknod      = 27
)

// capable tells whether c has a capability over files. They go with the file system
// ids: root who has set those to another's has none of them left.
func capable(c pts.Caller, capability int) bool {
	if c == nil {
		return true
	}
	if p, ok := c.(interface{ Capable(capability int) bool }); ok {
		return p.Capable(capability)
	}
	if p, ok := c.(interface{ Privileged() bool }); ok {
		return p.Privileged()
	}
	return c.FSUID() == 0
}

// inGroup tells whether gid is one of c's groups.
func inGroup(c pts.Caller, gid int) bool {
	if c == nil || c.FSGID() == gid {
		return true
	}
	g, ok := c.(interface{ Groups() []int })
	return ok && slices.Contains(g.Groups(), gid)
}

// allowed tells whether permission bits that belong to uid and gid let c do what want says:
// one class of the bits decides, the first that c is in.
func allowed(c pts.Caller, uid, gid, mode, want uint32) bool {
	switch {
	case c == nil:
		return true
	case uint32(c.FSUID()) == uid:
		mode >>= 6
	case mode>>3&7 != mode&7 && inGroup(c, int(gid)):
		mode >>= 3
	}
	if mode&want == want || capable(c, capOverride) {
		return true
	}
	return want&MayWrite == 0 && capable(c, capReadSearch)
}

// Access tells whether the node's permission bits let c do what want says, a sum of
// MayRead, MayWrite and MaySearch: EACCES.
func (n *Node) Access(c pts.Caller, want uint32) error { return n.i.access(n.n, c, want) }

func (i *Instance) access(n *inode, c pts.Caller, want uint32) error {
	if c == nil {
		return nil
	}
	i.mu.Lock()
	uid, gid, mode := n.uid, n.gid, uint32(n.mode)
	i.mu.Unlock()
	if !allowed(c, uid, gid, mode, want) {
		return pts.EACCES
	}
	return nil
}

// owned fails with EPERM where c neither owns the node nor may do as if.
func (n *Node) owned(c pts.Caller) error {
	n.i.mu.Lock()
	uid := n.n.uid
	n.i.mu.Unlock()
	if c == nil || uint32(c.FSUID()) == uid || capable(c, capFowner) {
		return nil
	}
	return pts.EPERM
}

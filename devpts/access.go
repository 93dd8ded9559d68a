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

// privileged tells whether the permission bits are not for c.
func privileged(c pts.Caller) bool {
	if c == nil {
		return true
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
	return mode&want == want || privileged(c)
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

// owned fails with EPERM where c neither owns the node nor is privileged.
func (n *Node) owned(c pts.Caller) error {
	n.i.mu.Lock()
	uid := n.n.uid
	n.i.mu.Unlock()
	if c == nil || uint32(c.FSUID()) == uid || privileged(c) {
		return nil
	}
	return pts.EPERM
}

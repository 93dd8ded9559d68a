//go:build linux

package fusefs

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/procfs"
)

// privileged tells whether c has a capability over the nodes.
func (c caller) privileged(capability int) bool { return c.us || procfs.Capable(c.pid, capability) }

// owns is inode_owner_or_capable.
func (c caller) owns(st Stat) bool { return st.UID == c.uid || c.privileged(unix.CAP_FOWNER) }

// mayGive tells whether c may give the node to uid and gid, -1 for as it is: its owner
// may give it to a group of its own.
func (c caller) mayGive(st Stat, uid, gid int) bool {
	if c.privileged(unix.CAP_CHOWN) {
		return true
	}
	keepsUID := uid == -1 || uid == st.UID
	keepsGID := gid == -1 || gid == st.GID || c.inGroup(gid)
	return st.UID == c.uid && keepsUID && keepsGID
}

// mayTouch tells by its error whether c may set the node's times: the owner any, and
// who can write both to the present.
func (c caller) mayTouch(st Stat, toNow bool) error {
	if c.owns(st) {
		return nil
	}
	if !toNow {
		return unix.EPERM
	}
	if !c.has(st, unix.W_OK, false) {
		return unix.EACCES
	}
	return nil
}

// may tells by its error whether c may do to the node all of mask, as in access(2).
func (c caller) may(n Node, mask uint32) error {
	st, err := n.Stat()
	if err != nil {
		return err
	}
	_, dir := n.(Dir)
	if !c.has(st, mask, dir) {
		return unix.EACCES
	}
	return nil
}

// has tells whether the node's permission bits, or a privilege, give c all of mask.
func (c caller) has(st Stat, mask uint32, dir bool) bool {
	bits := st.Mode
	switch {
	case st.UID == c.uid:
		bits >>= 6
	case (bits^bits>>3)&mask&0o7 != 0 && c.inGroup(st.GID): // asked only where it makes a difference
		bits >>= 3
	}
	if mask&^bits&0o7 == 0 {
		return true
	}
	// access(2) asks for the real user, whom another's capabilities do not help.
	if c.uid != 0 && !c.us || !dir && mask&unix.X_OK != 0 && st.Mode&0o111 == 0 {
		return false
	}
	return c.privileged(unix.CAP_DAC_OVERRIDE)
}

func (c caller) inGroup(gid int) bool {
	if c.gid == gid {
		return true
	}
	s, err := procfs.ReadStatus(c.pid)
	return err == nil && slices.Contains(s.Groups, gid)
}

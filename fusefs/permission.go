//go:build linux

package fusefs

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/procfs"
)

// privileged tells whether c has a capability over the node. Everybody inside a mount of
// a user namespace is us, to whom the node belongs.
func (d *Door) privileged(c caller, capability int) bool {
	return d.userNS || procfs.Capable(c.pid, capability)
}

// owns is inode_owner_or_capable.
func (d *Door) owns(c caller, st unix.Stat_t) bool {
	return int(st.Uid) == c.uid || d.privileged(c, unix.CAP_FOWNER)
}

// mayGive tells whether c may give the node to uid and gid, -1 for as it is: its owner
// may give it to a group of its own.
func (d *Door) mayGive(c caller, st unix.Stat_t, uid, gid int) bool {
	if d.privileged(c, unix.CAP_CHOWN) {
		return true
	}
	own := int(st.Uid) == c.uid
	keepsUID := uid == -1 || uid == int(st.Uid)
	keepsGID := gid == -1 || gid == int(st.Gid) || inGroup(c, gid)
	return own && keepsUID && keepsGID
}

// mayTouch tells by its error whether c may set the times that valid names: the owner
// any, and who can write the current time.
func (d *Door) mayTouch(c caller, st unix.Stat_t, valid uint32) error {
	if d.owns(c, st) {
		return nil
	}
	const both = wire.SetAtimeNow | wire.SetMtimeNow
	if valid&both != both {
		return unix.EPERM
	}
	if !d.may(c, st, unix.W_OK) {
		return unix.EACCES
	}
	return nil
}

// may tells whether the node's permission bits, or a privilege, give c all of mask.
func (d *Door) may(c caller, st unix.Stat_t, mask uint32) bool {
	bits := st.Mode
	switch {
	case int(st.Uid) == c.uid:
		bits >>= 6
	case inGroup(c, int(st.Gid)):
		bits >>= 3
	}
	if mask&^bits&0o7 == 0 {
		return true
	}
	// access(2) asks for the real user, whom another's capabilities do not help.
	if c.uid != 0 && !d.userNS || mask&unix.X_OK != 0 && st.Mode&0o111 == 0 {
		return false
	}
	return d.privileged(c, unix.CAP_DAC_OVERRIDE)
}

func inGroup(c caller, gid int) bool {
	if c.gid == gid {
		return true
	}
	s, err := procfs.ReadStatus(c.pid)
	return err == nil && slices.Contains(s.Groups, gid)
}

package devpts

import (
	"strings"

	"github.com/ptsns/ptsns/pts"
)

// Op is what nobody can do to the root directory of a devpts.
type Op uint8

const (
	Create  Op = iota // open(2) of a new name with O_CREAT
	Mkdir             //
	Symlink           //
	Link              // to the name
	Unlink            //
	Rmdir             //
	Rename            // of the name
)

// refusals says of each Op what it has when all else is well, and whether it is about a
// name that must be there.
var refusals = [...]struct {
	err    pts.Errno
	exists bool
}{
	Create: {pts.EACCES, false}, Mkdir: {pts.EPERM, false}, Symlink: {pts.EPERM, false}, Link: {pts.EPERM, false},
	Unlink: {pts.EPERM, true}, Rmdir: {pts.ENOTDIR, true}, Rename: {pts.EPERM, true},
}

// Refuse tells what c gets who tries op with name.
func (i *Instance) Refuse(c pts.Caller, op Op, name string) error {
	r := refusals[op]
	if _, err := i.find(nil, c, name); (err == nil) != r.exists {
		if err == nil {
			err = pts.EEXIST
		}
		return err
	} else if err != nil && err != pts.ENOENT {
		return err
	}
	if err := i.access(&i.root, c, MayWrite|MaySearch); err != nil {
		return err
	}
	return r.err
}

// Mknod is mknod(2): EPERM but in Cloned, where the privileged make ptmx (a character
// device 5:2) and tty (5:0) under these names.
func (i *Instance) Mknod(c pts.Caller, name string, mode uint32, rdev uint64) error {
	if err := i.Refuse(c, Mkdir, name); err != pts.EPERM || i.system.generation != Cloned {
		return err
	}
	slot := &i.ptmx
	switch {
	case mode&S_IFMT != S_IFCHR || !capable(c, capMknod):
		return pts.EPERM
	case name == "ptmx" && rdev == ptmxRdev:
	case name == "tty" && rdev == ttyRdev:
		slot = &i.tty
	default:
		return pts.EPERM
	}
	n := new(inode)
	uid, gid := 0, 0
	if c != nil {
		uid, gid = c.FSUID(), c.FSGID()
	}
	n.make(i.system, uid, gid, mode&(S_IFMT|0o7777), i.system.now().UnixNano())
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.dead:
		return pts.ENODEV
	case *slot != nil:
		return pts.EEXIST
	}
	*slot = n
	return nil
}

// Truncate is truncate(2): EISDIR and EINVAL.
func (n *Node) Truncate() error {
	if n.IsDir() {
		return pts.EISDIR
	}
	return pts.EINVAL
}

// Setxattr is setxattr(2): EPERM for the names that start with "user.", which only
// files and directories have, else EOPNOTSUPP.
func (n *Node) Setxattr(name string) error {
	if strings.HasPrefix(name, "user.") {
		return pts.EPERM
	}
	return pts.EOPNOTSUPP
}

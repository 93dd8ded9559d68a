package paths

import (
	"slices"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/pts"
)

// Types of files in mode, by Linux's values on every OS.
const (
	S_IFMT  = 0o170000
	S_IFCHR = 0o020000
	S_IFDIR = 0o040000
	S_IFREG = 0o100000
	S_IFLNK = 0o120000
)

// The device numbers that mean terminals: major << 8 | minor, as stat(2) shows them.
const (
	RdevTTY  = 5 << 8   // /dev/tty: the caller's controlling terminal
	RdevPtmx = 5<<8 | 2 // /dev/ptmx

	ptmMajor = 128
	ptsMajor = 136
)

// ptsIndex tells which terminal a device number of major 136 names. Minor numbers
// have 20 bits, of which the upper 12 stand above the major number.
func ptsIndex(rdev uint64) (int, bool) {
	if rdev>>8&0xfff != ptsMajor {
		return 0, false
	}
	return int(rdev>>12&0xfff00 | rdev&0xff), true
}

// file is what a node of a plain tree is, whatever names lead to it: an inode.
type file struct {
	mode     uint32            // type and permission bits; guarded by tree.mu
	uid, gid int               // guarded by tree.mu
	rdev     uint64            // immutable
	target   string            // of a symlink; immutable
	children map[string]*entry // of a directory; guarded by tree.mu
}

// super is one file system: a plain tree, or a devpts instance, of which the mounts that
// were made one by one have one each.
type super struct {
	root *entry // immutable
	// inst and held are of a devpts, nil of a plain tree. held, a mount of the instance, is
	// never unmounted: who can reach the super holds the instance. Immutable.
	inst *devpts.Instance
	held *devpts.Mount
}

// entry is a name in a directory that leads to a file, as the kernel's dentry. It stays
// what it is after the name is gone, for those who hold it. Those on a devpts are made
// when they are looked up; id tells that two of them are the same.
type entry struct {
	sb   *super       // immutable
	id   uint64       // unique in its file system, never reused; immutable
	file *file        // nil on a devpts; immutable
	node *devpts.Node // nil in a plain tree; immutable

	parent *entry // nil: the root; guarded by tree.mu
	name   string // guarded by tree.mu
	gone   bool   // the name was taken away; guarded by tree.mu
}

func (e *entry) statLocked() Stat {
	if e.node == nil {
		return Stat{e.file.mode, e.file.uid, e.file.gid, e.file.rdev}
	}
	st := e.node.Stat()
	return Stat{st.Mode, st.UID, st.GID, st.Rdev}
}

func (e *entry) isDirLocked() bool {
	if e.node != nil {
		return e.parent == nil
	}
	return e.file.mode&S_IFMT == S_IFDIR
}

// lookupLocked looks name up in the directory e, mounts and all aside.
func (e *entry) lookupLocked(name string) (*entry, error) {
	if e.node == nil {
		if child := e.file.children[name]; child != nil {
			return child, nil
		}
		return nil, pts.ENOENT
	}
	node, err := e.sb.inst.Lookup(name)
	if err != nil {
		return nil, err
	}
	return &entry{sb: e.sb, id: node.ID(), node: node, parent: e, name: name}, nil
}

// childLocked is lookupLocked, or nil.
func (e *entry) childLocked(name string) *entry {
	child, err := e.lookupLocked(name)
	if err != nil {
		return nil
	}
	return child
}

// goneLocked tells whether e's name no longer leads to it.
func (e *entry) goneLocked() bool {
	if e.node == nil || e.parent == nil {
		return e.gone
	}
	now := e.parent.childLocked(e.name)
	return now == nil || now.id != e.id
}

// belowLocked tells whether e is top or below it.
func (e *entry) belowLocked(top *entry) bool {
	for ; e != nil; e = e.parent {
		if e.id == top.id {
			return true
		}
	}
	return false
}

// addLocked gives f the name in the directory e.
func (t *tree) addLocked(e *entry, name string, f *file) *entry {
	t.ids++
	child := &entry{sb: e.sb, id: t.ids, file: f, parent: e, name: name}
	e.file.children[name] = child
	return child
}

// dropLocked takes a name away from the directory that has it.
func dropLocked(e *entry) {
	delete(e.parent.file.children, e.name)
	e.gone = true
}

// newDir is an empty directory of root's.
func newDir(mode uint32) *file {
	return &file{mode: S_IFDIR | mode&0o7777, children: map[string]*entry{}}
}

// newPlain is an empty file system.
func (t *tree) newPlainLocked() *super {
	t.ids++
	sb := &super{}
	sb.root = &entry{sb: sb, id: t.ids, file: newDir(0o755)}
	return sb
}

// newDevpts is the file system of the instance that m is a mount of.
func newDevpts(m *devpts.Mount) (*super, error) {
	held, err := m.Bind()
	if err != nil {
		return nil, err
	}
	sb := &super{inst: m.Instance(), held: held}
	root := sb.inst.Root()
	sb.root = &entry{sb: sb, id: root.ID(), node: root}
	return sb, nil
}

// creds are whom permission bits are asked for: a caller's, asked once, before any
// lock is taken.
type creds struct {
	all      bool // everything is allowed
	uid, gid int
	groups   []int
}

func credsOf(c pts.Caller) creds {
	if c == nil {
		return creds{all: true}
	}
	cr := creds{uid: c.FSUID(), gid: c.FSGID()}
	cr.all = cr.uid == 0
	if p, ok := c.(interface{ Privileged() bool }); ok {
		cr.all = p.Privileged()
	}
	if g, ok := c.(interface{ Groups() []int }); ok && !cr.all {
		cr.groups = g.Groups()
	}
	return cr
}

// allow tells whether the bits of want (4 read, 2 write, 1 search) are given.
func (cr creds) allow(st Stat, want uint32) bool {
	if cr.all {
		return true
	}
	bits := st.Mode
	switch {
	case cr.uid == st.UID:
		bits >>= 6
	case cr.gid == st.GID || slices.Contains(cr.groups, st.GID):
		bits >>= 3
	}
	return bits&want == want
}

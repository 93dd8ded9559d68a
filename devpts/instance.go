package devpts

import (
	"iter"
	"strconv"
	"sync"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// Instance is one set of terminals: a superblock of devpts. It implements pts.Instance.
// It lives as long as a mount of it, or an end of one of its terminals; in Cloned, as
// long as its namespace. Once it is gone everything fails with ENODEV.
type Instance struct {
	system    *System // immutable
	reserve   bool    // kernel.pty.reserve is for it too; immutable
	permanent bool    // the initial one; immutable

	root inode // its fields are guarded by mu, as those of all nodes
	ptmx *inode
	tty  *inode

	mu      sync.Mutex
	options pts.Options // and all the rest is guarded by mu
	used    indices
	terms   []*terminal // by index, from when it is taken until it is free
	newest  *terminal   // of the terminals that have a name; a list
	mounts  int
	ends    int // open
	made    *Mount
	ns      *Namespace // holds no reference; nil but in Cloned, and once it is gone
	dead    bool
}

// newInstance makes an instance, of which there is no mount yet.
func (s *System) newInstance(m Mounter, o pts.Options) *Instance {
	uid, gid, _ := m.root()
	i := &Instance{system: s, options: o}
	now := s.now().UnixNano()
	i.root.make(s, uid, gid, S_IFDIR|0o755, now)
	switch s.generation {
	case Always:
		i.reserve = !m.OtherMountNS
		i.ptmx = new(inode)
		i.ptmx.make(s, m.UID, m.GID, S_IFCHR|o.PtmxMode, now)
	case Multiple:
		i.reserve = !o.NewInstance
		i.ptmx = new(inode)
		i.ptmx.make(s, uid, gid, S_IFCHR|o.PtmxMode, now)
	default:
		i.reserve = true
	}
	return i
}

// make fills in a node that comes into being now.
func (n *inode) make(s *System, uid, gid int, mode uint32, now int64) {
	n.id = s.ids.Add(1)
	n.uid, n.gid, n.mode = uint32(uid), uint32(gid), uint16(mode)
	n.ctime = now
	n.atime.Store(now)
	n.mtime.Store(now)
}

// endLocked ends the instance when nobody has it any more.
func (i *Instance) endLocked() {
	kept := i.mounts > 0
	if i.ns != nil {
		kept = i.ns.tasks > 0
	}
	if kept || i.permanent || i.ends > 0 {
		return
	}
	i.dead = true
	i.used, i.terms, i.newest, i.ns = indices{}, nil, nil, nil
}

// System is what the instance is part of.
func (i *Instance) System() *System { return i.system }

// Options are what it was mounted, or remounted last, with.
func (i *Instance) Options() pts.Options {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.options
}

// Namespace is the PTS namespace that the instance shows; nil but in Cloned, and there once
// it is freed.
func (i *Instance) Namespace() *Namespace {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ns
}

// Alive tells whether it is not gone.
func (i *Instance) Alive() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.dead
}

// Close detaches the mount that made the instance, where that is not done; what is open stays.
func (i *Instance) Close() error {
	i.mu.Lock()
	m := i.made
	i.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.Detach()
}

// Statfs is statfs(2).
func (i *Instance) Statfs() Statfs { return Statfs{Type: Magic, BlockSize: 4096, NameLen: 255} }

// Root is the root directory, reached through no mount.
func (i *Instance) Root() *Node { return i.rootNode(nil) }

// Lookup finds a node of the root directory, reached through no mount: ENOENT.
func (i *Instance) Lookup(name string) (*Node, error) { return i.lookupNode(nil, name) }

// ReadDir lists the root directory as readdir(3) does, without . and ..: the newest
// first.
func (i *Instance) ReadDir() ([]*Node, error) { return i.readDir(nil) }

func (i *Instance) rootNode(m *Mount) *Node { return &Node{i: i, m: m, n: &i.root, k: kindRoot} }

func (t *terminal) node(m *Mount) Node { return Node{i: t.i, m: m, n: &t.inode, t: t} }

func (i *Instance) lookupNode(m *Mount, name string) (*Node, error) {
	n, err := i.lookup(m, name)
	if err != nil {
		return nil, err
	}
	return &n, nil
}

func (i *Instance) lookup(m *Mount, name string) (Node, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.dead:
		return Node{}, pts.ENODEV
	case len(name) > 255:
		return Node{}, pts.ENAMETOOLONG
	case name == "ptmx" && i.ptmx != nil:
		return Node{i: i, m: m, n: i.ptmx, k: kindPtmx}, nil
	case name == "tty" && i.tty != nil:
		return Node{i: i, m: m, n: i.tty, k: kindTTY}, nil
	}
	index, err := strconv.ParseUint(name, 10, 20)
	if err != nil || strconv.FormatUint(index, 10) != name {
		return Node{}, pts.ENOENT
	}
	t := i.terminalLocked(int(index))
	if t == nil {
		return Node{}, pts.ENOENT
	}
	return t.node(m), nil
}

// terminalLocked is the terminal that has a node of that number, or nil.
func (i *Instance) terminalLocked(index int) *terminal {
	if index < 0 || index >= len(i.terms) || i.terms[index] == nil || i.terms[index].gone {
		return nil
	}
	return i.terms[index]
}

func (i *Instance) readDir(m *Mount) ([]*Node, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead {
		return nil, pts.ENODEV
	}
	var nodes []*Node
	for t := i.newest; t != nil; t = t.older {
		n := t.node(m)
		nodes = append(nodes, &n)
	}
	if i.tty != nil {
		nodes = append(nodes, &Node{i: i, m: m, n: i.tty, k: kindTTY})
	}
	if i.ptmx != nil {
		nodes = append(nodes, &Node{i: i, m: m, n: i.ptmx, k: kindPtmx})
	}
	return nodes, nil
}

// Terminals yields the terminals whose ptm is open, by index. Those that come and go
// meanwhile may be left out.
func (i *Instance) Terminals() iter.Seq[pts.Info] {
	return func(yield func(pts.Info) bool) {
		for index := 0; ; index++ {
			info, ok := i.infoFrom(index)
			if !ok || !yield(info) {
				return
			}
			index = info.Index
		}
	}
}

// infoFrom describes the first terminal from index on.
func (i *Instance) infoFrom(index int) (pts.Info, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for ; index < len(i.terms); index++ {
		if t := i.terminalLocked(index); t != nil {
			return pts.Info{Index: index, UID: int(t.uid), GID: int(t.gid), Mode: uint32(t.mode & 0o7777),
				Created: time.Unix(0, t.created)}, true
		}
	}
	return pts.Info{}, false
}

// OpenPtmx opens the instance's ptmx for c by its name: see pts.Instance. ENOENT: there is none
// (Legacy, and Cloned before its Mknod); ENOSPC, in Cloned EIO: a limit is reached.
func (i *Instance) OpenPtmx(c pts.Caller, flags int) (pts.End, int, error) {
	return i.openPtmxByName(nil, c, flags)
}

func (i *Instance) openPtmxByName(m *Mount, c pts.Caller, flags int) (pts.End, int, error) {
	n, err := i.find(m, c, "ptmx")
	if err != nil {
		return nil, 0, err
	}
	if err := n.mayOpen(c, flags); err != nil {
		return nil, 0, err
	}
	return i.makePair(m, true, c, flags)
}

// OpenPts opens terminal index for c by its name: see pts.Instance.
func (i *Instance) OpenPts(c pts.Caller, index, flags int) (pts.End, error) {
	return i.openPtsByName(nil, c, index, flags)
}

func (i *Instance) openPtsByName(m *Mount, c pts.Caller, index, flags int) (pts.End, error) {
	n, err := i.find(m, c, strconv.Itoa(index))
	if err != nil {
		return nil, err
	}
	return n.Open(c, flags)
}

// find is a lookup for somebody who must be allowed to search the root.
func (i *Instance) find(m *Mount, c pts.Caller, name string) (Node, error) {
	if err := i.access(&i.root, c, MaySearch); err != nil {
		return Node{}, err
	}
	return i.lookup(m, name)
}

// MakePair makes a pair for c as a clone device that lies outside the instance does, once
// it is found to mean it: no permission is asked and no mount is kept.
func (i *Instance) MakePair(c pts.Caller, flags int) (pts.End, int, error) {
	return i.makePair(nil, false, c, flags)
}

package devpts

import "github.com/ptsns/ptsns/pts"

// Namespace is a PTS namespace as the patches of 2008 have it: a set of indices, with a
// count of references. Tasks hold references, and every open end does; the
// mounts that show it do not, so that it is freed, index allocator and all, once the last task
// has left and the last terminal is closed. A mount that is still there shows nothing
// then: ENODEV.
type Namespace struct {
	i     *Instance // immutable
	tasks int       // references that are not ends; guarded by i.mu
}

// Clone is clone(2) with CLONE_NEWPTS: a new namespace, with one reference, the new
// task's. EINVAL: the system is not Cloned.
func (s *System) Clone() (*Namespace, error) {
	if s.generation != Cloned {
		return nil, pts.EINVAL
	}
	return s.newInstance(Mounter{}, pts.DefaultOptions()).newNamespace(), nil
}

func (i *Instance) newNamespace() *Namespace {
	i.ns = &Namespace{i: i, tasks: 1}
	return i.ns
}

// Get takes another reference, as a task does that is forked: ENODEV when the namespace is
// freed already.
func (n *Namespace) Get() error {
	i := n.i
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead {
		return pts.ENODEV
	}
	n.tasks++
	return nil
}

// Put gives a reference up, as a task does that exits. ENODEV when there is none.
func (n *Namespace) Put() error {
	i := n.i
	i.mu.Lock()
	defer i.mu.Unlock()
	if n.tasks == 0 {
		return pts.ENODEV
	}
	n.tasks--
	i.endLocked()
	return nil
}

// Alive tells whether the namespace is not freed.
func (n *Namespace) Alive() bool { return n.i.Alive() }

// OpenPts opens terminal index for c, a task in the namespace, through a node that has its
// number and lies on no devpts. The permission bits of that node are the caller's business.
// EIO: there is no such terminal.
func (n *Namespace) OpenPts(c pts.Caller, index, flags int) (pts.End, error) {
	n.i.mu.Lock()
	t, dead := n.i.terminalLocked(index), n.i.dead
	n.i.mu.Unlock()
	switch {
	case dead:
		return nil, pts.ENODEV
	case t == nil:
		return nil, pts.EIO
	}
	return t.open(nil, c, flags)
}

// Mount is a mount of devpts by a task in the namespace. The options become those of all
// its mounts.
func (n *Namespace) Mount(m Mounter, options string) (*Mount, error) {
	o, warnings, err := n.i.system.parse(m, options, false)
	if err != nil {
		return nil, err
	}
	return n.i.mountAgain(m, o, warnings)
}

// Instance is what mounts of the namespace show. It does not keep the namespace.
func (n *Namespace) Instance() *Instance { return n.i }

// OpenPtmx opens a clone device that lies on no devpts for c, a task in the namespace. The
// permission bits of that device are the caller's business.
func (n *Namespace) OpenPtmx(c pts.Caller, flags int) (pts.End, int, error) {
	return n.i.MakePair(c, flags)
}

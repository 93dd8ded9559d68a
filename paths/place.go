package paths

import (
	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/pts"
)

// Place is a file and the way it was reached: the mount and the name. Holding one is
// holding a descriptor of O_PATH: it means the same file after the name is gone and
// after the mount is detached. Places are equal (==) when they are one result of one
// call; on a devpts each call makes new ones. The zero Place is none and has no methods.
// Errors of its methods are plain Errnos, but for Open's.
type Place struct {
	t *tree
	m *mount
	e *entry
}

// Root is the view's root directory. At with another's is what /proc/PID/root is for.
func (v *View) Root() Place { return v.root }

// Resolve goes path for c, following symlinks, the last too, and mounts. c needs search
// permission for the directories on the way; nil needs none.
func (v *View) Resolve(c pts.Caller, path string) (Place, error) {
	cr := credsOf(c)
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	p, err := v.resolveLocked(cr, path, true)
	return p, failed("resolve", path, err)
}

// Path is where somebody with the view would say that p is, as /proc/PID/fd does:
// "/dev/pts/0", "/dev/ptmx (deleted)". What no path of the view leads to starts at the
// root of its mount.
func (v *View) Path(p Place) string {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	return v.pathLocked(p)
}

// Stat is what stat(2) shows of a place, as far as the model has it.
type Stat struct {
	Mode     uint32 // type and permission bits
	UID, GID int
	Rdev     uint64 // of a device
}

// Stat tells what p is.
func (p Place) Stat() Stat {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return p.e.statLocked()
}

// Instance tells which instance opening p means, for c: the rule of the system's
// generation, without the question whether c may. Of a ptmx it is the one that gets the
// new terminal, of a pts the one whose terminal it is. Errors are those of the open:
// ENOENT and ENODEV for a ptmx without a devpts beside it, EIO for a pts outside of
// one, ENXIO for other nodes, /dev/tty among them, which is a terminal's own affair.
func (p Place) Instance(c pts.Caller) (*devpts.Instance, error) {
	ns := p.t.namespaceOf(c)
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	st := p.e.statLocked()
	_, isPts := ptsIndex(st.Rdev)
	switch {
	case st.Mode&S_IFMT != S_IFCHR:
		return nil, pts.ENXIO
	case st.Rdev == RdevPtmx:
		return p.ptmxLocked(ns)
	case isPts:
		return p.ptsLocked(ns)
	}
	return nil, pts.ENXIO
}

// ptmxLocked is the instance that a node 5:2 means to who is in ns.
func (p Place) ptmxLocked(ns *devpts.Namespace) (*devpts.Instance, error) {
	if p.m.sb.inst != nil {
		return p.m.sb.inst, nil
	}
	switch p.t.sys.Generation() {
	case devpts.Always:
		m, err := p.besideLocked()
		if err != nil {
			return nil, err
		}
		return m.sb.inst, nil
	case devpts.Cloned:
		return ns.Instance(), nil
	}
	return p.t.sys.Initial(), nil
}

// namespaceOf is the PTS namespace that c is in; nil but in Cloned. No lock is held.
func (t *tree) namespaceOf(c pts.Caller) *devpts.Namespace {
	if t.sys.Generation() != devpts.Cloned {
		return nil
	}
	if task, ok := c.(interface{ PTSNamespace() *devpts.Namespace }); ok {
		if ns := task.PTSNamespace(); ns != nil {
			return ns
		}
	}
	return t.sys.InitialNamespace()
}

// besideLocked finds the devpts that is mounted on `pts` in the directory of p, as
// path_pts and devpts_ptmx_path do: by its name alone, in the mount through which p was
// reached, without permission, without following symlinks, through all that is mounted
// there. Observed on Linux 6.18.
func (p Place) besideLocked() (*mount, error) {
	dir := p.e.parent
	if dir == nil {
		dir = p.e
	}
	if !p.m.connectedLocked(dir) {
		return nil, pts.ENOENT // p alone was bound: where it is now is not where it lies
	}
	child := dir.childLocked("pts")
	if child == nil {
		return nil, pts.ENOENT
	}
	top := p.t.topLocked(Place{p.t, p.m, child})
	if top.m.sb.inst == nil || top.m.root.parent != nil {
		return nil, pts.ENODEV
	}
	return top.m, nil
}

// ptsLocked is the instance that a node 136:N means: a number names nothing on its own,
// but in Cloned it is one of those of ns, the caller's.
func (p Place) ptsLocked(ns *devpts.Namespace) (*devpts.Instance, error) {
	switch {
	case p.m.sb.inst != nil:
		return p.m.sb.inst, nil
	case p.t.sys.Generation() == devpts.Cloned:
		return ns.Instance(), nil
	}
	return nil, pts.EIO
}

// peerLocked is the mount through which TIOCGPTPEER on a ptm of inst opens the pts: where
// p, through which the ptm was opened, is a bound file, the way up from there counts, as
// in devpts_mntget. Observed on Linux 6.18.
func (p Place) peerLocked(inst *devpts.Instance) (*mount, error) {
	for {
		up, ok := upLocked(p)
		if !ok {
			break
		}
		p = up
	}
	if p.m.sb.inst == inst {
		return p.m, nil
	}
	m, err := p.besideLocked()
	if err == nil && m.sb.inst != inst {
		return nil, pts.ENODEV
	}
	return m, err
}

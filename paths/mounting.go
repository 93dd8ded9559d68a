package paths

import (
	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/pts"
)

// MountPlain is `mount -t tmpfs`: an empty tree on top of dir.
func (v *View) MountPlain(dir string) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	return failed("mount", dir, v.mountLocked(v.t.newPlainLocked(), dir, 0))
}

// MountDevpts is `mount -t devpts -o options`, by root: what it mounts is decided by the
// generation of the system.
func (v *View) MountDevpts(dir, options string) error {
	flags, data := pts.SplitOptions(options)
	m, err := v.t.sys.Mount(devpts.Mounter{OtherMountNS: !v.ns.first}, data)
	if err != nil {
		return failed("mount", dir, err)
	}
	defer m.Close() // the tree has its own
	m.SetFlags(flags)
	return v.Attach(m, dir)
}

// Attach mounts what m is a mount of on dir: for mounts of other users and PTS namespaces
// than the first, and for those that are to be remounted or asked for warnings. m itself
// stays its owner's: the tree has a mount of its own, with the flags that m has now,
// and the instance is not gone for as long as the program can reach it.
func (v *View) Attach(m *devpts.Mount, dir string) error {
	sb, err := newDevpts(m)
	if err == nil {
		v.t.mu.Lock()
		defer v.t.mu.Unlock()
		err = v.mountLocked(sb, dir, m.Flags())
	}
	return failed("mount", dir, err)
}

// Detached is the root of a mount of m that is nowhere, as fsmount(2) makes it; At makes
// a view from which it can be used.
func (v *View) Detached(m *devpts.Mount) (Place, error) {
	sb, err := newDevpts(m)
	if err != nil {
		return Place{}, err
	}
	return Place{v.t, &mount{sb: sb, root: sb.root, flags: m.Flags()}, sb.root}, nil
}

func (v *View) mountLocked(sb *super, dir string, flags pts.MountFlags) error {
	p, err := v.resolveLocked(creds{all: true}, dir, true)
	if err != nil {
		return err
	}
	return v.attachLocked(&mount{sb: sb, root: sb.root, flags: flags}, p)
}

// attachLocked mounts m on p, which has to be of the same kind.
func (v *View) attachLocked(m *mount, p Place) error {
	switch p = v.t.topLocked(p); {
	case p.m.ns != v.ns:
		return pts.EINVAL
	case p.e.goneLocked():
		return pts.ENOENT
	case m.root.isDirLocked() != p.e.isDirLocked():
		return pts.ENOTDIR
	case m.root.goneLocked():
		return pts.ENOENT
	}
	v.t.attachLocked(m, p)
	return nil
}

// Bind is `mount --bind`: what old leads to, a directory or a single file, is at path
// too, without what is mounted below it.
func (v *View) Bind(old, path string) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	to, err := v.resolveLocked(creds{all: true}, path, true)
	if err != nil {
		return failed("bind", path, err)
	}
	from, err := v.resolveLocked(creds{all: true}, old, true)
	switch {
	case err != nil:
	case from.m.ns != v.ns:
		err = pts.EINVAL
	default:
		err = v.attachLocked(&mount{sb: from.m.sb, root: from.e, flags: from.m.flags}, to)
	}
	return failed("bind", path, err)
}

// Unmount is umount(2) of the topmost mount on path: EINVAL when there is none, EBUSY
// while something is mounted below it or an end is open that was opened through it.
// Unlike a process, a view or a place does not keep a mount busy.
func (v *View) Unmount(path string) error { return v.unmount(path, false) }

// Detach is `umount -l`: at once, with what is mounted below it. What is open or held
// stays so.
func (v *View) Detach(path string) error { return v.unmount(path, true) }

func (v *View) unmount(path string, lazy bool) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	p, err := v.resolveLocked(creds{all: true}, path, true)
	if err == nil {
		err = v.t.unmountLocked(v, p, lazy)
	}
	return failed("unmount", path, err)
}

// SetFlags is `mount -o remount,bind,...` of the topmost mount on path. MountNoDev and
// MountNoSymFollow have a meaning here; EINVAL: there is no mount.
func (v *View) SetFlags(path string, flags pts.MountFlags) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	p, err := v.resolveLocked(creds{all: true}, path, true)
	switch {
	case err != nil:
	case p.e.id != p.m.root.id || p.m.ns != v.ns:
		err = pts.EINVAL
	default:
		p.m.flags = flags
	}
	return failed("remount", path, err)
}

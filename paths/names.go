package paths

import "github.com/ptsns/ptsns/pts"

// Link gives what stands at old, a symlink itself too, another name.
func (v *View) Link(old, path string) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	from, err := v.resolveLocked(creds{all: true}, old, false)
	if err != nil {
		return failed("link", old, err)
	}
	to, err := v.walkLocked(creds{all: true}, path, false)
	switch {
	case err != nil:
	case to.at.m != nil:
		err = pts.EEXIST
	case to.dirs:
		err = pts.ENOENT
	case to.dir.e.node == nil && to.dir.e.gone:
		err = pts.ENOENT
	case from.m != to.dir.m:
		err = pts.EXDEV
	case from.e.node != nil, from.e.isDirLocked():
		err = pts.EPERM
	default:
		v.t.addLocked(to.dir.e, to.name, from.e.file)
	}
	return failed("link", path, err)
}

// Remove takes a name away: a file's or an empty directory's. Those who hold the file
// keep it.
func (v *View) Remove(path string) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	return failed("remove", path, v.removeLocked(path))
}

func (v *View) removeLocked(path string) error {
	at, err := v.walkLocked(creds{all: true}, path, false)
	switch {
	case err != nil:
		return err
	case at.name == "":
		return pts.EBUSY // a root, or a directory called . or ..
	case at.at.m == nil:
		return pts.ENOENT
	case at.dir.e.node != nil:
		return pts.EPERM
	}
	e := at.dir.e.childLocked(at.name)
	switch {
	case at.dirs && !e.isDirLocked():
		return pts.ENOTDIR
	case v.t.coveredLocked(v.ns, e):
		return pts.EBUSY
	case len(e.file.children) > 0:
		return pts.ENOTEMPTY
	}
	v.t.uncoverLocked(e)
	dropLocked(e)
	return nil
}

// Rename moves what stands at old to path, in place of what stands there: a directory in
// that of an empty one, anything else in that of anything else.
func (v *View) Rename(old, path string) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	return failed("rename", path, v.renameLocked(old, path))
}

func (v *View) renameLocked(old, path string) error {
	from, err := v.walkLocked(creds{all: true}, old, false)
	if err != nil {
		return err
	}
	to, err := v.walkLocked(creds{all: true}, path, false)
	switch {
	case err != nil:
		return err
	case from.dir.m != to.dir.m:
		return pts.EXDEV
	case from.name == "" || to.name == "":
		return pts.EBUSY
	}
	// The names themselves, not what is mounted on them.
	e, was := from.dir.e.childLocked(from.name), to.dir.e.childLocked(to.name)
	dir := e != nil && e.isDirLocked()
	switch {
	case e == nil:
		return pts.ENOENT
	case (from.dirs || to.dirs) && !dir:
		return pts.ENOTDIR
	case dir && to.dir.e.belowLocked(e):
		return pts.EINVAL
	case was != nil && from.dir.e.belowLocked(was):
		return pts.ENOTEMPTY
	case was != nil && (was.id == e.id || was.file == e.file && e.file != nil):
		return nil
	case e.node != nil:
		return pts.EPERM
	case was != nil && dir && !was.isDirLocked():
		return pts.ENOTDIR
	case was != nil && !dir && was.isDirLocked():
		return pts.EISDIR
	case to.dir.e.gone:
		return pts.ENOENT
	case v.t.coveredLocked(v.ns, e), was != nil && v.t.coveredLocked(v.ns, was):
		return pts.EBUSY
	case was != nil && len(was.file.children) > 0:
		return pts.ENOTEMPTY
	}
	if was != nil {
		v.t.uncoverLocked(was)
		dropLocked(was)
	}
	delete(e.parent.file.children, e.name)
	e.parent, e.name = to.dir.e, to.name
	e.parent.file.children[e.name] = e
	return nil
}

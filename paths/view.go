package paths

import (
	"io/fs"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/pts"
)

// View is how a process sees files: a mount namespace, a root and a working directory.
// It never changes; what would change it makes another. All views that come from one
// New share their files, and those of one mount namespace its mounts.
//
// What builds the tree is done as root: only Open and Resolve ask who calls. Relative
// paths start at the working directory. Errors are *fs.PathError with the pts.Errno that
// Linux gives.
type View struct {
	t    *tree      // immutable
	ns   *namespace // immutable
	root Place      // immutable
	cwd  Place      // immutable
}

// New is a new machine: an empty directory, and the view of its first process. sys says
// which Linux it is, and has the instances that are mounted.
func New(sys *devpts.System) *View {
	t := &tree{sys: sys, mounts: map[point]*mount{}}
	sb := t.newPlainLocked()
	ns := &namespace{first: true}
	ns.root = &mount{sb: sb, root: sb.root, ns: ns}
	root := Place{t, ns.root, sb.root}
	return &View{t: t, ns: ns, root: root, cwd: root}
}

// Unshare is the view of a process after unshare(CLONE_NEWNS): the same files, with
// mounts of its own. Nothing propagates.
func (v *View) Unshare() *View {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	ns, became := v.t.unshareLocked(v.ns)
	move := func(p Place) Place {
		if m := became[p.m]; m != nil {
			p.m = m
		}
		return p
	}
	return &View{t: v.t, ns: ns, root: move(v.root), cwd: move(v.cwd)}
}

// Chroot is the view from within dir, as after chroot(2) or pivot_root(2) and chdir("/").
func (v *View) Chroot(dir string) (*View, error) {
	p, err := v.dir("chroot", dir)
	if err != nil {
		return nil, err
	}
	return &View{t: v.t, ns: v.ns, root: p, cwd: p}, nil
}

// Chdir is the view with dir as working directory.
func (v *View) Chdir(dir string) (*View, error) {
	p, err := v.dir("chdir", dir)
	if err != nil {
		return nil, err
	}
	return v.At(p), nil
}

// At is the view with dir as working directory, which may be out of reach of any path:
// paths that are not absolute mean what they do to openat(2) with dir. dir is of a view from
// the same New.
func (v *View) At(dir Place) *View { return &View{t: v.t, ns: v.ns, root: v.root, cwd: dir} }

func (v *View) dir(op, path string) (Place, error) {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	p, err := v.resolveLocked(creds{all: true}, path, true)
	if err == nil && !p.e.isDirLocked() {
		err = pts.ENOTDIR
	}
	return p, failed(op, path, err)
}

// failed is err with what was being done; nil stays nil.
func failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// Mkdir makes a directory of root's.
func (v *View) Mkdir(path string, mode uint32) error {
	return v.create("mkdir", path, true, newDir(mode))
}

// MkdirAll makes a directory, 0755, and those above it that are missing.
func (v *View) MkdirAll(path string) error {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' || path[i-1] == '/' {
			continue
		}
		if _, err := v.dir("mkdir", path[:i]); err == nil {
			continue
		}
		if err := v.Mkdir(path[:i], 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Symlink makes a symlink to target, which need not exist.
func (v *View) Symlink(target, path string) error {
	switch {
	case target == "":
		return failed("symlink", path, pts.ENOENT)
	case len(target) >= maxPath:
		return failed("symlink", path, pts.ENAMETOOLONG)
	}
	return v.create("symlink", path, false, &file{mode: S_IFLNK | 0o777, target: target})
}

// Mknod makes a node of root's: of a device where mode has S_IFCHR, RdevPtmx for one,
// else a regular file. On a devpts it is what mknod(2) is there.
func (v *View) Mknod(path string, mode uint32, rdev uint64) error {
	switch mode & S_IFMT {
	case 0:
		mode |= S_IFREG
	case S_IFREG, S_IFCHR:
	default:
		return failed("mknod", path, pts.EINVAL)
	}
	if mode&S_IFMT == S_IFREG {
		rdev = 0
	}
	return v.create("mknod", path, false, &file{mode: mode & (S_IFMT | 0o7777), rdev: rdev})
}

// create gives f a name. dirs tells that a slash may stand behind it.
func (v *View) create(op, path string, dirs bool, f *file) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	at, err := v.walkLocked(creds{all: true}, path, false)
	switch {
	case err != nil:
	case at.at.m != nil:
		err = pts.EEXIST
	case at.dirs && !dirs, at.dir.e.node == nil && at.dir.e.gone:
		err = pts.ENOENT
	case at.dir.e.node != nil && f.mode&S_IFMT == S_IFCHR:
		err = at.dir.e.sb.inst.Mknod(nil, at.name, f.mode, f.rdev)
	case at.dir.e.node != nil && f.mode&S_IFMT == S_IFREG:
		err = pts.EACCES
	case at.dir.e.node != nil:
		err = pts.EPERM
	default:
		v.t.addLocked(at.dir.e, at.name, f)
	}
	return failed(op, path, err)
}

// Chmod changes the permission bits of what path leads to.
func (v *View) Chmod(path string, mode uint32) error {
	return v.change("chmod", path, func(e *entry) error {
		if e.node != nil {
			return e.node.Chmod(nil, mode)
		}
		e.file.mode = e.file.mode&S_IFMT | mode&0o7777
		return nil
	})
}

// Chown changes the owner of what path leads to; -1 leaves an id as it is.
func (v *View) Chown(path string, uid, gid int) error {
	return v.change("chown", path, func(e *entry) error {
		if e.node != nil {
			return e.node.Chown(nil, uid, gid)
		}
		if uid >= 0 {
			e.file.uid = uid
		}
		if gid >= 0 {
			e.file.gid = gid
		}
		return nil
	})
}

func (v *View) change(op, path string, f func(e *entry) error) error {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	p, err := v.resolveLocked(creds{all: true}, path, true)
	if err == nil {
		err = f(p.e)
	}
	return failed(op, path, err)
}

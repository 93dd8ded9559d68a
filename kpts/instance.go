//go:build linux

package kpts

import (
	"fmt"
	"iter"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/pts"
)

// Instance is a devpts of the kernel: a directory of terminals and the ptmx that
// makes them. It is safe for concurrent use.
type Instance struct {
	loop *epoll.Loop // immutable

	mu   sync.RWMutex // held for reading while a descriptor is in use
	dir  int          // guarded by mu; O_PATH fd of the devpts root, or of the parent's /dev/pts
	ptmx int          // guarded by mu; O_PATH fd of the ptmx node, which no mount of ours covers
}

// NewInstance works on the devpts whose root is open as dir, which it duplicates.
// ptmx names the clone device; relative, it is looked up in dir. Its ptms are
// registered with loop.
func NewInstance(dir *os.File, ptmx string, loop *epoll.Loop) (*Instance, error) {
	conn, err := dir.SyscallConn()
	if err != nil {
		return nil, err
	}
	i := &Instance{dir: -1, ptmx: -1, loop: loop}
	cerr := conn.Control(func(fd uintptr) {
		i.dir, err = unix.Openat(int(fd), ".", unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
		if err != nil {
			err = fmt.Errorf("opening the instance's root: %w", err)
			return
		}
		i.ptmx, err = unix.Openat(i.dir, ptmx, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			err = fmt.Errorf("opening %q: %w", ptmx, err)
		}
	})
	if err = firstError(cerr, err); err != nil {
		_ = i.Close() // whatever was opened
		return nil, err
	}
	return i, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// OpenPtmx opens a new pair and returns its ptm and its index: see OpenPTM.
func (i *Instance) OpenPtmx(c pts.Caller, flags int) (pts.End, int, error) {
	m, err := i.OpenPTM(c, flags)
	if err != nil {
		return nil, 0, err
	}
	return m, m.index, nil
}

// OpenPTM opens a new pair and returns its ptm. The node of its pts belongs to c:
// the kernel takes the file system ids of the thread that opens, so they are c's
// while it does. A nil c is this process. ptmx's permission bits apply to c; flags
// beside the access mode have no meaning here.
func (i *Instance) OpenPTM(c pts.Caller, flags int) (*PTM, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	fd, err := openNode(c, unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(i.ptmx), flags)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "ptmx", Err: err}
	}
	return newPTM(fd, i.loop)
}

// OpenPts opens terminal index for c. The permission bits apply to c's file system ids, as
// in OpenPTM; TIOCEXCL does to the capabilities of this process. It never becomes this
// process's controlling terminal.
func (i *Instance) OpenPts(c pts.Caller, index, flags int) (pts.End, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	name := strconv.Itoa(index)
	fd, err := openNode(c, i.dir, name, flags)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return newPTS(fd, index, i.loop)
}

// openNode opens a terminal with the access mode of flags, with c's file system ids.
func openNode(c pts.Caller, dir int, path string, flags int) (fd int, err error) {
	flags = flags&unix.O_ACCMODE | unix.O_NOCTTY | unix.O_NONBLOCK | unix.O_CLOEXEC
	withFSIDs(c, func() {
		fd, err = ignoringEINTR(func() (int, error) { return unix.Openat(dir, path, flags, 0) })
	})
	return fd, err
}

// withFSIDs runs f with c's file system ids on this thread. Only root can take
// another's; for everybody else the ids are already the only ones there are.
func withFSIDs(c pts.Caller, f func()) {
	if c == nil || unix.Geteuid() != 0 || c.FSUID() == 0 && c.FSGID() == 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The group first: leaving uid 0 drops the capability to change it.
	_ = unix.Setfsgid(c.FSGID())
	_ = unix.Setfsuid(c.FSUID())
	f()
	_ = unix.Setfsuid(0)
	_ = unix.Setfsgid(0)
}

// Terminals yields what Nodes lists; nothing when it fails.
func (i *Instance) Terminals() iter.Seq[pts.Info] {
	return func(yield func(pts.Info) bool) {
		nodes, _ := i.Nodes() // of an instance that is closed there are none
		for _, n := range nodes {
			if !yield(n) {
				return
			}
		}
	}
}

// Nodes lists the terminals whose ptm is open, by index. Created is the time of the last change
// of a node, by chmod say: the kernel knows no other.
func (i *Instance) Nodes() ([]pts.Info, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	fd, err := unix.Openat(i.dir, ".", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, os.NewSyscallError("openat", err)
	}
	d := os.NewFile(uintptr(fd), "devpts")
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var nodes []pts.Info
	for _, name := range names {
		index, err := strconv.Atoi(name)
		if err != nil {
			continue // ptmx
		}
		var st unix.Stat_t
		if unix.Fstatat(i.dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
			continue // closed since
		}
		nodes = append(nodes, pts.Info{Index: index, UID: int(st.Uid), GID: int(st.Gid), Mode: st.Mode & 0o7777,
			Created: time.Unix(st.Ctim.Unix())})
	}
	sort.Slice(nodes, func(a, b int) bool { return nodes[a].Index < nodes[b].Index })
	return nodes, nil
}

// Stat describes the ptmx node.
func (i *Instance) Stat() (unix.Stat_t, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var st unix.Stat_t
	err := unix.Fstatat(i.ptmx, "", &st, unix.AT_EMPTY_PATH)
	return st, os.NewSyscallError("fstatat", err)
}

// Chmod changes the permission bits of the ptmx node.
func (i *Instance) Chmod(mode uint32) error {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return os.Chmod("/proc/self/fd/"+strconv.Itoa(i.ptmx), os.FileMode(mode&0o777))
}

// Chown changes the owner of the ptmx node; -1 leaves an id as it is.
func (i *Instance) Chown(uid, gid int) error {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return os.NewSyscallError("fchownat", unix.Fchownat(i.ptmx, "", uid, gid, unix.AT_EMPTY_PATH))
}

// Watch returns an inotify descriptor, non-blocking, that becomes readable when a
// terminal of the instance is opened or closed.
func (i *Instance) Watch() (*os.File, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	if _, err := unix.InotifyAddWatch(fd, "/proc/self/fd/"+strconv.Itoa(i.dir), unix.IN_CREATE|unix.IN_DELETE); err != nil {
		_ = unix.Close(fd) // nothing reads it
		return nil, os.NewSyscallError("inotify_add_watch", err)
	}
	return os.NewFile(uintptr(fd), "inotify"), nil
}

// Dir is the descriptor of the instance's root, for /proc/PID/fd/N paths. It stays the
// instance's.
func (i *Instance) Dir() int {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.dir
}

// Dev is the device number of the instance's mount, which tells it from every
// other instance.
func (i *Instance) Dev() (uint64, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var st unix.Stat_t
	err := unix.Fstatat(i.dir, "", &st, unix.AT_EMPTY_PATH)
	return uint64(st.Dev), os.NewSyscallError("fstatat", err)
}

// Close gives the descriptors up; open ptms stay open. It waits for the calls that use
// them; later ones fail with EBADF or ENOENT.
func (i *Instance) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	var err error
	for _, fd := range []int{i.dir, i.ptmx} {
		if fd >= 0 {
			err = firstError(err, unix.Close(fd))
		}
	}
	i.dir, i.ptmx = -1, -1
	return err
}

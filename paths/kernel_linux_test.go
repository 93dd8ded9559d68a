package paths_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/kpts"
	"github.com/ptsns/ptsns/pts"
)

// kernel is a machine: this one, on a thread with a mount namespace and a root directory
// of its own.
type kernel struct {
	inst   map[uint64]int  // by device number
	at     map[int]string  // where an instance was mounted first
	held   map[string]int  // descriptors
	seen   map[string]bool // instances and indices that are open
	ends   []int
	last   int
	proc   int // /proc/thread-self/fd
	before int // the mount namespace before the last unshare
	uid    int // for whom the last ptm was opened
}

// onKernel runs fn with a kernel: a thread with a mount namespace and an empty root
// directory of its own, with /proc, which are thrown away.
func onKernel(t *testing.T, fn func(k *kernel) []string) (wrong []string) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal("missing: root")
		}
		t.Skip("missing: root")
	}
	dir := t.TempDir()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		k, err := newKernel(dir)
		if err != nil {
			wrong = []string{err.Error()}
			return
		}
		defer k.release()
		wrong = fn(k)
	}()
	<-done
	return wrong
}

func (k *kernel) hold(name string, fd int) {
	if was, ok := k.held[name]; ok {
		_ = unix.Close(was)
	}
	k.held[name] = fd
}

// newKernel makes this thread one, with dir as root.
func newKernel(dir string) (*kernel, error) {
	for _, step := range []func() error{
		func() error { return unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS) },
		func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") },
		func() error { return unix.Mount("paths", dir, "tmpfs", 0, "mode=755") },
		func() error { return unix.Mkdir(dir+"/proc", 0o755) },
		func() error { return unix.Mount("/proc", dir+"/proc", "", unix.MS_BIND, "") },
		func() error { return unix.Chdir(dir) },
		func() error { return unix.PivotRoot(".", ".") },
		func() error { return unix.Unmount(".", unix.MNT_DETACH) }, // the old root lies on top
		func() error { return unix.Chdir("/") },
		func() error { unix.Umask(0); return nil },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	proc, err := unix.Open("/proc/thread-self/fd", unix.O_PATH|unix.O_CLOEXEC, 0)
	return &kernel{proc: proc, last: -1, before: -1, inst: map[uint64]int{}, at: map[int]string{}, held: map[string]int{}, seen: map[string]bool{}}, err
}

func (k *kernel) do(op string, a []string) error {
	switch op {
	case "mkdir":
		return errno(unix.Mkdir(a[0], 0o755))
	case "mknod":
		major, minor, _ := strings.Cut(a[1], ":")
		dev := unix.Mkdev(uint32(number(major, 10)), uint32(number(minor, 10)))
		return errno(unix.Mknod(a[0], unix.S_IFCHR|uint32(number(a[2], 8)), int(dev)))
	case "file":
		return errno(unix.Mknod(a[0], unix.S_IFREG|0o644, 0))
	case "symlink":
		return errno(unix.Symlink(a[0], a[1]))
	case "link":
		return errno(unix.Link(a[0], a[1]))
	case "rm":
		err := unix.Unlink(a[0])
		if err == unix.EISDIR {
			err = unix.Rmdir(a[0])
		}
		return errno(err)
	case "mv":
		return errno(unix.Rename(a[0], a[1]))
	case "chmod":
		return errno(unix.Chmod(a[1], uint32(number(a[0], 8))))
	case "chown":
		uid, gid, _ := strings.Cut(a[0], ":")
		return errno(unix.Chown(a[1], number(uid, 10), number(gid, 10)))
	case "tmpfs":
		return errno(unix.Mount("paths", a[0], "tmpfs", 0, "mode=755"))
	case "devpts":
		if err := unix.Mount("devpts", a[0], "devpts", 0, strings.Join(a[1:], ",")); err != nil {
			return errno(err)
		}
		return k.number(a[0])
	case "fsmount":
		f, err := kpts.Mount("", strings.Join(a[1:], ","))
		if err != nil {
			return err
		}
		defer f.Close()
		conn, err := f.SyscallConn()
		if err != nil {
			return err
		}
		root := -1
		_ = conn.Control(func(fd uintptr) { root, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
		if err != nil {
			return err
		}
		k.hold(a[0], root)
		return k.numberOf(k.held[a[0]], "/nowhere")
	case "bind":
		return errno(unix.Mount(a[0], a[1], "", unix.MS_BIND, ""))
	case "umount":
		return errno(unix.Unmount(a[0], 0))
	case "umount-l":
		return errno(unix.Unmount(a[0], unix.MNT_DETACH))
	case "nodev":
		return errno(unix.Mount("", a[0], "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NODEV, ""))
	case "nosymfollow":
		return errno(unix.Mount("", a[0], "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOSYMFOLLOW, ""))
	case "dev":
		return errno(unix.Mount("", a[0], "", unix.MS_REMOUNT|unix.MS_BIND, ""))
	case "unshare":
		fd, err := k.keepNamespace()
		if err != nil {
			return err
		}
		k.before = fd
		return errno(unix.Unshare(unix.CLONE_NEWNS))
	case "back":
		if k.before < 0 {
			return pts.EINVAL
		}
		if _, err := k.keepNamespace(); err != nil {
			return err
		}
		return errno(unix.Setns(k.before, unix.CLONE_NEWNS))
	case "chroot":
		if err := unix.Chroot(a[0]); err != nil {
			return errno(err)
		}
		return errno(unix.Chdir("/"))
	case "cd":
		if name, ok := strings.CutPrefix(a[0], "@"); ok {
			return errno(unix.Fchdir(k.held[name]))
		}
		return errno(unix.Chdir(a[0]))
	case "hold":
		fd, err := unix.Open(a[1], unix.O_PATH|unix.O_CLOEXEC, 0)
		if err == nil {
			k.hold(a[0], fd)
		}
		return errno(err)
	}
	panic(op)
}

// errno is err as ours.
func errno(err error) error {
	var n syscall.Errno
	if errors.As(err, &n) {
		return pts.Errno(n)
	}
	return err
}

// readlink tells what /proc says that fd is, also where no /proc is mounted.
func (k *kernel) readlink(fd int) (string, error) {
	b := make([]byte, 4096)
	n, err := unix.Readlinkat(k.proc, strconv.Itoa(fd), b)
	return string(b[:max(n, 0)]), err
}

// keepNamespace holds the mount namespace that is to be left: the mounts of one that nobody
// is in go, also for who holds one of them.
func (k *kernel) keepNamespace() (int, error) {
	fd, err := unix.Openat(k.proc, "../ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	k.hold(fmt.Sprint("namespace ", len(k.held)), fd)
	return fd, nil
}

// number gives the instance that was mounted at path a number.
func (k *kernel) number(path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		// The mount covers what led to it. Its device number may have been another's.
		k.at[len(k.at)+1] = path
		clear(k.inst)
		return nil
	}
	defer unix.Close(fd)
	return k.numberOf(fd, path)
}

func (k *kernel) numberOf(root int, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(root, &st); err != nil {
		return err
	}
	n := len(k.at) + 1
	k.at[n] = path
	if st.Ino == 1 && st.Rdev == 0 { // the root of the devpts, which a root directory covers
		k.inst[st.Dev] = n
	}
	return nil
}

// TestLayoutsOnTheKernel has the kernel say what the scripts say.
func TestLayoutsOnTheKernel(t *testing.T) {
	for _, l := range layouts() {
		t.Run(l.name, func(t *testing.T) {
			for _, wrong := range onKernel(t, func(k *kernel) []string { return run(l.script, k) }) {
				t.Error(wrong)
			}
		})
	}
}

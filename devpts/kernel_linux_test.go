package devpts

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// inKernel runs a scenario on the kernel: on a thread with a mount namespace of its
// own, which is thrown away with everything mounted in it. It returns what the scenario
// says.
func inKernel(t *testing.T, scenario func(s *stage)) string {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal("missing: root")
		}
		t.Skip("missing: root")
	}
	k := &kernel{dir: t.TempDir()}
	for _, dir := range []string{k.dir, filepath.Dir(k.dir)} { // others search it too
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &stage{t: t, w: k}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Errorf("making mounts private: %v", err)
			return
		}
		defer k.close()
		scenario(s)
	}()
	<-done
	return s.b.String()
}

// kernel is the real one.
type kernel struct {
	dir   string
	n     int
	files []*kernelFile
}

func (k *kernel) close() {
	for _, f := range k.files {
		_ = unix.Close(f.fd) // the scenario may have
	}
}

func (k *kernel) place() (string, error) {
	k.n++
	dir := filepath.Join(k.dir, fmt.Sprint(k.n))
	return dir, os.Mkdir(dir, 0o755)
}

func (k *kernel) mount(data string) (mounted, error) {
	dir, err := k.place()
	if err != nil {
		return nil, err
	}
	return &kernelMount{k, dir}, unix.Mount("devpts", dir, "devpts", 0, data)
}

type kernelMount struct {
	k   *kernel
	dir string
}

func (m *kernelMount) path(name string) string { return filepath.Join(m.dir, name) }

func (m *kernelMount) options() string {
	data, err := os.ReadFile("/proc/thread-self/mounts")
	if err != nil {
		return err.Error()
	}
	shown := ""
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); f[1] == m.dir {
			shown = f[3]
		}
	}
	return shown
}

func (m *kernelMount) remount(data string) error {
	return unix.Mount("devpts", m.dir, "devpts", unix.MS_REMOUNT, data)
}

func (m *kernelMount) bind() (mounted, error) {
	dir, err := m.k.place()
	if err != nil {
		return nil, err
	}
	return &kernelMount{m.k, dir}, unix.Mount(m.dir, dir, "", unix.MS_BIND, "")
}

func (m *kernelMount) umount(lazy bool) error {
	if lazy {
		return unix.Unmount(m.dir, unix.MNT_DETACH)
	}
	return unix.Unmount(m.dir, 0)
}

func (m *kernelMount) stat(name string) (Stat, error) {
	var st unix.Stat_t
	if err := unix.Lstat(m.path(name), &st); err != nil {
		return Stat{}, err
	}
	return Stat{Ino: st.Ino, Mode: st.Mode, Nlink: uint32(st.Nlink), UID: int(st.Uid), GID: int(st.Gid), Rdev: uint64(st.Rdev),
		Atime: time.Unix(st.Atim.Unix()), Mtime: time.Unix(st.Mtim.Unix()), Ctime: time.Unix(st.Ctim.Unix())}, nil
}

func (m *kernelMount) names() string {
	d, err := os.Open(m.dir)
	if err != nil {
		return errno(err)
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	return strings.Join(names, " ")
}

func (m *kernelMount) statfs() Statfs {
	var st unix.Statfs_t
	_ = unix.Statfs(m.dir, &st) // zeroes differ
	return Statfs{Type: uint32(st.Type), BlockSize: int(st.Bsize), NameLen: int(st.Namelen)}
}

// as runs f with the person's file system ids.
func as(c *person, f func() error) error {
	if c == nil {
		return f()
	}
	_ = unix.Setfsgid(c.gid)
	_ = unix.Setfsuid(c.uid)
	defer func() {
		_ = unix.Setfsuid(0)
		_ = unix.Setfsgid(0)
	}()
	return f()
}

func (m *kernelMount) open(c *person, name string, flags int) (*kernelFile, error) {
	f := &kernelFile{k: m.k, n: -1}
	err := as(c, func() (err error) {
		f.fd, err = unix.Open(m.path(name), flags|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	m.k.files = append(m.k.files, f)
	return f, nil
}

func (m *kernelMount) ptmx(c *person, flags int) (file, error) {
	f, err := m.open(c, "ptmx", flags)
	if err != nil {
		return nil, err
	}
	f.n, err = unix.IoctlGetInt(f.fd, unix.TIOCGPTN)
	return f, err
}

func (m *kernelMount) pts(c *person, index, flags int) (file, error) {
	f, err := m.open(c, fmt.Sprint(index), flags)
	if err != nil {
		return nil, err
	}
	f.n = index
	return f, nil
}

func (m *kernelMount) refused(c *person, op Op, name string) error {
	path := m.path(name)
	return as(c, func() error {
		switch op {
		case Create:
			_, err := unix.Open(path, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, 0o600)
			return err
		case Mkdir:
			return unix.Mkdir(path, 0o700)
		case Symlink:
			return unix.Symlink("x", path)
		case Link:
			return unix.Link(m.path("ptmx"), path)
		case Unlink:
			return unix.Unlink(path)
		case Rmdir:
			return unix.Rmdir(path)
		}
		return unix.Rename(path, m.path("other"))
	})
}

func (m *kernelMount) mknod(c *person, name string, mode uint32, rdev uint64) error {
	return as(c, func() error { return unix.Mknod(m.path(name), mode, int(rdev)) })
}

func (m *kernelMount) chmod(c *person, name string, mode uint32) error {
	return as(c, func() error { return unix.Chmod(m.path(name), mode) })
}

func (m *kernelMount) chown(c *person, name string, uid, gid int) error {
	return as(c, func() error { return unix.Chown(m.path(name), uid, gid) })
}

func (m *kernelMount) utimens(c *person, name string, atime, mtime time.Time) error {
	ts := []unix.Timespec{spec(atime), spec(mtime)}
	return as(c, func() error { return unix.UtimesNanoAt(unix.AT_FDCWD, m.path(name), ts, 0) })
}

func (m *kernelMount) touch(c *person, name string) error {
	return as(c, func() error { return unix.UtimesNanoAt(unix.AT_FDCWD, m.path(name), nil, 0) })
}

func spec(at time.Time) unix.Timespec {
	if at.IsZero() {
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	}
	return unix.NsecToTimespec(at.UnixNano())
}

func (m *kernelMount) truncate(name string) error { return unix.Truncate(m.path(name), 0) }

func (m *kernelMount) setxattr(name, attr string) error {
	return unix.Setxattr(m.path(name), attr, []byte("x"), 0)
}

func (m *kernelMount) flags(f pts.MountFlags) error {
	return unix.MountSetattr(unix.AT_FDCWD, m.dir, 0, &unix.MountAttr{Attr_set: uint64(f), Attr_clr: unix.MOUNT_ATTR__ATIME | 0x20008f})
}

func (m *kernelMount) hold(name string) (held, error) {
	fd, err := unix.Open(m.path(name), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := &kernelFile{k: m.k, fd: fd}
	m.k.files = append(m.k.files, f)
	return f, nil
}

type kernelFile struct {
	k     *kernel
	fd, n int
}

func (f *kernelFile) index() int { return f.n }

func (f *kernelFile) lock(on bool) {
	n := 0
	if on {
		n = 1
	}
	if err := unix.IoctlSetPointerInt(f.fd, unix.TIOCSPTLCK, n); err != nil {
		f.k.close()
		panic(err)
	}
}

// read waits: what was written may be on its way.
func (f *kernelFile) read() (string, error) {
	b := make([]byte, 4096)
	n, err := unix.Read(f.fd, b)
	return string(b[:max(n, 0)]), err
}

func (f *kernelFile) write(s string) error {
	_, err := unix.Write(f.fd, []byte(s))
	return err
}

func (f *kernelFile) peer(flags int) (file, error) {
	fd, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(f.fd), unix.TIOCGPTPEER, uintptr(flags|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC))
	if e != 0 {
		return nil, e
	}
	p := &kernelFile{k: f.k, fd: int(fd), n: f.n}
	f.k.files = append(f.k.files, p)
	return p, nil
}

func (f *kernelFile) open() error {
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", f.fd), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Close(fd)
	}
	return err
}

func (f *kernelFile) nlink() uint32 {
	var st unix.Stat_t
	_ = unix.Fstat(f.fd, &st) // zeroes differ
	return uint32(st.Nlink)
}

func (f *kernelFile) close() {
	_ = unix.Close(f.fd)
	f.fd = -1
}

// TestAsTheKernel holds each scenario with the kernel and with ours.
func TestAsTheKernel(t *testing.T) {
	for _, x := range scenarios {
		t.Run(x.name, func(t *testing.T) {
			want := inKernel(t, x.run)
			s := &stage{t: t, w: ours{NewSystem(Config{})}}
			x.run(s)
			if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(s.b.String(), "\n")); d != "" {
				t.Errorf("the kernel -, ours +:\n%s", d)
			}
		})
	}
}

//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fsmount"
)

const (
	devDir  = "/dev"
	ptsDir  = "/dev/pts"
	ptmxDev = "/dev/ptmx"
)

// prepareDev sees to it that /dev has the devices that programs take for granted,
// a directory pts, and a ptmx that can be redirected as asked. The parent's /dev is
// never changed: where it does not do, it is covered by a private one.
func prepareDev(cfg Config, old *os.File) error {
	if cfg.Root != "" && !isDevice(filepath.Join(devDir, "null")) {
		return makeDev(cfg.Ptmx, old)
	}
	if cfg.Root != "" {
		_ = ensureDir(ptsDir, 0o755) // where that does not work, a private /dev does
	}
	if st, err := os.Stat(ptsDir); err != nil || !st.IsDir() {
		return copyDev(cfg.Ptmx)
	}
	if linksToPtmx() {
		return nil
	}
	if _, err := os.Stat(ptmxDev); err != nil || cfg.Ptmx == Symlink {
		return copyDev(cfg.Ptmx)
	}
	return nil
}

// linksToPtmx tells whether /dev/ptmx is the symlink that needs no redirection.
func linksToPtmx() bool {
	target, err := os.Readlink(ptmxDev)
	return err == nil && (target == "pts/ptmx" || target == ptsDir+"/ptmx")
}

func isDevice(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// makeDev mounts a small /dev with devices from the old root, for a root directory
// that has none.
func makeDev(ptmx Ptmx, old *os.File) error {
	if err := ensureDir(devDir, 0o755); err != nil {
		return err
	}
	if err := mountDev(ptmx); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		err := bindDevice(int(old.Fd()), filepath.Join("dev", name), filepath.Join(devDir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2",
	} {
		if err := os.Symlink(target, filepath.Join(devDir, name)); err != nil {
			return err
		}
	}
	shm := filepath.Join(devDir, "shm")
	if err := os.Mkdir(shm, 0o755); err != nil {
		return err
	}
	return mountAt(shm, "tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV, "source=shm", "size=64m", "mode=1777")
}

// mountDev mounts an empty /dev with the directory pts and a ptmx: the symlink, or a
// file for the redirection to be mounted on.
func mountDev(ptmx Ptmx) error {
	if err := mountAt(devDir, "tmpfs", unix.MOUNT_ATTR_NOSUID, "source=ptsns-dev", "size=1m", "mode=755"); err != nil {
		return err
	}
	if err := ensureDir(ptsDir, 0o755); err != nil {
		return err
	}
	if ptmx == Symlink {
		return os.Symlink("pts/ptmx", ptmxDev)
	}
	return makeFile(ptmxDev)
}

// makeFile makes an empty file to mount on.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func bindDevice(dir int, source, target string) error {
	m, err := cloneMount(dir, source, 0)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := makeFile(target); err != nil {
		return err
	}
	return fsmount.Attach(m, target)
}

// copyDev covers /dev with a private one that has everything the old one has, but
// for pts and ptmx. Directories stay the old ones and show what changes in them.
func copyDev(ptmx Ptmx) error {
	old, err := os.Open(devDir)
	if err != nil {
		return err
	}
	defer old.Close()
	names, err := old.Readdirnames(-1)
	if err != nil {
		return err
	}
	if err := mountDev(ptmx); err != nil {
		return err
	}
	sort.Strings(names)
	for _, name := range names {
		if name == "pts" || name == "ptmx" {
			continue
		}
		if err := copyEntry(int(old.Fd()), name); err != nil {
			return fmt.Errorf("copying %q of /dev: %w", name, err)
		}
	}
	return nil
}

// copyEntry makes name of the directory old in /dev.
func copyEntry(old int, name string) error {
	path := filepath.Join(devDir, name)
	var st unix.Stat_t
	err := unix.Fstatat(old, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone by now
	}
	if err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		target, err := readlinkAt(old, name)
		if err != nil {
			return err
		}
		return os.Symlink(target, path)
	case unix.S_IFDIR:
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		return bindFrom(old, name, path, unix.AT_RECURSIVE)
	case unix.S_IFCHR, unix.S_IFBLK:
		err := unix.Mknod(path, st.Mode&unix.S_IFMT, int(st.Rdev))
		if err == nil {
			return own(path, &st)
		}
		// Not allowed in a user namespace, and where a container forbids it.
		if !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	return bindDevice(old, name, path)
}

// own gives path the owner and mode in st.
func own(path string, st *unix.Stat_t) error {
	if err := unix.Chown(path, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	return unix.Chmod(path, st.Mode&0o7777)
}

func readlinkAt(dir int, name string) (string, error) {
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, b)
	if err != nil {
		return "", err
	}
	return string(b[:n]), nil
}

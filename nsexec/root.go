//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fsmount"
)

// resolveRoot makes Root absolute and free of symlinks, and empty when it is the root
// that there is.
func (c *Config) resolveRoot() error {
	if c.Root == "" {
		return nil
	}
	abs, err := filepath.Abs(c.Root)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return fmt.Errorf("root directory %q: %w", c.Root, bare(err))
	}
	if c.Root = abs; abs == "/" {
		c.Root = ""
	}
	return nil
}

// enterRoot makes dir the root of this mount namespace and returns the old root,
// which stays mounted until leaveRoot so that things can be taken from it. An empty
// dir changes nothing: old and new root are the same.
func enterRoot(dir string) (old *os.File, err error) {
	old, err = openPath("/")
	if err != nil || dir == "" {
		return old, err
	}
	if err := pivot(dir); err != nil {
		_ = old.Close() // not needed
		return nil, fmt.Errorf("root directory %q: %w", dir, err)
	}
	return old, nil
}

// pivot mounts dir over itself and makes it /. The old root is then a mount on top
// of it that lookups do not enter.
func pivot(dir string) error {
	if st, err := os.Stat(dir); err != nil {
		return bare(err)
	} else if !st.IsDir() {
		return unix.ENOTDIR
	}
	if err := bindFrom(unix.AT_FDCWD, dir, dir, unix.AT_RECURSIVE); err != nil {
		return err
	}
	if err := os.Chdir(dir); err != nil {
		return bare(err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	return os.Chdir("/")
}

// leaveRoot unmounts what enterRoot returned, unless it is still the root.
func leaveRoot(old *os.File, dir string) error {
	defer old.Close()
	if dir == "" {
		return nil
	}
	if err := old.Chdir(); err != nil {
		return fmt.Errorf("leaving the old root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting the old root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("leaving the old root: %w", err)
	}
	return nil
}

// ensureProc makes /proc one that knows this process, taking the old root's where
// the new root has none.
func ensureProc(old *os.File) error {
	if self, err := os.Readlink("/proc/self"); err == nil && self == strconv.Itoa(os.Getpid()) {
		return nil
	}
	if err := ensureDir("/proc", 0o555); err != nil {
		return err
	}
	return bindFrom(int(old.Fd()), "proc", "/proc", unix.AT_RECURSIVE)
}

// mountProc puts a /proc of this process's pid namespace in the place of the one
// that is there. That one is unmounted where it can be: only then is it gone for a
// root inside too. It must go second, because a user namespace may mount a /proc
// only while it sees one.
func mountProc() error {
	proc, err := fsmount.New("proc", inert, "source=proc")
	if err != nil {
		return err
	}
	defer proc.Close()
	for unix.Unmount("/proc", unix.MNT_DETACH) == nil {
	}
	return fsmount.Attach(proc, "/proc")
}

// ensureDir makes the directory path unless it is there.
func ensureDir(path string, mode os.FileMode) error {
	st, err := os.Stat(path)
	if err == nil && !st.IsDir() {
		return fmt.Errorf("%q: %w", path, unix.ENOTDIR)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Mkdir(path, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask is
}

// openPath opens path only to name it.
func openPath(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// bare is the error in err without the operation and the path, for a message that
// names the path already.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

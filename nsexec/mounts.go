//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fsmount"
)

// Attributes of mounts that hold nothing but what we put there.
const (
	inert     = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	inertOnly = inert | unix.MOUNT_ATTR_RDONLY
)

// mountAt makes a file system and attaches it at path.
func mountAt(path, fstype string, attrs int, params ...string) error {
	m, err := fsmount.New(fstype, attrs, params...)
	if err != nil {
		return err
	}
	defer m.Close()
	return fsmount.Attach(m, path)
}

// cloneMount returns a detached copy of the mount at path in dir, from path
// downwards. flags may have AT_RECURSIVE and AT_EMPTY_PATH.
func cloneMount(dir int, path string, flags uint) (*os.File, error) {
	fd, err := unix.OpenTree(dir, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|flags)
	if err != nil {
		return nil, fmt.Errorf("cloning the mount of %q: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// cloneOf returns a detached copy of an attached mount.
func cloneOf(m *os.File, flags uint) (*os.File, error) {
	c, err := cloneMount(int(m.Fd()), "", unix.AT_EMPTY_PATH|flags)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name(), err)
	}
	return c, nil
}

// bindFrom mounts what is at source in dir over target.
func bindFrom(dir int, source, target string, flags uint) error {
	m, err := cloneMount(dir, source, flags)
	if err != nil {
		return err
	}
	defer m.Close()
	return fsmount.Attach(m, target)
}

// makePrivate cuts this mount namespace off from the one it was copied from.
func makePrivate(cfg Config) error {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	switch {
	case err == nil:
		return nil
	case cfg.UserNS && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)):
		// A security module allows the namespace and then denies what it is for.
		return fmt.Errorf("user namespaces are not available: mounting is not allowed in them: %w", err)
	}
	return fmt.Errorf("making mounts private: %w", err)
}

// cover hides the directory or file at path for good: a directory under an empty
// read-only one, anything else under /dev/null.
func cover(path string, dir bool) error {
	if dir {
		return mountAt(path, "tmpfs", inertOnly, "source=ptsns-cover", "size=4k", "mode=755")
	}
	return bindFrom(unix.AT_FDCWD, os.DevNull, path, 0)
}

// hideDevpts takes every devpts mount out of this mount namespace, or covers it
// where it is locked. What other mounts cover already is left alone.
func hideDevpts() error {
	settled := map[int]bool{}
	for {
		mounts, err := readMounts()
		if err != nil {
			return err
		}
		again := false
		for i := len(mounts) - 1; i >= 0; i-- {
			m := mounts[i]
			if m.fstype != "devpts" || settled[m.id] {
				continue
			}
			top, dir := m.onTop()
			if !top {
				continue
			}
			again = true // what is below may be on top now
			if unix.Unmount(m.point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) == nil {
				continue
			}
			err := cover(m.point, dir)
			if errors.Is(err, fs.ErrNotExist) {
				continue // another namespace has ended, and removed what this was mounted on
			}
			if err != nil {
				return fmt.Errorf("covering %q: %w", m.point, err)
			}
			settled[m.id] = true
		}
		if !again {
			return nil
		}
	}
}

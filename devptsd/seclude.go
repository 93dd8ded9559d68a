//go:build linux

package devptsd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Seclude leaves this process, which must have a mount namespace of its own with private
// mounts, with /proc and the directory runtime alone. Without that a server would keep
// busy what was mounted when it started, and a mount that it serves would never end with
// the mount namespace it is in. scratch is an empty-looking directory in runtime that may
// be mounted over. After an error all is as it was.
func Seclude(runtime, scratch string) (err error) {
	if err := unix.Mount("ptsns", scratch, "tmpfs", 0, "mode=0755,size=64k"); err != nil {
		return fmt.Errorf("an own root: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unix.Unmount(scratch, unix.MNT_DETACH))
		}
	}()
	for _, dir := range []string{"/proc", runtime} {
		if err := bind(dir, filepath.Join(scratch, dir)); err != nil {
			return fmt.Errorf("%s in an own root: %w", dir, err)
		}
	}
	root, err := unix.Open(scratch, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("an own root: %w", err)
	}
	defer unix.Close(root)
	old, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := unix.Fchdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return errors.Join(fmt.Errorf("pivot_root: %w", err), os.Chdir(old))
	}
	// The old root lies over the new one, where only "." finds it.
	return errors.Join(unix.Unmount(".", unix.MNT_DETACH), os.Chdir("/"))
}

// bind mounts dir at a directory that it makes, without the mounts below it where that is
// allowed: those that a user namespace got from above stay together.
func bind(dir, at string) error {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	err := unix.Mount(dir, at, "", unix.MS_BIND, "")
	if err == unix.EINVAL {
		err = unix.Mount(dir, at, "", unix.MS_BIND|unix.MS_REC, "")
	}
	return err
}

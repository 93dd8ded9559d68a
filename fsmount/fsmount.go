//go:build linux

// Package fsmount makes mounts that are attached nowhere yet: file systems from their
// parameters, and what mount(8) itself makes of a string of options. It has no lock and
// no goroutine.
package fsmount

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// New makes a file system and returns its mount, which is attached nowhere: closing the
// file unmounts it. attrs are MOUNT_ATTR_ bits. A parameter is "key" or "key=value".
func New(fstype string, attrs int, params ...string) (*os.File, error) {
	fs, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("opening the file system %s: %w", fstype, err)
	}
	defer unix.Close(fs)
	for _, p := range params {
		key, value, hasValue := strings.Cut(p, "=")
		if hasValue {
			err = unix.FsconfigSetString(fs, key, value)
		} else {
			err = unix.FsconfigSetFlag(fs, key)
		}
		if err != nil {
			return nil, fmt.Errorf("making %s with %q: %w", fstype, p, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, fmt.Errorf("making %s: %w", fstype, err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attrs)
	if err != nil {
		return nil, fmt.Errorf("mounting %s: %w", fstype, err)
	}
	return os.NewFile(uintptr(fd), fstype), nil
}

// Attach puts a detached mount, as New and open_tree(2) return them, at path. A
// symlink at path is followed.
func Attach(mount *os.File, path string) error {
	conn, err := mount.SyscallConn()
	if err != nil {
		return fmt.Errorf("attaching a mount at %q: %w", path, err)
	}
	cerr := conn.Control(func(fd uintptr) {
		err = unix.MoveMount(int(fd), "", unix.AT_FDCWD, path,
			unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	})
	if err := errors.Join(cerr, err); err != nil {
		return fmt.Errorf("attaching a mount at %q: %w", path, err)
	}
	return nil
}

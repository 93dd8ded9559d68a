//go:build linux

package kpts

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// MountError is the kernel's refusal of one item of an option string.
type MountError = pts.OptionError

// Mount makes a new devpts instance in the caller's user namespace and returns its
// mount, which is attached nowhere: closing the file unmounts it, fsmount.Attach
// gives it a place. source is what /proc/mounts will show as its device, "devpts" when empty.
//
// The options are those of `mount -t devpts -o`: what mount(8) itself interprets
// means the same here, everything else is passed to the kernel item by item and
// has the kernel's meaning. A refused item is a *MountError.
func Mount(source, options string) (*os.File, error) {
	fs, err := unix.Fsopen("devpts", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("opening the devpts file system: %w", err)
	}
	defer unix.Close(fs)
	if source == "" {
		source = "devpts"
	}
	if err := unix.FsconfigSetString(fs, "source", source); err != nil {
		return nil, fmt.Errorf("naming the devpts source %q: %w", source, err)
	}
	attrs, err := configure(fs, options)
	if err != nil {
		return nil, err
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, fmt.Errorf("making a devpts instance: %w", err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attrs)
	if err != nil {
		return nil, fmt.Errorf("mounting a devpts instance: %w", err)
	}
	return os.NewFile(uintptr(fd), "devpts"), nil
}

// configure gives fs every item of options that is for it and returns the MOUNT_ATTR_
// bits of the mount to make. As in the kernel's own splitting of a mount string, empty
// items and items without a key are skipped.
func configure(fs int, options string) (attrs int, err error) {
	flags, data := pts.SplitOptions(options)
	for item := range strings.SplitSeq(data, ",") {
		if item == "" || item[0] == '=' {
			continue
		}
		if err := configureItem(fs, item); err != nil {
			return 0, &MountError{Option: item, Err: err}
		}
	}
	return int(flags), nil
}

// configureItem gives fs one item of its own: a flag, or a key and its value.
func configureItem(fs int, item string) error {
	if strings.IndexByte(item, 0) >= 0 {
		return syscall.EINVAL
	}
	key, value, hasValue := strings.Cut(item, "=")
	if !hasValue {
		return unix.FsconfigSetFlag(fs, key)
	}
	return unix.FsconfigSetString(fs, key, value)
}

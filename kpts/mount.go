//go:build linux

package kpts

import (
	"errors"
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
// mount, which is attached nowhere: closing the file unmounts it, Attach gives it a
// place. source is what /proc/mounts will show as its device, "devpts" when empty.
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

// Attach puts a detached mount, as Mount and open_tree(2) return them, at path. A
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

// genericOption is an option that mount(8) turns into mount flags before a file
// system sees it.
type genericOption struct {
	set, clear int    // MOUNT_ATTR_ bits
	super      string // the flag of the superblock it sets; "" is none
}

var genericOptions = map[string]genericOption{
	"ro":            {set: unix.MOUNT_ATTR_RDONLY, super: "ro"},
	"rw":            {clear: unix.MOUNT_ATTR_RDONLY, super: "rw"},
	"nosuid":        {set: unix.MOUNT_ATTR_NOSUID},
	"suid":          {clear: unix.MOUNT_ATTR_NOSUID},
	"nodev":         {set: unix.MOUNT_ATTR_NODEV},
	"dev":           {clear: unix.MOUNT_ATTR_NODEV},
	"noexec":        {set: unix.MOUNT_ATTR_NOEXEC},
	"exec":          {clear: unix.MOUNT_ATTR_NOEXEC},
	"noatime":       {set: unix.MOUNT_ATTR_NOATIME},
	"atime":         {clear: unix.MOUNT_ATTR_NOATIME},
	"relatime":      {}, // the default
	"norelatime":    {},
	"strictatime":   {set: unix.MOUNT_ATTR_STRICTATIME},
	"nostrictatime": {clear: unix.MOUNT_ATTR_STRICTATIME},
	"nodiratime":    {set: unix.MOUNT_ATTR_NODIRATIME},
	"diratime":      {clear: unix.MOUNT_ATTR_NODIRATIME},
	"nosymfollow":   {set: unix.MOUNT_ATTR_NOSYMFOLLOW},
	"symfollow":     {clear: unix.MOUNT_ATTR_NOSYMFOLLOW},
	"sync":          {super: "sync"},
	"async":         {super: "async"},
	"dirsync":       {super: "dirsync"},
	"lazytime":      {super: "lazytime"},
	"nolazytime":    {super: "nolazytime"},
	"mand":          {super: "mand"},
	"nomand":        {super: "nomand"},
	// Words for fstab, which mount(8) keeps to itself.
	"defaults": {}, "auto": {}, "noauto": {}, "nofail": {}, "_netdev": {}, "silent": {}, "loud": {},
}

// configure gives fs every item of options and returns the MOUNT_ATTR_ bits of the
// mount to make. As in the kernel's own splitting of a mount string, empty items
// and items without a key are skipped.
func configure(fs int, options string) (attrs int, err error) {
	for item := range strings.SplitSeq(options, ",") {
		if item == "" || item[0] == '=' {
			continue
		}
		if g, ok := genericOptions[item]; ok {
			attrs = attrs&^g.clear | g.set
			if g.super == "" {
				continue
			}
			if err := unix.FsconfigSetFlag(fs, g.super); err != nil {
				return 0, &MountError{Option: item, Err: err}
			}
			continue
		}
		if err := configureItem(fs, item); err != nil {
			return 0, &MountError{Option: item, Err: err}
		}
	}
	if attrs&unix.MOUNT_ATTR_STRICTATIME != 0 {
		attrs &^= unix.MOUNT_ATTR_NOATIME // as in mount(2), whatever came last
	}
	return attrs, nil
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

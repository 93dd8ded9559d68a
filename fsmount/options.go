//go:build linux

package fsmount

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// Options are what a string of mount options comes to.
type Options struct {
	Attrs int      // MOUNT_ATTR_ bits of the mount
	Super []string // flags of the superblock, as fsconfig(2) takes them, in order
	Rest  []string // items that are the file system's own, in order
}

// superWords are the options that are flags of the superblock; the rest of what mount(8)
// knows is in package pts.
var superWords = map[string]bool{"ro": true, "rw": true, "sync": true, "async": true, "dirsync": true,
	"lazytime": true, "nolazytime": true, "mand": true, "nomand": true}

// comments are how items begin that mean something to others who read fstab.
var comments = []string{"x-", "X-", "comment=", "user="}

// Split sorts the items of options. As in the kernel's own splitting of a mount string,
// empty items and items without a key are skipped.
func Split(options string) Options {
	flags, data := pts.SplitOptions(options)
	o := Options{Attrs: int(flags)}
	for item := range strings.SplitSeq(data, ",") {
		switch {
		case item == "" || item[0] == '=' || slices.ContainsFunc(comments, func(c string) bool { return strings.HasPrefix(item, c) }):
		case superWords[item]:
			o.Super = append(o.Super, item)
		default:
			o.Rest = append(o.Rest, item)
		}
	}
	return o
}

// flags are the bits of mount(2) for what Options have.
var (
	attrFlags = map[int]uintptr{
		unix.MOUNT_ATTR_RDONLY: unix.MS_RDONLY, unix.MOUNT_ATTR_NOSUID: unix.MS_NOSUID, unix.MOUNT_ATTR_NODEV: unix.MS_NODEV,
		unix.MOUNT_ATTR_NOEXEC: unix.MS_NOEXEC, unix.MOUNT_ATTR_NOATIME: unix.MS_NOATIME, unix.MOUNT_ATTR_STRICTATIME: unix.MS_STRICTATIME,
		unix.MOUNT_ATTR_NODIRATIME: unix.MS_NODIRATIME, unix.MOUNT_ATTR_NOSYMFOLLOW: unix.MS_NOSYMFOLLOW,
	}
	superFlags = map[string]uintptr{"sync": unix.MS_SYNCHRONOUS, "dirsync": unix.MS_DIRSYNC, "lazytime": unix.MS_LAZYTIME, "mand": unix.MS_MANDLOCK}
)

// Remount gives the mount at path, and its file system, the flags of o and no others. The
// file system's own options are not touched.
func Remount(path string, o Options) error {
	flags := uintptr(unix.MS_REMOUNT)
	for attr, flag := range attrFlags {
		if o.Attrs&attr != 0 {
			flags |= flag
		}
	}
	for _, name := range o.Super {
		off := strings.TrimPrefix(strings.Replace(name, "async", "nosync", 1), "no")
		flags = flags&^superFlags[off] | superFlags[name]
	}
	if err := unix.Mount("", path, "", flags, ""); err != nil {
		return &os.PathError{Op: "remount", Path: path, Err: err}
	}
	return nil
}

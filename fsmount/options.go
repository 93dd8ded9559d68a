//go:build linux

package fsmount

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Options are what a string of mount options comes to.
type Options struct {
	Attrs int      // MOUNT_ATTR_ bits of the mount
	Super []string // flags of the superblock, as fsconfig(2) takes them, in order
	Rest  []string // items that are the file system's own, in order
}

// generic is an option that mount(8) turns into mount flags before a file system sees
// it.
type generic struct {
	set, clear int    // MOUNT_ATTR_ bits
	super      string // the flag of the superblock it sets; "" is none
}

var generics = map[string]generic{
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
	"user": {}, "nouser": {}, "users": {}, "nousers": {}, "owner": {}, "noowner": {}, "group": {}, "nogroup": {},
}

// comments are how items begin that mean something to others who read fstab.
var comments = []string{"x-", "X-", "comment=", "user="}

// Split sorts the items of options. As in the kernel's own splitting of a mount string,
// empty items and items without a key are skipped.
func Split(options string) Options {
	var o Options
	for item := range strings.SplitSeq(options, ",") {
		if item == "" || item[0] == '=' || slices.ContainsFunc(comments, func(c string) bool { return strings.HasPrefix(item, c) }) {
			continue
		}
		g, ok := generics[item]
		if !ok {
			o.Rest = append(o.Rest, item)
			continue
		}
		o.Attrs = o.Attrs&^g.clear | g.set
		if g.super != "" {
			o.Super = append(o.Super, g.super)
		}
	}
	if o.Attrs&unix.MOUNT_ATTR_STRICTATIME != 0 {
		o.Attrs &^= unix.MOUNT_ATTR_NOATIME // as in mount(2), whatever came last
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

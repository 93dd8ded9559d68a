//go:build linux

package fusefs

import (
	"fmt"
	"slices"
)

// virtualDifferences is what the scenarios see on virtual terminals, all of which are
// shown through FUSE, and not on the kernel's.
var virtualDifferences = slices.Concat(fuseDifferences, ptsIoctlDifferences(), []difference{
	{"nodes", "type 20000 device 8800", "type 100000 device 0", regular},
	{"nodes with gid", "type 20000 device 8800", "type 100000 device 0", regular},
	{"nodes with uid and gid", "type 20000 device 8800", "type 100000 device 0", regular},
	{"directory", "file system 1cd1", "file system 65735546", "FUSE says its own number"},
	{"directory changes", "mknod of a device by nobody: EACCES", "mknod of a device by nobody: EPERM", checksFirst},
	{"directory changes", "rmdir by nobody: EACCES", "rmdir by nobody: ENOTDIR", checksFirst},
	{"controlling by openat2", "its terminal after 2: ok, its session true", "its terminal after 2: ENXIO",
		"FUSE keeps O_NOCTTY to itself, and the flags of openat2(2) are in the caller's memory, for which the loop must not wait"},
	{"events", "events: create 0, open 0, delete 0", "events: open ptmx, open 0, modify 0, access ptmx, modify ptmx, access 0",
		"the kernel tells of what programs do to files, and not of names that only we know of"},
	{"node of a pts", "truncate: EINVAL", "truncate: ok", "FUSE asks in the same words as for open(O_TRUNC)"},
})

const checksFirst = "without default_permissions the kernel asks us last who may write to the directory"

func ptsIoctlDifferences() []difference {
	var all []difference
	add := func(what, kernel, got, why string) {
		all = append(all, difference{"pts ioctl", what + kernel, what + got, why})
	}
	for i := range 3 {
		at := func(request string) string { return fmt.Sprintf("%s, argument %d: 0 ", request, i) }
		add(at("TIOCSPTLCK"), "ENOTTY", "EFAULT", noValue)
		add(at("TIOCSSERIAL"), "EFAULT", "ENOTTY", noAnswer)
		add(at("unknown with a size"), "ENOTTY", "EFAULT", noValue)
		add(at("FIOQSIZE"), "ENOTTY", "EFAULT", regular)
	}
	for i := range 5 {
		add(fmt.Sprintf("TIOCSIG, argument %d: 0 ", i), "ENOTTY", "EFAULT", noValue)
	}
	add("FIOASYNC on: 0 ", "ok", "ENOTTY", "FUSE has no fasync: SIGIO does not come")
	add("FIOQSIZE: 0 ", "ENOTTY", "ok", regular)
	return all
}

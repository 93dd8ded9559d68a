//go:build linux

package parent

import (
	"os"
	"strconv"
	"strings"
)

// DefaultOptions are the mount options of an instance that come before those that somebody
// asks for, who may have others: the last of a kind counts.
func DefaultOptions() string { return defaultOptions(gidMapped(ttyGroup)) }

// ttyGroup is the group tty, 5 wherever there is one to speak of.
const ttyGroup = 5

// defaultOptions are the mount options that come before those of -o. devpts
// isolates names and not capacity, so a namespace without max= could starve the
// host. A gid that is not mapped fails the mount.
func defaultOptions(withGroup bool) string {
	gid := ""
	if withGroup {
		gid = "gid=" + strconv.Itoa(ttyGroup) + ","
	}
	return "newinstance,mode=620," + gid + "ptmxmode=666,max=1024"
}

// gidMapped tells whether gid will be mapped where the instance is mounted: in
// our user namespace for root, in one that maps nothing but ourselves for others.
func gidMapped(gid uint64) bool {
	if os.Geteuid() != 0 {
		return false
	}
	table, err := os.ReadFile("/proc/self/gid_map")
	return err == nil && mapHas(string(table), gid)
}

// mapHas tells whether the table, as in /proc/PID/gid_map, maps id.
func mapHas(table string, id uint64) bool {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		first, err1 := strconv.ParseUint(f[0], 10, 32)
		count, err2 := strconv.ParseUint(f[2], 10, 32)
		if err1 == nil && err2 == nil && id >= first && id-first < count {
			return true
		}
	}
	return false
}

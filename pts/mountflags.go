package pts

import "strings"

// MountFlags are what is set of one mount, whatever file system it shows; the values are
// those of MOUNT_ATTR_*. The zero value is a mount that is writable and updates access
// times as relatime says.
type MountFlags uint32

const (
	MountReadOnly    MountFlags = 0x1
	MountNoSUID      MountFlags = 0x2
	MountNoDev       MountFlags = 0x4 // device nodes cannot be opened through it
	MountNoExec      MountFlags = 0x8
	MountNoAtime     MountFlags = 0x10
	MountStrictAtime MountFlags = 0x20
	MountNoDirAtime  MountFlags = 0x80
	MountNoSymFollow MountFlags = 0x200000
)

// mountWords are the options that mount(8) takes for flags of the mount before a file
// system sees them. data: the file system sees them too, as they are also flags of its own.
var mountWords = map[string]struct {
	set, clear MountFlags
	data       bool
}{
	"ro":     {set: MountReadOnly, data: true},
	"rw":     {clear: MountReadOnly, data: true},
	"nosuid": {set: MountNoSUID}, "suid": {clear: MountNoSUID},
	"nodev": {set: MountNoDev}, "dev": {clear: MountNoDev},
	"noexec": {set: MountNoExec}, "exec": {clear: MountNoExec},
	"noatime": {set: MountNoAtime}, "atime": {clear: MountNoAtime},
	"relatime": {}, "norelatime": {}, // the default
	"strictatime": {set: MountStrictAtime}, "nostrictatime": {clear: MountStrictAtime},
	"nodiratime": {set: MountNoDirAtime}, "diratime": {clear: MountNoDirAtime},
	"nosymfollow": {set: MountNoSymFollow}, "symfollow": {clear: MountNoSymFollow},
	// Words for fstab, which mount(8) keeps to itself.
	"defaults": {}, "auto": {}, "noauto": {}, "nofail": {}, "_netdev": {}, "silent": {}, "loud": {},
}

// SplitOptions takes the options of `mount -o` apart as mount(8) does: the flags of the
// mount, and what is left for mount(2) to give to the file system (see ParseOptions).
func SplitOptions(options string) (flags MountFlags, data string) {
	var items []string
	for item := range strings.SplitSeq(options, ",") {
		w, ours := mountWords[item]
		flags = flags&^w.clear | w.set
		if item != "" && (!ours || w.data) {
			items = append(items, item)
		}
	}
	if flags&MountStrictAtime != 0 {
		flags &^= MountNoAtime // as in mount(2), whatever came last
	}
	return flags, strings.Join(items, ",")
}

// String is what /proc/mounts shows of them, but for ro and rw: "nosuid,relatime".
func (f MountFlags) String() string {
	var words []string
	for _, w := range []struct {
		flag MountFlags
		word string
	}{{MountNoSUID, "nosuid"}, {MountNoDev, "nodev"}, {MountNoExec, "noexec"}, {MountNoAtime, "noatime"}, {MountNoDirAtime, "nodiratime"}} {
		if f&w.flag != 0 {
			words = append(words, w.word)
		}
	}
	if f&(MountNoAtime|MountStrictAtime) == 0 {
		words = append(words, "relatime")
	}
	if f&MountNoSymFollow != 0 {
		words = append(words, "nosymfollow")
	}
	return strings.Join(words, ",")
}

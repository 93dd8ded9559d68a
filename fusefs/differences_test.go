//go:build linux

package fusefs

import (
	"slices"
	"strings"
)

// fuseDifferences is what the scenarios see through FUSE, whatever is behind it, and not
// on the kernel's own terminals. Each is one line of a transcript.
var fuseDifferences = slices.Concat(
	ioctlDifferences("ioctl"),
	ioctlDifferences("ioctl as nobody"),
	[]difference{
		{"background", "TCSETS of one that handles and restarts: ok", "TCSETS of one that handles and restarts: EINTR", noRestart},
		{"background", "TCSETS of one that stops: ok", "TCSETS of one that stops: EINTR", noRestart},
		{"interrupted", `restarted: read 4 "data"`, "restarted: read EINTR", noRestart},
		{"not a file", "truncate to 0: EINVAL", "truncate to 0: ok", "FUSE asks in the same words as for open(O_TRUNC)"},
		{"not a file", "mmap private: ENODEV", "mmap private: ok", "FUSE maps any file; touching the mapping is SIGBUS"},
		{"not a file", "fgetxattr: ENODATA", "fgetxattr: ENOTSUP", noAttributes},
		{"not a file", "fsetxattr: EPERM", "fsetxattr: ENOTSUP", noAttributes},
		{"not a file", "type 20000", "type 100000", regular},
		{"not a file", "device 502", "device 0", regular},
		{"not a file", "size 0", "size 1099511631872", regular + ", and with size 0 writes would lock each other out"},
		{"copying", "splice: ok", "splice: EINVAL", noSplice},
		{"copying", "sendfile: ok", "sendfile: EINVAL", noSplice},
	})

// differences is what else they see on the kernel's terminals through the tap.
var differences = slices.Concat(fuseDifferences, []difference{
	{"no session", "TIOCSCTTY by a session leader: 0", "TIOCSCTTY by a session leader: ENOTTY", noTerminalFor},
	{"no session", "TIOCGPGRP: itself", "TIOCGPGRP: none", noTerminalFor},
	{"no session", "TIOCGSID: itself", "TIOCGSID: ENOTTY", noTerminalFor},
	{"no session", "TIOCSCTTY at the ptm: 0", "TIOCSCTTY at the ptm: ENOTTY", noTerminalFor},
	{"no session", "TIOCSCTTY 1 at the ptm: 0", "TIOCSCTTY 1 at the ptm: ENOTTY", noTerminalFor},
	{"another's session", "TIOCSCTTY 1 by root steals: 0", "TIOCSCTTY 1 by root steals: ENOTTY", noTerminalFor},
	{"own session", "TIOCSPGRP itself: ok", "TIOCSPGRP itself: ENOTTY", noGroupFor},
	{"own session", "TIOCSPGRP of nobody: ESRCH", "TIOCSPGRP of nobody: ENOTTY", noGroupFor},
	{"ptmx of a group", "one of whose groups it is opens: ok", "one of whose groups it is opens: EACCES",
		"the server opens with its opener's ids, but not with the other groups that it is in"},
	{"directory", "ptmx: inode 2 permissions 666 links 1 uid 0 gid 0 block 1024 blocks 0", "ptmx: inode 1 permissions 666 links 1 uid 0 gid 0 block 4096 blocks 0",
		"it is a mount of its own"},
})

const (
	noTerminalFor = "the server cannot give another process a controlling terminal; programs use the pts for that"
	noGroupFor    = "the server is not in the terminal's session, so it cannot set its foreground group; programs use the pts for that"
	noRestart     = "FUSE has no answer that makes the kernel restart a system call"
	noAttributes  = "a file without extended attributes at all"
	regular       = "what FUSE serves is a regular file: a device node would not lead to it"
	noSplice      = "FUSE splices through the page cache, which all terminals would share; EINVAL makes programs read instead"
	noValue       = "the number says that its argument is an address, which FUSE reads and fails on before it asks"
	noAnswer      = "not asked for the argument of a request that no pair answers"
)

func ioctlDifferences(scenario string) []difference {
	var all []difference
	add := func(kernel, tap, why string) { all = append(all, difference{scenario, kernel, tap, why}) }
	for _, line := range []string{"TIOCSIG(0): 0 EINVAL", "TIOCSIG(2): 0 ok", "TIOCSIG(3): 0 ok", "TIOCSIG(9): 0 EINVAL", "TIOCSIG(20): 0 ok"} {
		name, _, _ := strings.Cut(line, ":")
		add(line, name+": 0 EFAULT", noValue)
	}
	add("TIOCGPTPEER(258): 0 EIO", "TIOCGPTPEER(258): 0 ENOTTY", "an answer through FUSE cannot carry a descriptor; glibc then opens by name")
	for _, where := range []string{"at 1", "at null", "across the end of memory"} {
		add("TIOCSSERIAL "+where+": 0 EFAULT", "TIOCSSERIAL "+where+": 0 ENOTTY", noAnswer)
		add("unknown with a size "+where+": 0 ENOTTY", "unknown with a size "+where+": 0 EFAULT", noValue)
		add("FIOQSIZE "+where+": 0 ENOTTY", "FIOQSIZE "+where+": 0 EFAULT", regular)
	}
	add("FIOASYNC on: 0 ok 01", "FIOASYNC on: 0 ENOTTY 01", "FUSE has no fasync: SIGIO does not come through the tap")
	add("FIOQSIZE: 0 ENOTTY ", "FIOQSIZE: 0 ok ", regular)
	add("FIONREAD: 0 ok ", "FIONREAD: 0 ok 0010", regular+", whose size answers instead of us")
	return all
}

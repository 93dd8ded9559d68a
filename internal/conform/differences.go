package conform

import (
	"path"
	"slices"
)

// Difference is what a step comes to on one kind, for a reason, instead of what the file says. A
// step, a case and a result may be patterns of path.Match.
type Difference struct {
	Kind, Case string
	Step       string // as it stands in the file, with the kernel's result
	Got        string
	Why        string
	Rest       bool // what follows, up to the next mount or pair, hangs on it and is not looked at
}

// Matches tells whether m, which came in a case of a kind, is this difference.
func (d Difference) Matches(kind, name string, m Mismatch) bool {
	return d.Kind == kind && match(d.Case, name) && match(d.Step, m.Step.String()) && match(d.Got, m.Got)
}

func match(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return pattern == s || err == nil && ok
}

// Differences are all that are known. DIFFERENCES.md tells them.
var Differences = slices.Concat(kernelDifferences("kernel"), kernelDifferences("mounted"), mountedDifferences, processDifferences)

const (
	fills   = "a read of a ptm goes on until its buffer is full or little was left, to have fewer of them"
	unknown = "what no terminal answers is not asked of the kernel, which would say EIO once the end is hung up, and EINVAL without N_TTY"
	size    = "the kernel answers FIONREAD of a regular file by itself, with its size"
	reads   = "the number says that its argument is an address, which FUSE reads and fails on before it asks"
	drains  = "no request waits here: a program with both ends would wait for itself"
	nothing = "FUSE is not asked for a read or a write of nothing"
	restart = "FUSE has no answer that makes the kernel restart a system call"
	peer    = "an answer through FUSE cannot carry a descriptor; a libc opens by name instead"
)

// kernelDifferences are those of package kpts, which uses the files of both kinds.
func kernelDifferences(kind string) []Difference {
	return []Difference{
		{kind, "oracle/limits", `read ptm 20000 -> "x"*2000 "y"*2000 "z"*95`, `"x"*2000 "y"*2000 "z"*2000`, fills, false},
		{kind, "oracle/limits", `read ptm 20000 -> "z"*1905`, "EAGAIN", fills, false},
		{kind, "oracle/*", "ioctl pts 0x5499 -> EIO", "ENOTTY", unknown, false},
		{kind, "oracle/*", "ioctl pts TIOCMGET -> EIO", "ENOTTY", unknown, false},
		{kind, "oracle/disciplines", "ioctl * * -> EINVAL", "ENOTTY", unknown, false},
	}
}

var mountedDifferences = []Difference{
	{"mounted", "*", "ioctl * FIONREAD -> *", "4096", size, false},
	{"mounted", "oracle/*", "ioctl * FIONREAD -> *", "4096", size, false},
	{"mounted", "requests", "ioctl pts TIOCSIG 2 -> ENOTTY", "EFAULT", reads, false},
	{"mounted", "requests", "ioctl ptm TIOCSIG 2", "EFAULT", reads, false},
	{"mounted", "requests", "ioctl ptm TIOCSIG 9 -> EINVAL", "EFAULT", reads, false},
	{"mounted", "oracle/requests", "ioctl * TIOCSIG *", "EFAULT", reads, false},
	{"mounted", "oracle/requests", "ioctl pts TIOCSPTLCK badptr -> ENOTTY", "EFAULT", reads, false},
	{"mounted", "oracle/ptm-closed", `write pts "" -> EIO`, "0", nothing, false},
}

// processDifferences are those that processes see on a mounted instance.
var processDifferences = []Difference{
	{"processes", "oracle/*", "user: peer as *", "EACCES", peer, true},
	{"processes", "oracle/*", "*: ioctl * FIONREAD -> *", "4096", size, false},
	{"processes", "oracle/*", "ioctl * FIONREAD -> *", "4096", size, false},
	{"processes", "oracle/*", "ioctl * TIOCSIG *", "EFAULT", reads, true},
	{"processes", "oracle/drain-waits", "setter: * -> blocked", "ok", drains, true},
	{"processes", "oracle/job-signals", "job: result -> blocked", "EINTR", restart, true},
	{"processes", "oracle/job-background", "bg: result -> *", "EINTR", restart, true},
	{"processes", "oracle/signals", "fg: result -> blocked", "EINTR", restart, true},
	{"processes", "oracle/job-background", "one: read tty 0 -> stopped", `""`, nothing, true},
}

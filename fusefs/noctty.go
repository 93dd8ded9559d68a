//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// openCalls are the system calls that open a file by flags in an argument: which
// argument, by architecture and number. Those of the 32-bit programs that a system runs
// too are among them; no other system call with these numbers opens a file.
var openCalls = map[string]map[int]int{
	"amd64":   {2: 1, 257: 2, 5: 1, 295: 2},
	"arm64":   {56: 2, 5: 1, 322: 2},
	"riscv64": {56: 2},
}

// openFlags are the flags that c opens n with. FUSE keeps O_NOCTTY to itself, which
// decides whether a terminal becomes its opener's controlling terminal. The opener waits
// in open(2), so where that could happen its system call is looked at; where it cannot
// be told (openat2, io_uring) the terminal does not become one, which a program can make
// up for with TIOCSCTTY, while nothing undoes the opposite.
func (d *Door) openFlags(c caller, n Node, flags int) int {
	if d.callers == nil {
		return flags
	}
	if flags&unix.O_ACCMODE == unix.O_WRONLY || !isPts(n) || !leadsSession(c.pid) {
		return flags | unix.O_NOCTTY
	}
	if asked, known := flagsOfOpen(c.pid); known && asked&unix.O_NOCTTY == 0 {
		return flags
	}
	return flags | unix.O_NOCTTY
}

// isPts tells whether opening n may give somebody a controlling terminal: that of ptmx
// and tty does not.
func isPts(n Node) bool {
	st, err := n.Stat()
	major := unix.Major(st.Rdev)
	return err == nil && major >= 136 && major <= 143
}

// leadsSession tells whether the thread is one of a process that leads a session.
func leadsSession(tid int) bool {
	if tid <= 0 {
		return false // to getsid(2) 0 is us
	}
	sid, err := unix.Getsid(tid)
	if err != nil || sid == 0 {
		return false
	}
	return sid == tid || unix.Access(fmt.Sprintf("/proc/%d/task/%d", sid, tid), unix.F_OK) == nil
}

// flagsOfOpen are those of the system call that the thread waits in, if it opens a file.
func flagsOfOpen(tid int) (flags int, known bool) {
	path := fmt.Sprintf("/proc/%d/syscall", tid)
	for range 100 { // it may not have fallen asleep yet
		b, err := os.ReadFile(path)
		if err != nil {
			return 0, false
		}
		f := strings.Fields(string(b))
		if len(f) < 7 {
			runtime.Gosched() // "running"
			continue
		}
		number, err := strconv.Atoi(f[0])
		arg, opens := openCalls[runtime.GOARCH][number]
		if err != nil || !opens {
			return 0, false
		}
		v, err := strconv.ParseUint(f[1+arg], 0, 64)
		return int(v), err == nil
	}
	return 0, false
}

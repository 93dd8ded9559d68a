//go:build linux

package rundir

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// awaitDoomed waits until the server of the entry called name has ended if it is
// about to, having been killed: its lock is held until then, and who kills a server
// and looks at once should not find it alive. Its pid decides on nothing but this
// wait, which is bounded.
func (h *held) awaitDoomed(name string) {
	rec, err := h.readRecord(name)
	if err != nil || rec.ServerPID == 0 {
		return
	}
	fd, err := unix.PidfdOpen(rec.ServerPID, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if doomed(rec.ServerPID) {
		left := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_ = await(left, time.Now().Add(killTime)) // after that it counts as alive
	}
}

// doomed reports whether the process pid has SIGKILL before it or is already on its
// way out.
func doomed(pid int) bool {
	const exiting = 0x4 // PF_EXITING
	proc := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch name {
		case "State":
			if strings.HasPrefix(value, "Z") || strings.HasPrefix(value, "X") {
				return true
			}
		case "SigPnd", "ShdPnd":
			set, err := strconv.ParseUint(value, 16, 64)
			if err == nil && set&(1<<(unix.SIGKILL-1)) != 0 {
				return true
			}
		}
	}
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return false
	}
	// The flags are the seventh field after the name, which may contain anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	return err == nil && flags&exiting != 0
}

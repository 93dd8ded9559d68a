//go:build linux

package fusefs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/procfs"
)

// pidFor translates a process group or session id of our pid namespace into that of
// the thread pid: 0 when it cannot be seen from there, as the kernel has it.
func pidFor(pid, id int) int {
	if id <= 0 {
		return id
	}
	if pid == 0 {
		return 0 // it is in no pid namespace that we know
	}
	there := procfs.Namespace(pid, "pid")
	if there == "" || there == procfs.Namespace(os.Getpid(), "pid") {
		return id
	}
	asker, err := procfs.ReadStatus(pid)
	if err != nil {
		return 0
	}
	level := len(asker.NSpid) - 1
	for member, ids := range groupMembers(id) {
		if level < len(ids) && nsAtLevel(member, len(ids)-1-level) == there {
			return ids[level]
		}
	}
	return 0
}

// noGroup is what no process group can be.
const noGroup = 1<<31 - 1

// ourGroup translates a process group's id in the pid namespace of the thread pid into
// ours: noGroup when there is none of that id there.
func ourGroup(pid, id int) int {
	if id <= 0 {
		return id
	}
	if pid == 0 {
		return noGroup
	}
	there := procfs.Namespace(pid, "pid")
	if there == "" || there == procfs.Namespace(os.Getpid(), "pid") {
		return id
	}
	asker, err := procfs.ReadStatus(pid)
	if err != nil {
		return noGroup
	}
	pids, err := procfs.PIDs()
	if err != nil {
		return noGroup
	}
	level := len(asker.NSpid) - 1
	for _, member := range pids {
		s, err := procfs.ReadStatus(member)
		if err != nil || level >= len(s.NSpgid) || s.NSpgid[level] != id {
			continue
		}
		if nsAtLevel(member, len(s.NSpgid)-1-level) == there {
			return s.NSpgid[0]
		}
	}
	return noGroup
}

// groupMembers yields a process that is in the group or session id, with that id as
// each of its pid namespaces has it, outermost first.
func groupMembers(id int) func(yield func(int, []int) bool) {
	return func(yield func(int, []int) bool) {
		pids := []int{id} // the leader first: it is nearly always there
		if rest, err := procfs.PIDs(); err == nil {
			pids = append(pids, rest...)
		}
		for _, pid := range pids {
			s, err := procfs.ReadStatus(pid)
			if err != nil {
				continue
			}
			for _, ids := range [][]int{s.NSpgid, s.NSsid} {
				if len(ids) > 0 && ids[0] == id && !yield(pid, ids) {
					return
				}
			}
		}
	}
}

// nsAtLevel names the pid namespace up levels above that of pid.
func nsAtLevel(pid, up int) string {
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		return ""
	}
	fd := int(f.Fd())
	defer func() { f.Close() }()
	for range up {
		parent, err := unix.IoctlRetInt(fd, unix.NS_GET_PARENT)
		if err != nil {
			return ""
		}
		f.Close()
		f = os.NewFile(uintptr(parent), "ns")
		fd = parent
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return ""
	}
	return fmt.Sprintf("pid:[%d]", st.Ino)
}

//go:build linux

package procfs

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Namespace names a namespace of a process or thread, as in "pid:[4026531836]", ""
// when it cannot be told: it takes the right to trace the process.
func Namespace(pid int, kind string) string {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
	if err != nil {
		return ""
	}
	return link
}

// Capable tells whether a process or thread has a capability in the initial sense: in
// our user namespace, not in one below.
func Capable(pid, capability int) bool {
	s, err := ReadStatus(pid)
	return err == nil && s.CapEff&(1<<capability) != 0 && Namespace(pid, "user") == Namespace(os.Getpid(), "user")
}

// Orphaned tells whether no member of a process group has a parent in another group
// of the same session. A parent outside /proc's pid namespace is none.
func Orphaned(group int) bool {
	pids, err := PIDs()
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(pids, func(pid int) bool {
		if own, err := unix.Getpgid(pid); err != nil || own != group {
			return false
		}
		s, err := ReadStat(pid)
		if err != nil || s.State == 'Z' {
			return false
		}
		parents, err := unix.Getpgid(s.PPID)
		if err != nil || s.PPID == 0 || parents == group {
			return false
		}
		session, err := unix.Getsid(s.PPID)
		return err == nil && session == s.Session
	})
}

// Children lists the children of a process, the dead that were not waited for among
// them. A kernel without CONFIG_PROC_CHILDREN tells of none.
func Children(pid int) []int {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var children []int
	for _, thread := range threads {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		if err != nil {
			continue
		}
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

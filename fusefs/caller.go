//go:build linux

package fusefs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
)

// readMemory fills b from the address in the memory of pid, which waits for us.
func readMemory(pid int, address uint64, b []byte) error {
	local, remote := vectors(address, b)
	return whole(len(b))(unix.ProcessVMReadv(pid, local, remote, 0))
}

// writeMemory stores b at the address in the memory of pid, which waits for us.
func writeMemory(pid int, address uint64, b []byte) error {
	local, remote := vectors(address, b)
	return whole(len(b))(unix.ProcessVMWritev(pid, local, remote, 0))
}

func vectors(address uint64, b []byte) ([]unix.Iovec, []unix.RemoteIovec) {
	return []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}},
		[]unix.RemoteIovec{{Base: uintptr(address), Len: len(b)}}
}

// whole turns a short transfer, and one that could not be made at all, into the EFAULT
// that a bad address gets.
func whole(want int) func(int, error) error {
	return func(n int, err error) error {
		if err != nil || n != want {
			return unix.EFAULT
		}
		return nil
	}
}

// pidFor translates a process group or session id of our pid namespace into that of
// the thread pid: 0 when it cannot be seen from there, as the kernel has it.
func pidFor(pid, id int) int {
	if id <= 0 {
		return id
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

// idOf asks the end for its TIOCGSID or TIOCGPGRP in our pid namespace, 0 when there
// is none.
func idOf(end pts.End, req uint32) int {
	var b [4]byte
	if _, err := end.Ioctl(nil, req, b[:]); err != nil {
		return 0
	}
	return getInt(b[:])
}

// controls tells whether the pts of end is the controlling terminal of pid.
func controls(end pts.End, pid int) bool {
	sid := idOf(end, pts.TIOCGSID)
	if sid == 0 {
		return false
	}
	own, err := unix.Getsid(pid)
	return err == nil && own == sid
}

// checkBackground is tty_check_change: a background process of the terminal that
// changes its settings is stopped with SIGTTOU, unless it ignores or blocks that or
// nobody could ever continue it. The interrupted call is not restarted: an answer
// through FUSE cannot ask for that.
func checkBackground(end pts.End, c caller) error {
	if !controls(end, c.pid) {
		return nil
	}
	pgrp, err := unix.Getpgid(c.pid)
	if err != nil || pgrp == idOf(end, pts.TIOCGPGRP) {
		return nil
	}
	s, err := procfs.ReadStatus(c.pid)
	if err != nil {
		return nil
	}
	if (s.SigBlk|s.SigIgn)&(1<<(unix.SIGTTOU-1)) != 0 {
		return nil
	}
	if procfs.Orphaned(pgrp) {
		return unix.EIO
	}
	if err := unix.Kill(-pgrp, unix.SIGTTOU); err != nil {
		return nil // the group is gone, and its caller with it
	}
	return unix.EINTR
}

// setControlling is TIOCSCTTY on a ptm. We cannot give another process a controlling
// terminal, so where the kernel would, the answer is ENOTTY; where it refuses, and
// where the caller has this terminal already, the answer is the kernel's.
func setControlling(end pts.End, c caller, arg uint64) error {
	s, err := procfs.ReadStat(c.pid)
	if err != nil {
		return unix.EPERM
	}
	status, err := procfs.ReadStatus(c.pid)
	if err != nil {
		return unix.EPERM
	}
	leader := s.Session == status.TGID
	if leader && controls(end, c.pid) {
		return nil
	}
	if !leader || s.TTY != 0 {
		return unix.EPERM
	}
	steals := arg == 1 && procfs.Capable(c.pid, unix.CAP_SYS_ADMIN)
	if idOf(end, pts.TIOCGSID) != 0 && !steals {
		return unix.EPERM
	}
	return unix.ENOTTY
}

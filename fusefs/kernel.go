//go:build linux

package fusefs

import (
	"encoding/binary"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
)

// kernelRules are those for the kernel's ptms. To them every caller is us, so what depends
// on who asks is decided here.
type kernelRules struct{}

func (kernelRules) ask(end pts.End, c caller, r pts.Ioctl, fetch func() ([]byte, error)) (int, []byte, error) {
	if err := permitted(end, c, r); err != nil {
		return 0, nil, err
	}
	arg, err := fetch()
	if err != nil {
		return 0, nil, err
	}
	n, err := perform(end, c, r, arg)
	return n, arg, err
}

// permitted decides what the kernel decides before it looks at the argument.
func permitted(end pts.End, c caller, r pts.Ioctl) error {
	switch {
	case r.Req == pts.TIOCSTI:
		if !procfs.Capable(c.pid, unix.CAP_SYS_ADMIN) {
			return refuseSTI()
		}
	case r.Req == pts.TIOCVHANGUP:
		if !procfs.Capable(c.pid, unix.CAP_SYS_ADMIN) {
			return unix.EPERM
		}
	case r.Req == pts.TIOCSLCKTRMIOS:
		if !procfs.Capable(c.pid, unix.CAP_SYS_ADMIN) && !procfs.Capable(c.pid, unix.CAP_CHECKPOINT_RESTORE) {
			return unix.EPERM
		}
	case r.SetsTermios():
		return checkBackground(end, c)
	}
	return nil
}

// perform does one request for c as the kernel would have done it for c itself. Most
// go to the end as they are; those whose answer depends on who asks are decided here.
func perform(end pts.End, c caller, r pts.Ioctl, arg []byte) (int, error) {
	switch r.Req {
	case pts.TIOCGPTPEER:
		return 0, unix.ENOTTY // a descriptor cannot be passed back; openers fall back to the name
	case pts.TIOCSIG:
		return 0, unix.EFAULT // what the kernel says before it even asks us
	case pts.TIOCNOTTY:
		return 0, unix.ENOTTY // a ptm is nobody's controlling terminal
	case pts.TIOCSCTTY:
		return 0, setControlling(end, c, binary.LittleEndian.Uint64(arg))
	case pts.TIOCGPGRP, pts.TIOCGSID:
		n, err := end.Ioctl(c, r.Req, arg)
		if err == nil {
			putInt(arg, pidFor(c.pid, getInt(arg)))
		}
		return n, err
	case pts.TIOCSPGRP:
		if getInt(arg) < 0 {
			return 0, unix.EINVAL
		}
		return 0, unix.ENOTTY // only a process of the terminal's session could, and only itself
	case pts.TIOCSETD:
		if err := checkDiscipline(getInt(arg)); err != nil {
			return 0, err
		}
	}
	return end.Ioctl(c, r.Req, arg)
}

// checkDiscipline lets a caller change the ptm's line discipline only among those that
// need no module and no privilege: the kernel would load and allow any for us.
func checkDiscipline(ldisc int) error {
	const nTTY, nNull = 0, 27
	if ldisc != nTTY && ldisc != nNull {
		return unix.EINVAL
	}
	return nil
}

// refuseSTI is the errno of TIOCSTI for a caller without CAP_SYS_ADMIN: EIO where
// dev.tty.legacy_tiocsti is off, which the kernel looks at first.
func refuseSTI() error {
	b, err := os.ReadFile("/proc/sys/dev/tty/legacy_tiocsti")
	if err == nil && strings.TrimSpace(string(b)) == "0" {
		return unix.EIO
	}
	return unix.EPERM
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

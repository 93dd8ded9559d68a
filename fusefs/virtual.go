//go:build linux

package fusefs

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// virtualRules are those for virtual ends, which know whom they are asked by and decide
// themselves. Only the numbers of processes mean something else to them than to a caller
// in another pid namespace.
type virtualRules struct {
	callers func(pid, uid, gid int) pts.Caller
}

func (v virtualRules) ask(end pts.End, c caller, r pts.Ioctl, fetch func() ([]byte, error)) (int, []byte, error) {
	arg, err := fetch()
	switch {
	case err == unix.EFAULT:
		arg = nil // to the end a bad argument, which it reports in its own order
	case err != nil:
		return 0, nil, err
	case r.Req == pts.TIOCSPGRP:
		putInt(arg, ourGroup(c.pid, getInt(arg)))
	}
	n, err := end.Ioctl(v.callers(c.pid, c.uid, c.gid), r.Req, arg)
	switch {
	case err != nil:
		return 0, nil, err
	case arg == nil:
		return 0, nil, unix.EFAULT
	case r.Req == pts.TIOCGPGRP || r.Req == pts.TIOCGSID:
		putInt(arg, pidFor(c.pid, getInt(arg)))
	}
	return n, arg, nil
}

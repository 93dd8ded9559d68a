//go:build linux

package fusefs

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
)

// caller is the thread behind a request; it implements pts.Caller. Its pid is 0 when
// our pid namespace has none for it.
type caller struct {
	pid, uid, gid int
	us            bool // it is in a user namespace that is only us, to whom the nodes belong
}

func (c caller) PID() int   { return c.pid }
func (c caller) FSUID() int { return c.uid }
func (c caller) FSGID() int { return c.gid }

func (d *Door) caller(in wire.In) caller {
	if d.userNS {
		return caller{int(in.PID), unix.Geteuid(), unix.Getegid(), true}
	}
	return caller{int(in.PID), int(in.UID), int(in.GID), false}
}

// asker is c as nodes and ends see it.
func (d *Door) asker(c caller) pts.Caller {
	if d.callers == nil {
		return c
	}
	return d.callers(c.pid, c.uid, c.gid)
}

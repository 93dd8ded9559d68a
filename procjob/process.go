//go:build linux

package procjob

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
)

// Process is a thread that calls, and the process that it belongs to. It implements
// job.Process; System.Process makes one. What is asked of one that is gone is answered
// so that nothing happens to others.
type Process struct {
	system            *System // immutable
	tid, fsuid, fsgid int     // immutable
	pid               atomic.Int32
}

// TID is the thread.
func (p *Process) TID() int { return p.tid }

// PID is the process, which is what leads a session.
func (p *Process) PID() int {
	if pid := p.pid.Load(); pid != 0 || p.tid <= 0 {
		return int(pid)
	}
	pid := p.tid
	if unix.Tgkill(p.tid, p.tid, 0) == unix.ESRCH { // it is a thread of another number
		if s, err := procfs.ReadStatus(p.tid); err == nil {
			pid = s.TGID
		}
	}
	p.pid.Store(int32(pid))
	return pid
}

// FSUID owns what p makes.
func (p *Process) FSUID() int { return p.fsuid }

// FSGID owns what p makes.
func (p *Process) FSGID() int { return p.fsgid }

// Groups are p's supplementary groups, for permission bits.
func (p *Process) Groups() []int {
	s, err := p.status()
	if err != nil {
		return nil
	}
	return s.Groups
}

// System is the System that made p.
func (p *Process) System() job.System { return p.system }

// Group is p's process group, 0 for one outside our pid namespace.
func (p *Process) Group() int {
	if p.tid <= 0 {
		return 0 // which getpgid(2) takes for ourselves
	}
	group, err := unix.Getpgid(p.tid)
	if err != nil {
		return 0
	}
	return group
}

// Session is p's session, 0 for one outside our pid namespace, -1 when p is.
func (p *Process) Session() int {
	if p.tid <= 0 {
		return -1 // nobody leads that
	}
	sid, err := unix.Getsid(p.tid)
	if err != nil {
		return -1
	}
	return sid
}

// Terminal is p's controlling terminal: its session's, unless p, or an ancestor before p
// was born, gave it up or was there before the leader got it. A leader whose terminal is
// the kernel's has one that is nobody's here, so that it gets none of ours.
func (p *Process) Terminal() *job.Terminal {
	sid := p.Session()
	t, without := p.system.terminalOf(sid)
	switch {
	case t == nil && p.leads(sid) && hasKernels(sid):
		return &p.system.elsewhere
	case t == nil, len(without) > 0 && p.system.lacks(sid, t, without, p.PID()):
		return nil
	}
	return t
}

// leads tells whether p's thread is one of the process sid, its session's leader. It is
// asked with every read and write, so it does not read /proc.
func (p *Process) leads(sid int) bool {
	if pid := p.pid.Load(); pid != 0 {
		return int(pid) == sid
	}
	return sid > 0 && p.tid > 0 && (p.tid == sid || unix.Tgkill(sid, p.tid, 0) != unix.ESRCH)
}

// hasKernels tells whether a terminal of the kernel's controls a process.
func hasKernels(pid int) bool {
	s, err := procfs.ReadStat(pid)
	return err == nil && s.TTY != 0
}

// SetTerminal is for job.Terminal's use: a leader's is its session's, and p alone loses
// one.
func (p *Process) SetTerminal(t *job.Terminal) {
	sid := p.Session()
	switch leader := p.leads(sid); {
	case leader && t != nil:
		p.system.take(sid, t)
	case !leader && t == nil:
		p.system.leave(sid, p.PID())
	}
}

// Deaf tells whether p's process ignores s or its thread blocks it.
func (p *Process) Deaf(s pts.Signal) bool {
	status, err := p.status()
	return err != nil || (status.SigBlk|status.SigIgn)&(1<<(s-1)) != 0
}

// Orphaned tells whether no parent of the session, outside the group, watches over p's
// group.
func (p *Process) Orphaned() bool {
	group := p.Group()
	return group <= 0 || procfs.Orphaned(group)
}

// Restarts is false: the answer that would have the kernel call again is not ours to
// give.
func (p *Process) Restarts(pts.Signal) bool { return false }

// Privileged tells whether p has CAP_SYS_ADMIN in our user namespace.
func (p *Process) Privileged() bool { return p.Capable(unix.CAP_SYS_ADMIN) }

// Capable tells whether p has a capability in our user namespace.
func (p *Process) Capable(capability int) bool { return p.tid > 0 && procfs.Capable(p.tid, capability) }

func (p *Process) status() (procfs.Status, error) {
	if p.tid <= 0 {
		return procfs.Status{}, unix.ESRCH
	}
	return procfs.ReadStatus(p.tid)
}

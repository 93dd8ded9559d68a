package oracle

import (
	"fmt"
	"time"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
)

// What signals and waiting for children do to virtual processes.

// event is what the table tells of its processes.
func (v *Virtual) event(proc *job.Proc, s pts.Signal, e job.Event) {
	p := v.procs[proc]
	if p == nil {
		return
	}
	if e == job.Killed {
		p.exit("killed " + signalName(int(s)))
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	interrupt := false
	switch e {
	case job.Caught:
		p.caught = append(p.caught, int(s))
		interrupt = true
		p.handled = p.handled || p.actions[s] == job.Handled
	case job.Stopped:
		p.event, p.stopped = "stopped "+signalName(int(s)), true
		interrupt = true
	case job.Continued:
		p.event, p.stopped = "", false
		p.cond.Broadcast()
	}
	if interrupt && p.inside != nil && !p.inside.nonblock {
		_ = p.inside.blocking().SetDeadline(time.Now()) // a call that has just ended ignores it
	}
}

func (p *virtualProc) exit(how string) {
	p.mu.Lock()
	if p.gone {
		p.mu.Unlock()
		return
	}
	p.event, p.gone = how, true
	p.cond.Broadcast()
	if p.inside != nil && !p.inside.nonblock {
		_ = p.inside.blocking().SetDeadline(time.Now()) // others may have the end
	}
	p.mu.Unlock()
	for name, e := range p.ends {
		delete(p.ends, name)
		if e.users--; e.users == 0 {
			_ = e.close()
		}
	}
	p.Exit()
}

// System is the table, which knows nothing of the ended whom nobody has waited for.
func (p *virtualProc) System() job.System { return undead{p.v.table, p.v} }

type undead struct {
	*job.Table
	v *Virtual
}

func (u undead) SessionOf(group int) int {
	if session := u.Table.SessionOf(group); session != 0 {
		return session
	}
	for _, p := range u.v.procs {
		if (p.PID() == group || p.Group() == group) && p.over() && !p.known() {
			return p.Session()
		}
	}
	return 0
}

// known tells whether its parent has waited for p. The first process does for those whose parents
// have ended, but takes its time.
func (p *virtualProc) known() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reaped
}

func (v *Virtual) find(pid int) *virtualProc {
	for _, p := range v.procs {
		if p.PID() == pid {
			return p
		}
	}
	return nil
}

func (v *Virtual) waitFor(pid int) Result {
	p := v.find(pid)
	if p == nil {
		return Result{Errno: int(pts.ESRCH)}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reaped:
		return Result{Errno: echild}
	case p.event == "":
		return Result{Text: "running"}
	}
	text := p.event
	p.event, p.reaped = "", p.gone
	return Result{Text: text}
}

func (v *Virtual) kill(pid, sig int) Result {
	p := v.find(pid)
	if p == nil {
		return Result{Errno: int(pts.ESRCH)}
	}
	switch {
	case p.over() && p.known():
		return Result{Errno: int(pts.ESRCH)}
	case sig == signalNumbers["KILL"]:
		p.exit(fmt.Sprint("killed ", signalName(sig)))
	default:
		p.Signal(pts.Signal(sig))
	}
	return Result{}
}

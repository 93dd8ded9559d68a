package oracle

import (
	"sync"
	"time"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
)

// virtualProc is a process of Virtual: a process of a job.Table, with credentials that can
// change, and a goroutine for the call that it makes.
type virtualProc struct {
	*job.Proc
	v        *Virtual
	uid      int
	observer bool // asks as this program: a nil Caller
	ends     map[string]*virtualEnd
	actions  map[pts.Signal]job.Disposition
	blocked  pts.Signals
	answers  chan Result
	left     bool // a call has not returned

	mu      sync.Mutex
	cond    *sync.Cond
	caught  []int       // guarded by mu
	event   string      // what its parent has not waited for yet; guarded by mu
	inside  *virtualEnd // what a call may be blocked on; guarded by mu
	handled bool        // a handler without SA_RESTART ran meanwhile; guarded by mu
	stopped bool        // guarded by mu
	gone    bool        // it has ended; guarded by mu
	reaped  bool        // and its parent knows; guarded by mu
}

func (v *Virtual) newProc(p *job.Proc) *virtualProc {
	x := &virtualProc{Proc: p, v: v, ends: make(map[string]*virtualEnd), actions: make(map[pts.Signal]job.Disposition),
		answers: make(chan Result, 1)}
	x.cond = sync.NewCond(&x.mu)
	v.procs[p] = x
	return x
}

// FSUID, FSGID and Privileged are those after Setuid.
func (p *virtualProc) FSUID() int       { return p.uid }
func (p *virtualProc) FSGID() int       { return p.uid }
func (p *virtualProc) Privileged() bool { return p.uid == 0 }

// as is the Caller that p is.
func (p *virtualProc) as() pts.Caller {
	if p.observer {
		return nil
	}
	return p
}

func (p *virtualProc) put(name string, e *virtualEnd) {
	if old := p.ends[name]; old != nil {
		if old.users--; old.users == 0 {
			_ = old.close() // nobody can name it any more
		}
	}
	p.ends[name] = e
	p.v.all = append(p.v.all, e)
}

// caughtAtFirst are the signals that a new process catches, with SA_RESTART.
var caughtAtFirst = []pts.Signal{pts.SIGHUP, pts.SIGINT, pts.SIGQUIT, pts.SIGCONT, pts.SIGWINCH}

func (p *virtualProc) Fork(ends []string) (Proc, error) {
	child := p.v.newProc(p.v.table.Start(p.Proc, p.uid, p.uid))
	child.uid, child.blocked = p.uid, p.blocked
	child.Block(p.blocked)
	for s := pts.Signal(1); s < 32; s++ {
		child.Action(s, job.Default)
	}
	for _, s := range caughtAtFirst {
		child.Action(s, job.Restarting)
	}
	for _, name := range ends {
		if err := p.v.inherit(child, name, p.ends[name]); err != nil {
			return nil, err
		}
	}
	return child, nil
}

func (p *virtualProc) Do(op Op) Result {
	switch {
	case p.left && (op.Call == Close || op.Call == Poll):
		return Result{Blocked: true}
	case p.left: // one call at a time
		return Result{Errno: int(pts.EBUSY)}
	case p.over():
		return Result{Errno: int(pts.ESRCH)}
	}
	if p.Running() {
		if res, done := p.atOnce(op); done {
			return res
		}
		if p.observer || p.v.Bubble == nil {
			return p.v.call(p, op)
		}
	}
	p.left = true
	go func() {
		p.waitRunning()
		if p.over() {
			p.answers <- Result{Errno: int(pts.ESRCH)}
			return
		}
		if res, done := p.atOnce(op); done {
			p.answers <- res
			return
		}
		p.answers <- p.run(op)
	}()
	return p.Result()
}

// waitRunning waits until p is not stopped, or has ended.
func (p *virtualProc) waitRunning() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stopped && !p.gone {
		p.cond.Wait()
	}
}

// atOnce makes a call that never waits, and tells whether op is one.
func (p *virtualProc) atOnce(op Op) (res Result, done bool) {
	s := pts.Signal(op.Value)
	switch op.Call {
	case Setsid:
		return Result{Errno: errnoOf(p.Setsid())}, true
	case Setpgid:
		return Result{Errno: errnoOf(p.Setpgid(int(op.Value)))}, true
	case Setuid:
		p.uid = int(op.Value)
		return Result{}, true
	case Exit:
		p.exit("exited 0")
		return Result{}, true
	case Ignore:
		return p.act(s, job.Ignored), true
	case Catch:
		return p.act(s, job.Handled), true
	case Default:
		return p.act(s, job.Default), true
	case Block:
		p.blocked.Add(s)
		p.Block(p.blocked)
		return Result{}, true
	case Signals:
		p.mu.Lock()
		defer p.mu.Unlock()
		res := Result{}
		for _, n := range p.caught {
			if !contains(res.Caught, n) {
				res.Caught = append(res.Caught, n)
			}
		}
		p.caught = nil
		return res, true
	case WaitFor:
		return p.v.waitFor(int(op.Value)), true
	case Kill:
		return p.v.kill(int(op.Value), op.N), true
	}
	return Result{}, false
}

func contains(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

func (p *virtualProc) act(s pts.Signal, d job.Disposition) Result {
	p.mu.Lock()
	p.actions[s] = d
	p.mu.Unlock()
	p.Action(s, d)
	return Result{}
}

// Result waits until everything waits; then the call has returned or will not.
func (p *virtualProc) Result() Result {
	p.v.Settle()
	if !p.left {
		return Result{}
	}
	select {
	case res := <-p.answers:
		p.left = false
		return res
	default:
	}
	if !p.Running() {
		return Result{Stopped: true}
	}
	return Result{Blocked: true}
}

func (p *virtualProc) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// run makes a call as a kernel does: it goes on once the process runs, and again where a signal
// has interrupted it before it had anything, unless a handler says otherwise.
func (p *virtualProc) run(op Op) Result {
	for {
		p.mu.Lock()
		p.inside, p.handled = p.ends[op.End], false
		p.mu.Unlock()
		res := p.v.call(p, op)
		p.waitRunning()
		p.mu.Lock()
		e := p.inside
		p.inside = nil
		gone, handled := p.gone, p.handled
		p.mu.Unlock()
		if gone {
			return Result{Errno: int(pts.ESRCH)}
		}
		if e != nil && !e.nonblock {
			_ = e.blocking().SetDeadline(time.Time{}) // it is open, or the next call tells
		}
		switch {
		case res.Errno != interrupted && res.Errno != int(pts.ERESTARTSYS):
			return res
		case handled:
			return Result{Errno: int(pts.EINTR)}
		}
	}
}

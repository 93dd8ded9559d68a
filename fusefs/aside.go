//go:build linux

package fusefs

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
)

const (
	// maxTurns is how many calls of one user may be in memory at once: each can hold a
	// thread of ours for as long as that memory likes, and only its own user shall wait.
	maxTurns = 16
	// patience is how long a call may go on after its caller got a signal before
	// we look whether that killed it. Memory answers in microseconds unless it is
	// backed by somebody who does not want to.
	patience = 100 * time.Millisecond
)

// asideCall is an ioctl that is served on a goroutine of its own because it touches its
// caller's memory. That can block for as long as the caller likes, behind a userfaultfd
// or a file system of its own, and the caller cannot even be killed before it has its
// answer; so when it is killed it gets one at once, and the goroutine's comes too late.
// No other signal ends an ioctl, as on a terminal.
type asideCall struct {
	door   *Door
	unique uint64
	caller caller

	watch   *time.Timer // guarded by Door.mu; runs once the caller got a signal
	entered time.Time   // guarded by Door.mu; when the present access to memory began
}

// goAside does t on a goroutine and answers it.
func (d *Door) goAside(unique uint64, end pts.End, t transfer) {
	a := &asideCall{door: d, unique: unique, caller: t.caller}
	d.mu.Lock()
	d.aside[unique] = a
	d.mu.Unlock()
	go func() {
		d.turns.take(a.caller.uid)
		defer d.turns.give(a.caller.uid)
		result, data, err := t.do(d.rules, end, a)
		if a.end() {
			defer d.answering.Done()
			d.replyIoctl(unique, result, data, err)
		}
	}()
}

// end takes the call out of the door's list and tells whether it was still there: then
// its answer is due, and the door does not close before that is sent.
func (a *asideCall) end() bool {
	a.door.mu.Lock()
	defer a.door.mu.Unlock()
	if !a.dueLocked() {
		return false
	}
	delete(a.door.aside, a.unique)
	if a.watch != nil {
		a.watch.Stop()
	}
	a.door.answering.Add(1)
	return true
}

func (a *asideCall) dueLocked() bool { return a.door.aside[a.unique] == a }

// enter begins an access to the caller's memory. It fails when the caller is gone, whose
// pid may then be another's.
func (a *asideCall) enter() error {
	a.door.mu.Lock()
	defer a.door.mu.Unlock()
	if !a.dueLocked() {
		return unix.EINTR
	}
	a.entered = time.Now()
	return nil
}

func (a *asideCall) read(address uint64, b []byte) error {
	if err := a.enter(); err != nil {
		return err
	}
	return readMemory(a.caller.pid, address, b)
}

func (a *asideCall) write(address uint64, b []byte) error {
	if err := a.enter(); err != nil {
		return err
	}
	return writeMemory(a.caller.pid, address, b)
}

// watchAside is told that the caller of the request got a signal. It tells whether the
// request is one that is served aside.
func (d *Door) watchAside(unique uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.aside[unique]
	if a != nil && a.watch == nil {
		a.watch = time.AfterFunc(patience, a.look)
	}
	return a != nil
}

// look answers for the call if its caller has been killed, and looks again later if not.
// An access that has only just begun is left alone: until it has found its
// memory by the caller's pid, that pid must not become another's.
func (a *asideCall) look() {
	killed := wasKilled(a.caller.pid)
	a.door.mu.Lock()
	if !a.dueLocked() {
		a.door.mu.Unlock()
		return
	}
	if !killed || time.Since(a.entered) < patience {
		a.watch.Reset(patience)
		a.door.mu.Unlock()
		return
	}
	a.door.mu.Unlock()
	if a.end() {
		defer a.door.answering.Done()
		a.door.replyError(a.unique, unix.EINTR)
	}
}

// wasKilled tells whether the thread is about to end, or has.
func wasKilled(pid int) bool {
	s, err := procfs.ReadStatus(pid)
	const kill = 1 << (unix.SIGKILL - 1)
	return err != nil || (s.SigPnd|s.ShdPnd)&kill != 0
}

// turns lets maxTurns calls of each user in at once. The zero value is ready to use.
type turns struct {
	mu    sync.Mutex
	users map[int]*turn // guarded by mu; those with a call, by uid
}

type turn struct {
	calls int           // waiting and in; guarded by turns.mu
	in    chan struct{} // holds one for each that is in
}

// take waits for a turn of the user.
func (t *turns) take(uid int) {
	t.mu.Lock()
	u := t.users[uid]
	if u == nil {
		u = &turn{in: make(chan struct{}, maxTurns)}
		if t.users == nil {
			t.users = make(map[int]*turn)
		}
		t.users[uid] = u
	}
	u.calls++
	t.mu.Unlock()
	u.in <- struct{}{}
}

// give ends a turn that was taken.
func (t *turns) give(uid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[uid]
	<-u.in // has one, that of this turn at least
	if u.calls--; u.calls == 0 {
		delete(t.users, uid)
	}
}

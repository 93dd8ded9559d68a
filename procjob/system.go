//go:build linux

// Package procjob is job control over the processes of this machine: what package job
// asks of a process is answered by system calls and /proc, and its signals are sent
// with kill(2). So the terminals of package pty, shown to programs by a server, treat
// them as the kernel's terminals do. It is not a table of processes: it knows of those
// alone whose session has one of our terminals.
//
// One System is meant for all of a server's terminals: a session can have a terminal in
// each. One that has a terminal of the kernel's gets none of ours, but the kernel, which
// knows nothing of ours, does not return that: /dev/tty and /proc/PID/stat tell of its own.
//
// Controlling terminals go by session, as fork hands them on: the table has an entry
// for each session with a terminal, with a pidfd of its leader. When the leader has
// exited, what job.Terminal owes then is paid, at the latest before the next Process is
// made; so nobody who gets the leader's number later inherits anything, and who waited
// for the leader finds the terminal free.
//
// # What cannot be known
//
// A terminal is handed on by fork, which nobody tells us of. Who was in the session
// before its leader got the terminal is remembered to have none, and so is who gave it up
// for itself alone (TIOCNOTTY, not the leader); their later children have none either.
// But a descendant whose parent died before it was ever asked about counts as one of the
// leader's, and has the terminal; on a kernel without CONFIG_PROC_CHILDREN, children that
// who gave it up had before count as born after.
//
// A process or group outside our pid namespace has no number here: it is in no session,
// watches over no group and gets no signal. Signals are kill(2)'s: they need its
// permission, which root has and others only over their own processes, and siginfo
// names this process (SI_USER), not the kernel. Whether somebody else's process has
// privileges takes root to tell as well; to others it has none. A group is told from one
// of another session that has its number now, but not from one of the same session;
// between telling and sending, numbers would have to wrap around for a wrong one to be
// hit.
//
// The kernel tells a leader's end to the foreground before the leader can be waited
// for, and we soon after; who looks for a terminal's effects in between sees none. A
// call that a signal interrupts is not restarted, whatever the handler says, and nor is
// one that SIGTTIN or SIGTTOU stopped.
//
// # Concurrency
//
// Everything may be called from any number of goroutines at once. settling comes
// before the locks of terminals and mu after them; nothing is signalled under the former.
// There is no goroutine but the loop's.
package procjob

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// System is the processes of this machine, as far as our pid namespace shows them. It
// implements job.System.
type System struct {
	epfd   int    // of the leaders' pidfds; immutable
	forget func() // the loop no longer watches epfd; immutable

	elsewhere job.Terminal // stands for any of the kernel's; controls nothing

	busy     atomic.Int32 // entries and refusals: 0 means that there is nothing to settle
	settling sync.Mutex   // held while terminals learn that leaders have exited

	mu       sync.Mutex
	sessions map[int]*session // by number; guarded by mu
	watched  map[int]*session // by pidfd; guarded by mu
	refused  []refusal        // guarded by mu
	events   []unix.EpollEvent
	closed   bool // guarded by mu, as events is
}

// New makes a System whose leaders' ends the loop notices. Close ends it.
func New(loop *epoll.Loop) (*System, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	s := &System{epfd: epfd, sessions: make(map[int]*session), watched: make(map[int]*session), events: make([]unix.EpollEvent, 16)}
	s.forget, err = loop.Add(epfd, wait.In, func(wait.Events) { s.Settle() })
	if err != nil {
		_ = unix.Close(epfd) // nothing was done with it
		return nil, fmt.Errorf("watching session leaders: %w", err)
	}
	return s, nil
}

// Close forgets all sessions: no process has a terminal any more, and none gets one.
// The terminals are not told. The loop must not be closed before.
func (s *System) Close() error {
	s.forget()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return os.ErrClosed
	}
	s.closed = true
	for _, e := range s.watched {
		s.dropLocked(e)
	}
	return os.NewSyscallError("close", unix.Close(s.epfd))
}

// Process is the thread tid of our pid namespace, 0 for one that has no number there,
// with the ids that own what it makes. It costs next to nothing: questions are answered
// when they are asked. The thread must exist for as long as it is used, as one does that waits for us
// to answer its call. Leaders that have exited are settled first, so no terminal
// may be locked.
func (s *System) Process(tid, fsuid, fsgid int) *Process {
	s.Settle()
	return &Process{system: s, tid: tid, fsuid: fsuid, fsgid: fsgid}
}

// SessionOf is the session of a group, 0 when nobody has that number, -1 when that is
// outside our pid namespace. Like the kernel, it takes the number of a process for that
// of a group in its session.
func (s *System) SessionOf(group int) int {
	if group <= 0 {
		return 0
	}
	if sid, err := unix.Getsid(group); err == nil {
		if sid == 0 {
			return -1 // it has no number here
		}
		return sid
	}
	// Whoever the group is named after is gone.
	leaderless := 0
	for pid := range processes() {
		sid, err := unix.Getsid(pid)
		if err != nil {
			continue
		}
		if pgid, err := unix.Getpgid(pid); err == nil && pgid == group {
			if sid == 0 {
				return -1
			}
			return sid
		}
		if sid == group {
			leaderless = group // no group, but a session's number still
		}
	}
	return leaderless
}

// SignalGroup sends s to a group, if it is still one of the session.
func (s *System) SignalGroup(session, group int, signal pts.Signal) {
	switch {
	case group <= 0 || s.SessionOf(group) != session:
	case group == 1: // kill(2) takes -1 for everybody
		for pid := range processes() {
			if pgid, err := unix.Getpgid(pid); err == nil && pgid == group {
				_ = unix.Kill(pid, unix.Signal(signal)) // who has gone meanwhile needs none
			}
		}
	default:
		_ = unix.Kill(-group, unix.Signal(signal)) // ESRCH, or EPERM: see the package comment
	}
}

// SignalLeader sends s to the leader of a session that has, or had when it was hung up,
// a terminal of ours.
func (s *System) SignalLeader(session int, signal pts.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.sessions[session]; e != nil {
		_ = unix.PidfdSendSignal(e.pidfd, unix.Signal(signal), nil, 0) // as in SignalGroup
	}
}

// Lose takes t from a session, whose leader's exit hangs group up.
func (s *System) Lose(t *job.Terminal, session, group int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.sessions[session]
	if e == nil || e.terminal != t {
		return
	}
	e.terminal, e.without, e.hungUp = nil, nil, group
	if group == 0 {
		s.dropLocked(e)
	}
}

// processes yields the processes that /proc shows.
func processes() func(yield func(int) bool) {
	return func(yield func(int) bool) {
		pids, err := procfs.PIDs()
		if err != nil {
			return
		}
		for _, pid := range pids {
			if !yield(pid) {
				return
			}
		}
	}
}

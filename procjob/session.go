//go:build linux

package procjob

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
)

// session is one that has a terminal of ours, or whose leader remembers a group.
type session struct {
	id       int           // immutable
	pidfd    int           // of the leader; immutable
	terminal *job.Terminal // nil: lost; guarded by System.mu, like the rest
	hungUp   int           // group to be hung up when the leader exits, 0: none
	without  abstainers    // who in it does not have the terminal; replaced, never changed
}

// refusal is a session that a terminal believes to control and that could not be
// watched.
type refusal struct {
	terminal *job.Terminal
	session  int
}

// take makes t the terminal of the session id, for its leader, who is there; whoever
// else is in it already has none. A leader that cannot be watched (no descriptor is
// left) does not get it: who has its number next might inherit it.
func (s *System) take(id int, t *job.Terminal) {
	without := followers(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.sessions[id]; e != nil {
		e.terminal, e.without, e.hungUp = t, without, 0
		return
	}
	if s.closed || !s.watchLocked(&session{id: id, terminal: t, without: without}) {
		s.refused = append(s.refused, refusal{t, id}) // t is locked now
		s.busy.Add(1)
	}
}

// watchLocked puts e into the table.
func (s *System) watchLocked(e *session) bool {
	fd, err := unix.PidfdOpen(e.id, 0)
	if err != nil {
		return false
	}
	if err := unix.EpollCtl(s.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		_ = unix.Close(fd) // nothing was done with it
		return false
	}
	e.pidfd = fd
	s.sessions[e.id], s.watched[fd] = e, e
	s.busy.Add(1)
	return true
}

// dropLocked takes e out of the table.
func (s *System) dropLocked(e *session) {
	delete(s.sessions, e.id)
	delete(s.watched, e.pidfd)
	// A child that has not called execve yet may share the pidfd: closing is not enough.
	_ = unix.EpollCtl(s.epfd, unix.EPOLL_CTL_DEL, e.pidfd, nil)
	_ = unix.Close(e.pidfd) // ours alone
	s.busy.Add(-1)
}

// Settle pays what the leaders that have exited owe: the foreground is hung up and the
// terminal controls nobody any more. Process does it, and the loop; nobody else needs
// to, except to see it done. No terminal may be locked. It does not block.
func (s *System) Settle() {
	if s.busy.Load() == 0 {
		return
	}
	var d job.Debts
	s.settling.Lock()
	gone, refused := s.exited()
	for _, e := range gone {
		if e.terminal != nil {
			e.terminal.LeaderExits(e.id, &d)
		}
	}
	for _, r := range refused {
		var unpaid job.Debts // it never was in the foreground
		r.terminal.LeaderExits(r.session, &unpaid)
	}
	s.settling.Unlock()
	d.Pay()
	for _, e := range gone {
		if e.terminal == nil && e.hungUp != 0 {
			s.SignalGroup(e.id, e.hungUp, pts.SIGHUP)
			s.SignalGroup(e.id, e.hungUp, pts.SIGCONT)
		}
	}
}

// exited takes the sessions whose leaders have exited out of the table, and returns
// them and those that were refused.
func (s *System) exited() (gone []*session, refused []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused, s.refused = s.refused, nil
	s.busy.Add(int32(-len(refused)))
	for !s.closed {
		n, err := unix.EpollWait(s.epfd, s.events, 0)
		if err == unix.EINTR {
			continue
		}
		for _, ev := range s.events[:max(n, 0)] {
			if e := s.watched[int(ev.Fd)]; e != nil {
				s.dropLocked(e)
				gone = append(gone, e)
			}
		}
		if n < len(s.events) {
			break
		}
	}
	return gone, refused
}

// terminalOf is the terminal of a session, nil when it has none, and who in it does not
// have it.
func (s *System) terminalOf(id int) (*job.Terminal, abstainers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.sessions[id]
	if e == nil {
		return nil, nil
	}
	return e.terminal, e.without
}

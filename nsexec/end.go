//go:build linux

package nsexec

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// grace is what processes have between the hangup and being killed; half of it
	// before they are asked to terminate.
	grace = time.Second
	// batch bounds how many processes are held at once, by a descriptor each.
	batch = 256
)

// never is a deadline that does not come.
var never time.Time

// end ends everything that lives inside. Whatever was started in there is a
// descendant of this process, since orphans come back to us or to our reaper. What
// is forked while we look is found in the next round: it is a descendant by the
// time its parent's end is seen.
func (s *inside) end() {
	if s.ended {
		return
	}
	s.ended = true
	now := time.Now()
	s.ask(now.Add(grace/2), syscall.SIGHUP, syscall.SIGCONT) // as every terminal's end does
	s.ask(now.Add(grace), syscall.SIGTERM, syscall.SIGCONT)
	if s.reaper != nil {
		_ = s.reaper.life.Close() // its end takes the pid namespace along
		s.reaper = nil
	}
	for left := s.living(); len(left) > 0; left = s.living() {
		s.await(signalAll(s.proc, left, syscall.SIGKILL), never)
	}
}

// ask sends signals to everything that lives inside and waits until it has ended, or
// for the deadline.
func (s *inside) ask(deadline time.Time, signals ...syscall.Signal) {
	left := s.living()
	signalAll(s.proc, left, signals...)
	for ; len(left) > 0; left = s.living() {
		if !s.await(left, deadline) {
			return
		}
	}
}

// living lists the descendants of this process that have not ended, but for the
// reaper. A child that ends meanwhile is still in the list: pid 1 of a namespace
// waits until it is reaped, so it must not be waited for alone.
func (s *inside) living() []process {
	s.reap()
	var living []process
	for _, p := range descendants(s.proc, syscall.Getpid()) {
		if s.reaper == nil || p.pid != s.reaper.pid {
			living = append(living, p)
		}
	}
	return living
}

// await waits until each of processes has ended, or for the deadline, and then
// returns false. Meanwhile it reaps: pid 1 of a namespace ends last.
func (s *inside) await(processes []process, deadline time.Time) bool {
	for len(processes) > 0 {
		n := min(len(processes), batch)
		if !s.awaitBatch(processes[:n], deadline) {
			return false
		}
		processes = processes[n:]
	}
	return true
}

func (s *inside) awaitBatch(processes []process, deadline time.Time) bool {
	var fds []unix.PollFd
	defer func() {
		for _, p := range fds {
			_ = unix.Close(int(max(p.Fd, ^p.Fd))) // one that has ended is kept as its complement
		}
	}()
	for _, p := range processes {
		if fd, err := p.open(s.proc); err == nil {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	for left := len(fds); left > 0; {
		timeout := -1
		if !deadline.IsZero() {
			timeout = int(max(0, time.Until(deadline)).Milliseconds())
		}
		n, err := unix.Poll(fds, timeout)
		if err == nil && n == 0 {
			return false
		}
		for i := range fds {
			if fds[i].Revents != 0 && err == nil {
				fds[i].Fd = ^fds[i].Fd // poll skips it
				left--
			}
		}
		s.reap()
	}
	return true
}

//go:build linux

package parent

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/rundir"
)

// process is a process by an fd, which never comes to mean another one.
type process struct {
	pidfd *os.File // in Go's poller
	raw   syscall.RawConn
}

// findServer finds the server of a living namespace, and the namespace's entry, which says
// whether that process may be ended for it: they were read in one.
func (p *Parent) findServer(name string) (*process, *rundir.Entry, error) {
	entry, err := p.dir.Entry(name)
	if err != nil {
		return nil, nil, err
	}
	pid := entry.ServerPID()
	if pid == 0 {
		return nil, nil, fmt.Errorf("namespace %q is still being made", name)
	}
	server, err := openProcess(pid)
	if err == unix.ESRCH { // it has just ended, or something is wrong
		if _, err := p.dir.Entry(name); err != nil {
			return nil, nil, err
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find the server of %q: %w", name, os.NewSyscallError("pidfd_open", err))
	}
	// The namespace lives and its server has that pid, so the fd means the server.
	again, err := p.dir.Entry(name)
	if err == nil && again.ServerPID() != pid {
		err = fmt.Errorf("namespace %q was replaced meanwhile", name)
	}
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	return server, again, nil
}

func openProcess(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that os.NewFile polls it
		_ = unix.Close(fd)
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	raw, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &process{f, raw}, nil
}

// wait waits for the process's end, or for ctx's, and tells whether it ended. It is for
// one goroutine at a time.
func (s *process) wait(ctx context.Context) bool {
	_ = s.pidfd.SetReadDeadline(time.Time{}) // it is in the poller, which has deadlines
	defer context.AfterFunc(ctx, func() { _ = s.pidfd.SetReadDeadline(time.Unix(1, 0)) })()
	ended := false
	look := func(fd uintptr) { ended = readable(int(fd)) }
	_ = s.raw.Read(func(fd uintptr) bool { look(fd); return ended }) // its failure is the deadline's
	if !ended {
		_ = s.raw.Control(look) // the deadline may have been there first
	}
	return ended
}

// readable tells whether a pidfd's process has ended.
func readable(fd int) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		if err != unix.EINTR {
			return err == nil && n > 0
		}
	}
}

// kill kills the process and waits for its end.
func (s *process) kill() error {
	var err error
	cerr := s.raw.Control(func(fd uintptr) { err = unix.PidfdSendSignal(int(fd), unix.SIGKILL, nil, 0) })
	if cerr != nil {
		return cerr
	}
	if err != nil && err != unix.ESRCH {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	s.wait(context.Background())
	return nil
}

func (s *process) Close() { _ = s.pidfd.Close() } // nothing was written

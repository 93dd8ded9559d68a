package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ptsns/ptsns/rundir"
	"golang.org/x/sys/unix"
)

// processFD is a process by an fd, which never comes to mean another one.
type processFD struct{ fd int }

// findServer finds the server of a living namespace.
func findServer(dir *rundir.Dir, name string) (*processFD, error) {
	entry, err := dir.Entry(name)
	if err != nil {
		return nil, err
	}
	pid := entry.ServerPID()
	if pid == 0 {
		return nil, fmt.Errorf("namespace %q is still being made", name)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH { // it has just ended, or something is wrong
		if _, err := dir.Entry(name); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("find the server of %q: %w", name, os.NewSyscallError("pidfd_open", err))
	}
	// The namespace lives and its server has that pid, so the fd means the server.
	again, err := dir.Entry(name)
	if err == nil && again.ServerPID() != pid {
		err = fmt.Errorf("namespace %q was replaced meanwhile", name)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &processFD{fd}, nil
}

// wait waits for the process's end, or for ctx's, and tells whether it ended.
func (p *processFD) wait(ctx context.Context) bool {
	for {
		ms := -1
		if deadline, ok := ctx.Deadline(); ok {
			ms = max(0, int(time.Until(deadline)/time.Millisecond)+1)
		}
		if ctx.Err() != nil {
			ms = 0
		}
		fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, ms)
		if err == unix.EINTR {
			continue
		}
		return err == nil && n > 0
	}
}

// kill kills the process and waits for its end.
func (p *processFD) kill() error {
	if err := unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	p.wait(context.Background())
	return nil
}

func (p *processFD) Close() { _ = unix.Close(p.fd) }

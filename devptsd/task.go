//go:build linux

package devptsd

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/wait"
)

// task is a process of this machine that has a cloned PTS namespace: the task whose
// reference keeps the namespace until the process ends.
type task struct {
	namespace *devpts.Namespace
	pidfd     int
	forget    func() // ends the registration with the loop
}

// ptsNamespaceOf is the PTS namespace of the process pid, which is cloned for it when it has
// none yet.
func (s *Server) ptsNamespaceOf(pid int) (*devpts.Namespace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[pid]; t != nil {
		return t.namespace, nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, os.NewSyscallError("pidfd_open", err))
	}
	n, err := s.system.Clone()
	if err != nil {
		_ = unix.Close(fd) // of no use
		return nil, err
	}
	t := &task{namespace: n, pidfd: fd}
	t.forget, err = s.loop.Add(fd, wait.In, func(wait.Events) { s.exited(pid, t) })
	if err != nil {
		t.forget = func() {}
		t.close()
		return nil, err
	}
	s.tasks[pid] = t
	return n, nil
}

// ptsNamespaceOfCaller is that of the process or thread pid: its own, or what it has from
// the nearest of its parents that live, and else the first one.
func (s *Server) ptsNamespaceOfCaller(pid int) *devpts.Namespace {
	for range maxParents {
		stat, err := procfs.ReadStat(pid)
		if err != nil {
			break
		}
		status, err := procfs.ReadStatus(pid)
		if err != nil {
			break
		}
		s.mu.Lock()
		t := s.tasks[status.TGID]
		s.mu.Unlock()
		if t != nil {
			return t.namespace
		}
		pid = stat.PPID
	}
	return s.system.InitialNamespace()
}

// maxParents ends the search when parents change while it goes on.
const maxParents = 1000

// exited is the end of a process, from the event loop. The namespace lives on while a
// terminal in it is open.
func (s *Server) exited(pid int, t *task) {
	s.mu.Lock()
	mine := s.tasks[pid] == t
	if mine {
		delete(s.tasks, pid)
	}
	s.mu.Unlock()
	if mine {
		t.close()
	}
}

// close drops the task's reference.
func (t *task) close() {
	t.forget()
	_ = unix.Close(t.pidfd)
	_ = t.namespace.Put() // it is the task's own
}

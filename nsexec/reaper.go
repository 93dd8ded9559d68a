//go:build linux

package nsexec

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// reaper is pid 1 of the pid namespace, as the supervisor knows it. When it ends,
// the kernel kills everything in the namespace.
type reaper struct {
	pid  int
	life *os.File // it lives as long as this is open
}

// reaperFD is where a reaper says how it went.
const reaperFD = 3

// startReaper makes a pid namespace for the children of this thread and starts its
// pid 1, which mounts /proc. The thread must be locked and live on: the reaper dies
// with it.
func startReaper(name string) (*reaper, error) {
	if err := unix.Unshare(unix.CLONE_NEWPID); err != nil {
		return nil, fmt.Errorf("pid namespaces are not available: %w", err)
	}
	hold, life, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer hold.Close()
	pid, err := forkReaper(name, hold)
	if err != nil {
		_ = life.Close() // nobody holds the other end, or not for long
		return nil, err
	}
	return &reaper{pid: pid, life: life}, nil
}

// forkReaper starts pid 1 with hold as its standard input and waits until it is
// ready.
func forkReaper(name string, hold *os.File) (pid int, err error) {
	result, report, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer result.Close()
	pid, err = syscall.ForkExec(selfExe, []string{reaperArg0, name}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{hold.Fd(), 1, 2, report.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	_ = report.Close() // the reaper's end of it is the one that counts
	if err != nil {
		return 0, selfError("starting pid 1", err)
	}
	var failure wireError
	if err := gob.NewDecoder(result).Decode(&failure); err != nil {
		return 0, fmt.Errorf("listening to pid 1: %w", err)
	}
	if failure.Text != "" {
		return 0, fmt.Errorf("mounting /proc of the pid namespace: %w", failure.err())
	}
	return pid, nil
}

// reaperMain is the life of pid 1. Its children, the orphans of the namespace, are
// reaped by the kernel, since it ignores SIGCHLD.
func reaperMain() {
	setComm()
	closeInherited(reaperFD)
	ownSignals()
	signal.Ignore(syscall.SIGCHLD)
	report := os.NewFile(reaperFD, "supervisor")
	var w wireError
	if err := mountProc(); err != nil {
		w = *toWire(err)
	}
	if err := gob.NewEncoder(report).Encode(w); err != nil {
		os.Exit(1)
	}
	_ = report.Close() // nothing more to say
	// After a failure this is the end too: nobody holds the other end.
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

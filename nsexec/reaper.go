//go:build linux

package nsexec

import (
	"encoding/gob"
	"errors"
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
	result, report, err := os.Pipe()
	if err != nil {
		_ = life.Close() // nobody holds the other end
		return nil, err
	}
	defer result.Close()
	pid, err := syscall.ForkExec(selfExe, []string{reaperArg0, name}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{hold.Fd(), 1, 2, report.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	_ = report.Close() // the reaper's end of it is the one that counts
	if err != nil {
		_ = life.Close() // nobody holds the other end
		return nil, fmt.Errorf("starting pid 1: %w", err)
	}
	r := &reaper{pid: pid, life: life}
	var failure wireError
	switch err := gob.NewDecoder(result).Decode(&failure); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("pid 1 ended at once")
	case err != nil:
		return nil, fmt.Errorf("listening to pid 1: %w", err)
	case failure.Text != "":
		return nil, fmt.Errorf("mounting /proc: %w", failure.err())
	}
	return r, nil
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
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

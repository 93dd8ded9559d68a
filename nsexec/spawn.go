//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// The processes are this executable; argv[0] says what it is to be.
const (
	supervisorArg0 = "ptsns-supervisor"
	reaperArg0     = "ptsns-reaper"
	selfExe        = "/proc/self/exe"
)

// socketFD is where a supervisor finds its socket.
const socketFD = 3

// Main is the first call of main in every executable that uses Start, and of its
// TestMain. In a process that Start made it does that process's work and never
// returns; in any other it returns at once.
func Main() {
	switch os.Args[0] {
	case supervisorArg0:
		supervisorMain()
	case reaperArg0:
		reaperMain()
	}
}

// spawn starts a supervisor in a new mount namespace, and a user namespace when
// that is asked for, with theirs as its socket.
func spawn(cfg Config, theirs *os.File) (*os.Process, error) {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Setsid: true}
	if cfg.UserNS {
		newUserNS(attr, os.Geteuid(), os.Getegid())
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	p, err := os.StartProcess(selfExe, []string{supervisorArg0, cfg.Name}, &os.ProcAttr{
		Dir:   "/",
		Env:   os.Environ(),
		Files: []*os.File{null, null, os.Stderr, theirs},
		Sys:   attr,
	})
	if err != nil {
		return nil, namespaceError(cfg, err)
	}
	return p, nil
}

// selfError is why this executable could not be started again inside. It is there by
// all means, so what is missing is the loader that a dynamically linked one needs.
func selfError(doing string, err error) error {
	if errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("%s: the root has no loader for a dynamically linked ptsns (build it with CGO_ENABLED=0): %w", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// newUserNS makes attr start its process in a user namespace where 0 is uid and
// gid outside.
func newUserNS(attr *syscall.SysProcAttr, uid, gid int) {
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	attr.GidMappingsEnableSetgroups = false
}

// namespaceError says what err, which making namespaces gave, means to a person.
func namespaceError(cfg Config, err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	kind := "mount"
	if cfg.UserNS {
		kind = "user"
	}
	switch errno {
	case syscall.EPERM, syscall.EACCES, syscall.ENOSYS, syscall.EINVAL:
		return fmt.Errorf("%s namespaces are not available: %w", kind, errno)
	case syscall.ENOSPC, syscall.EUSERS:
		return fmt.Errorf("%s namespaces are not available: no more are allowed (user.max_%s_namespaces): %w",
			kind, map[string]string{"mount": "mnt", "user": "user"}[kind], errno)
	}
	return fmt.Errorf("starting the supervisor: %w", errno)
}

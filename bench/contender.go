//go:build linux

package bench

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/kpts"
)

// kernelName is the contender that the others are compared with.
const kernelName = "kernel"

// Instance is a contender: an instance of devpts and the ptmx that leads to it.
type Instance struct {
	name   string   // immutable
	dir    *os.File // the instance's root; immutable
	ptmx   string   // relative to dir, or absolute; immutable
	server int      // pid of the process that serves it, 0 for the kernel; immutable
}

// Kernel makes an instance of devpts of its own, which needs CAP_SYS_ADMIN, and
// nothing between it and who opens it.
func Kernel() (*Instance, error) {
	dir, err := kpts.Mount("ptsns-bench", "newinstance,ptmxmode=600,mode=600")
	if err != nil {
		return nil, err
	}
	return &Instance{name: kernelName, dir: dir, ptmx: "ptmx"}, nil
}

// System is what /dev/ptmx and /dev/pts are for this process, under a name that says
// what that is. server is the pid of the process that serves it, 0 for the kernel.
func System(name string, server int) (*Instance, error) {
	return at(name, "/dev/pts", "/dev/ptmx", server)
}

// Mount is the instance that is mounted at path, as ptsns mount does it, and served by the
// process server.
func Mount(path string, server int) (*Instance, error) {
	return at("mount", path, "ptmx", server)
}

func at(name, path, ptmx string, server int) (*Instance, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &Instance{name: name, dir: dir, ptmx: ptmx, server: server}, nil
}

// Name says which contender it is.
func (i *Instance) Name() string { return i.name }

func (i *Instance) serverPID() int { return i.server }

// Close lets go of the instance. Pairs that are open stay so.
func (i *Instance) Close() error { return i.dir.Close() }

// Open opens a pair, with the system calls of posix_openpt, unlockpt and ptsname.
func (i *Instance) Open() (ptm, pts int, err error) {
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	dir := int(i.dir.Fd())
	ptm, err = retry(func() (int, error) { return unix.Openat(dir, i.ptmx, flags, 0) })
	if err != nil {
		return -1, -1, fmt.Errorf("open ptmx: %w", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(ptm) // nothing was written
		}
	}()
	if err := unix.IoctlSetPointerInt(ptm, unix.TIOCSPTLCK, 0); err != nil {
		return -1, -1, fmt.Errorf("unlock the pts: %w", err)
	}
	index, err := unix.IoctlGetUint32(ptm, unix.TIOCGPTN)
	if err != nil {
		return -1, -1, fmt.Errorf("ask for the index: %w", err)
	}
	pts, err = retry(func() (int, error) { return unix.Openat(dir, strconv.Itoa(int(index)), flags, 0) })
	if err != nil {
		return -1, -1, fmt.Errorf("open pts %d: %w", index, err)
	}
	return ptm, pts, nil
}

// retry repeats a system call that a signal interrupts.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

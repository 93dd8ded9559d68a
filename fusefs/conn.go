//go:build linux

package fusefs

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
)

// takeOver closes f and returns a non-blocking descriptor of the same open file.
func takeOver(f *os.File) (int, error) {
	defer f.Close()
	conn, err := f.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("taking over the FUSE descriptor: %w", err)
	}
	fd := -1
	cerr := conn.Control(func(old uintptr) {
		if fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			err = unix.SetNonblock(fd, true)
		}
	})
	if err = errors.Join(cerr, err); err != nil {
		if fd >= 0 {
			_ = unix.Close(fd) // of no use
		}
		return -1, fmt.Errorf("taking over the FUSE descriptor: %w", err)
	}
	return fd, nil
}

// requests reads and answers a request, if there is one, and tells whether there was.
func (d *Door) requests() bool {
	n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(d.fd), uintptr(unsafe.Pointer(&d.in[0])), uintptr(len(d.in)))
	switch err {
	case 0:
		d.dispatch(d.in[:n], d.out)
		return true
	case unix.ENODEV: // the mount is gone, and says so for ever
		d.leaveLoop()
		if gone := d.gone; gone != nil {
			d.gone = nil
			gone()
		}
	}
	return false // EAGAIN; EINTR; ENOENT: the request was withdrawn while we read it
}

// reply sends msg, whose first OutHeaderSize bytes are for the header. It tells whether
// there was somebody to take the answer.
func (d *Door) reply(unique uint64, msg []byte) bool {
	wire.PutOutHeader(msg, len(msg), 0, unique)
	return d.send(msg)
}

func (d *Door) replyOK(unique uint64) {
	var b [wire.OutHeaderSize]byte
	d.reply(unique, b[:])
}

// replyError answers with the errno that err is or wraps, EIO when it has none.
func (d *Door) replyError(unique uint64, err error) {
	var b [wire.OutHeaderSize]byte
	wire.PutOutHeader(b[:], len(b), int32(errnoOf(err)), unique)
	d.send(b[:])
}

// errnoOf makes of err what the kernel takes: numbers from 1 to 511 only, for others
// would leave its caller waiting for more. A call that is to be restarted is only
// interrupted, because an answer through FUSE cannot ask for a restart.
func errnoOf(err error) unix.Errno {
	errno, plain := err.(unix.Errno)
	if !plain {
		errno = wrapped(err)
	}
	switch {
	case errno == unix.Errno(pts.ERESTARTSYS):
		return unix.EINTR
	case errno == 0 || errno >= 512:
		return unix.EIO
	}
	return errno
}

func wrapped(err error) unix.Errno {
	var errno unix.Errno
	var ours pts.Errno
	if errors.As(err, &errno) || !errors.As(err, &ours) {
		return errno // 0 is what it is when there is none
	}
	return unix.Errno(ours)
}

// send writes one message and tells whether it was taken. That it was not means that
// the asker or the mount is gone, which the reading side learns by itself. Writing never
// blocks: what is sent is copied to who waits for it.
func (d *Door) send(msg []byte) bool {
	for {
		_, _, err := unix.RawSyscall(unix.SYS_WRITE, uintptr(d.fd), uintptr(unsafe.Pointer(&msg[0])), uintptr(len(msg)))
		if err != unix.EINTR {
			return err == 0
		}
	}
}

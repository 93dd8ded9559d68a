//go:build linux

package kpts

import (
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// PTM is the open ptm of a kernel pair. It implements pts.End. Its file descriptor
// is non-blocking and never leaves the type.
type PTM struct{ end }

// PTS is an open pts of a kernel pair, of the same kind.
type PTS struct{ end }

// end is what both are.
type end struct {
	index  int    // immutable
	fills  bool   // a read goes on until its buffer is full; immutable
	forget func() // immutable: ends the registration with the loop
	queue  wait.Queue

	mu     sync.RWMutex // held shared while fd is in use, exclusively to close it
	fd     int          // guarded by mu; -1 once closed
	packet atomic.Bool  // TIOCPKT is on, so each read is one packet
}

// shortRead is a quarter of N_TTY's buffer, which is what one read(2) of a ptm gives at
// most. After a read of less there is as good as never more.
const shortRead = 1024

// nowhere is an address at which nobody has memory: the kernel says of a structure there
// what it says of a bad one, when it comes to look.
const nowhere = 1

// endEvents is what an end is registered for: each edge wakes its queue once, so that
// edge-triggered epoll works for the processes behind it too.
const endEvents = wait.In | wait.Pri | wait.Out | wait.RdHup

// newPTM takes over fd, a ptm opened with O_NONBLOCK.
func newPTM(fd int, loop *epoll.Loop) (*PTM, error) {
	index, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		_ = unix.Close(fd) // the first error is the one that tells
		return nil, os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	m := &PTM{end{index: index, fills: true, fd: fd}}
	if err := m.register(loop); err != nil {
		return nil, err
	}
	return m, nil
}

// newPTS takes over fd, the pts of terminal index opened with O_NONBLOCK.
func newPTS(fd, index int, loop *epoll.Loop) (*PTS, error) {
	s := &PTS{end{index: index, fd: fd}}
	if err := s.register(loop); err != nil {
		return nil, err
	}
	return s, nil
}

// register adds the end to loop, or closes it.
func (e *end) register(loop *epoll.Loop) (err error) {
	if e.forget, err = loop.Add(e.fd, endEvents, e.queue.Wake); err != nil {
		_ = unix.Close(e.fd) // the first error is the one that tells
	}
	return err
}

// Index is the terminal's number in its instance.
func (e *end) Index() int { return e.index }

// Read takes what the other side has written. Of a ptm the kernel hands out at most
// 4096 bytes at a time; Read asks again until p is full or little was left, except in
// packet mode, where each read is a packet of its own, as each line is to a pts. EIO of
// a ptm means that no pts is open any more, though one was.
func (e *end) Read(p []byte) (int, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.fd < 0 {
		return 0, unix.EBADF
	}
	total := 0
	for {
		n, err := ignoringEINTR(func() (int, error) { return unix.Read(e.fd, p[total:]) })
		if err != nil {
			if total > 0 {
				return total, nil // the error stands, and the next read meets it
			}
			return 0, err
		}
		total += n
		if !e.fills || n < shortRead || total == len(p) || e.packet.Load() {
			return total, nil
		}
	}
}

// Write gives p to the line discipline.
func (e *end) Write(p []byte) (int, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.fd < 0 {
		return 0, unix.EBADF
	}
	return ignoringEINTR(func() (int, error) { return unix.Write(e.fd, p) })
}

// Ioctl performs a request whose argument is a structure in arg, or a number. An arg that
// is too short is a bad address.
// Whether it is allowed to c is the caller's business: the kernel sees this process.
func (e *end) Ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	r, known := pts.LookupIoctl(req)
	if !known {
		return 0, unix.ENOTTY
	}
	if r.Dir == pts.IoctlValue && len(arg) < r.Size {
		return 0, unix.EFAULT
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.fd < 0 {
		return 0, unix.EBADF
	}
	var n uintptr
	var errno unix.Errno
	switch {
	case r.Dir == pts.IoctlValue:
		n, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(e.fd), uintptr(req), uintptr(binary.LittleEndian.Uint64(arg)))
	case len(arg) < r.Size:
		n, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(e.fd), uintptr(req), nowhere)
	default:
		n, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(e.fd), uintptr(req), uintptr(unsafe.Pointer(unsafe.SliceData(arg))))
	}
	if errno != 0 {
		return 0, errno
	}
	if req == pts.TIOCPKT {
		e.packet.Store(binary.LittleEndian.Uint32(arg) != 0)
	}
	return int(n), nil
}

// Poll asks the kernel for the readiness now.
func (e *end) Poll() wait.Events {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.fd < 0 {
		return wait.Err
	}
	const all = wait.In | wait.Pri | wait.Out | wait.RdNorm | wait.WrNorm | wait.RdHup
	fds := []unix.PollFd{{Fd: int32(e.fd), Events: int16(all)}}
	if _, err := ignoringEINTR(func() (int, error) { return unix.Poll(fds, 0) }); err != nil {
		return wait.Err
	}
	return wait.Events(uint16(fds[0].Revents))
}

// Notify calls f on the loop at each edge within mask.
func (e *end) Notify(mask wait.Events, f func(wait.Events)) (stop func()) {
	return e.queue.Notify(mask, f)
}

// Close closes the end. With that of the ptm its node goes, and its pts side is hung up.
func (e *end) Close() error {
	e.mu.Lock()
	fd := e.fd
	e.fd = -1
	e.mu.Unlock()
	if fd < 0 {
		return unix.EBADF
	}
	e.forget()
	return os.NewSyscallError("close", unix.Close(fd))
}

// ignoringEINTR repeats a system call that a signal to this process interrupted.
func ignoringEINTR(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			if err != nil {
				n = 0
			}
			return n, err
		}
	}
}

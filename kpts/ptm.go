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
type PTM struct {
	index  int    // immutable
	forget func() // immutable: ends the registration with the loop
	queue  wait.Queue

	mu     sync.RWMutex // held shared while fd is in use, exclusively to close it
	fd     int          // guarded by mu; -1 once closed
	packet atomic.Bool  // TIOCPKT is on, so each read is one packet
}

// shortRead is a quarter of N_TTY's buffer, which is what one read(2) of a ptm gives at
// most. After a read of less there is as good as never more.
const shortRead = 1024

// ptmEvents is what a ptm is registered for: each edge wakes its queue once, so that
// edge-triggered epoll works for the processes behind it too.
const ptmEvents = wait.In | wait.Pri | wait.Out | wait.RdHup

// newPTM takes over fd, a ptm opened with O_NONBLOCK.
func newPTM(fd int, loop *epoll.Loop) (*PTM, error) {
	index, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		_ = unix.Close(fd) // the first error is the one that tells
		return nil, os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	m := &PTM{index: index, fd: fd}
	if m.forget, err = loop.Add(fd, ptmEvents, m.queue.Wake); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return m, nil
}

// Index is the terminal's number in its instance.
func (m *PTM) Index() int { return m.index }

// Read takes what the pts side has written. The kernel hands out at most
// 4096 bytes at a time; Read asks again until p is full or little was left, except in
// packet mode, where each read is a packet of its own. EIO means that no pts is
// open any more, though one was.
func (m *PTM) Read(p []byte) (int, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.fd < 0 {
		return 0, unix.EBADF
	}
	total := 0
	for {
		n, err := ignoringEINTR(func() (int, error) { return unix.Read(m.fd, p[total:]) })
		if err != nil {
			if total > 0 {
				return total, nil // the error stands, and the next read meets it
			}
			return 0, err
		}
		total += n
		if n < shortRead || total == len(p) || m.packet.Load() {
			return total, nil
		}
	}
}

// Write gives p to the line discipline of the pts.
func (m *PTM) Write(p []byte) (int, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.fd < 0 {
		return 0, unix.EBADF
	}
	return ignoringEINTR(func() (int, error) { return unix.Write(m.fd, p) })
}

// Ioctl performs a request whose argument is a structure in arg, or a number.
// Whether it is allowed to c is the caller's business: the kernel sees this process.
func (m *PTM) Ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	r, known := pts.LookupIoctl(req)
	if !known {
		return 0, unix.ENOTTY
	}
	if len(arg) < r.Size {
		return 0, unix.EINVAL
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.fd < 0 {
		return 0, unix.EBADF
	}
	var n uintptr
	var errno unix.Errno
	if r.Dir == pts.IoctlValue {
		n, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(m.fd), uintptr(req), uintptr(binary.LittleEndian.Uint64(arg)))
	} else {
		n, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(m.fd), uintptr(req), uintptr(unsafe.Pointer(unsafe.SliceData(arg))))
	}
	if errno != 0 {
		return 0, errno
	}
	if req == pts.TIOCPKT {
		m.packet.Store(binary.LittleEndian.Uint32(arg) != 0)
	}
	return int(n), nil
}

// Poll asks the kernel for the readiness now.
func (m *PTM) Poll() wait.Events {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.fd < 0 {
		return wait.Err
	}
	const all = wait.In | wait.Pri | wait.Out | wait.RdNorm | wait.WrNorm | wait.RdHup
	fds := []unix.PollFd{{Fd: int32(m.fd), Events: int16(all)}}
	if _, err := ignoringEINTR(func() (int, error) { return unix.Poll(fds, 0) }); err != nil {
		return wait.Err
	}
	return wait.Events(uint16(fds[0].Revents))
}

// Notify calls f on the loop at each edge within mask.
func (m *PTM) Notify(mask wait.Events, f func(wait.Events)) (stop func()) {
	return m.queue.Notify(mask, f)
}

// Close closes the ptm: its node goes, and its pts side is hung up.
func (m *PTM) Close() error {
	m.mu.Lock()
	fd := m.fd
	m.fd = -1
	m.mu.Unlock()
	if fd < 0 {
		return unix.EBADF
	}
	m.forget()
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

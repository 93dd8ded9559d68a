//go:build linux

// Package fusefs is the door to the operating system: it serves the file that is
// mounted over /dev/ptmx, so that every terminal opened through it is ours to pass on.
//
// It is not a FUSE library. The kernel's protocol is in internal/wire; this package
// knows one file, and what read, write, poll and ioctl of a ptm mean on it.
//
// Requests are read and answered on the caller's event loop, which never blocks on a
// terminal. What cannot be answered yet is parked in its handle, and the terminal's owner
// calls back when it is worth another look. Requests that touch the caller's memory
// run on goroutines of their own, because that memory may answer as slowly as the
// caller likes.
//
// Lock order: Door.mu and handle.mu are never held together; handle.mu is held over
// the calls of pts.End, whose own locks are below. No lock is held while an answer is
// written.
//
// A process that serves a door must not open, stat by path or execute through its own
// mount: it would wait for itself.
package fusefs

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// Ptmx is what stands behind the file: a clone device whose opening makes a pair. Its
// methods must not block for long and may be called at once.
type Ptmx interface {
	// OpenPtmx opens a pair for c with the flags of open(2).
	OpenPtmx(c pts.Caller, flags int) (pts.End, error)
	// Stat describes the node that the file stands for; its type and size are ignored.
	Stat() (unix.Stat_t, error)
	Chmod(mode uint32) error
	Chown(uid, gid int) error
}

const (
	maxPages      = 32 // of 4 KiB: one read or write moves up to 128 KiB
	maxTransfer   = maxPages * 4096
	requestSize   = maxTransfer + 4096
	maxBackground = 64
	maxMemoryOps  = 64 // requests in callers' memory at once
)

// Door serves one FUSE connection.
type Door struct {
	fd     int // /dev/fuse, non-blocking
	ptmx   Ptmx
	userNS bool
	forget func() // ends the registration with the loop

	in, out []byte // used by the loop alone

	mu      sync.Mutex
	handles map[uint64]*handle // guarded by mu
	nextFH  uint64             // guarded by mu

	memory chan struct{} // a slot for each request that is in a caller's memory
	work   sync.WaitGroup
	once   sync.Once
}

// Serve answers requests on fuse, an open /dev/fuse that is mounted as one file, from
// loop. It takes fuse over. With userNS the mount belongs to a user namespace that
// maps only our own ids, so every opener is us. It returns at once.
func Serve(fuse *os.File, ptmx Ptmx, userNS bool, loop *epoll.Loop) (*Door, error) {
	conn, err := fuse.SyscallConn()
	if err != nil {
		return nil, err
	}
	d := &Door{ptmx: ptmx, userNS: userNS, handles: make(map[uint64]*handle), nextFH: 1,
		in: make([]byte, requestSize), out: make([]byte, wire.OutHeaderSize+maxTransfer),
		memory: make(chan struct{}, maxMemoryOps)}
	var dupErr error
	if err := conn.Control(func(fd uintptr) {
		d.fd, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, fmt.Errorf("duplicating the FUSE descriptor: %w", dupErr)
	}
	_ = fuse.Close() // d.fd stands for it now
	if err := unix.SetNonblock(d.fd, true); err != nil {
		_ = unix.Close(d.fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	if d.forget, err = loop.Add(d.fd, wait.In, d.requests); err != nil {
		_ = unix.Close(d.fd)
		return nil, err
	}
	return d, nil
}

// requests reads and answers what there is.
func (d *Door) requests(wait.Events) {
	for {
		n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(d.fd), uintptr(unsafe.Pointer(&d.in[0])), uintptr(len(d.in)))
		switch err {
		case 0:
			d.dispatch(d.in[:n], d.out)
		case unix.EINTR, unix.ENOENT: // ENOENT: the request was withdrawn while we read it
		default: // EAGAIN: no more for now; ENODEV: the mount is gone
			return
		}
	}
}

// Close stops serving: every request in flight and every later one fails with
// ECONNABORTED, and all ends that were opened through the door are closed. It is
// called after the loop has ended, or from it.
func (d *Door) Close() {
	d.once.Do(func() {
		d.forget()
		d.mu.Lock()
		handles := d.handles
		d.handles = nil
		d.mu.Unlock()
		for _, h := range handles {
			h.release()
		}
		d.work.Wait()
		_ = unix.Close(d.fd) // aborts the connection; there is nobody to tell
	})
}

// dispatch answers one request, or parks it, or leaves it to a goroutine. msg is
// reused once it returns.
func (d *Door) dispatch(msg, out []byte) {
	in, err := wire.ParseIn(msg)
	if err != nil {
		return // no header, nobody to answer
	}
	switch in.Op {
	case wire.OpForget, wire.OpBatchForget:
		return // these have no answer
	case wire.OpInit:
		d.init(in, out)
	case wire.OpDestroy, wire.OpAccess, wire.OpFlush:
		d.replyOK(in.Unique)
	case wire.OpGetattr:
		d.getattr(in, out)
	case wire.OpSetattr:
		d.setattr(in, out)
	case wire.OpStatfs:
		d.reply(in.Unique, wire.AppendStatfsOut(out[:wire.OutHeaderSize]))
	case wire.OpOpen:
		d.open(in, out)
	case wire.OpRelease:
		d.release(in)
	case wire.OpRead:
		d.read(in, out)
	case wire.OpWrite:
		d.write(in, out)
	case wire.OpPoll:
		d.poll(in, out)
	case wire.OpIoctl:
		d.ioctl(in, out)
	case wire.OpInterrupt:
		d.interrupt(in)
	case wire.OpFsync:
		d.replyError(in.Unique, unix.EINVAL) // as a terminal does
	case wire.OpFallocate:
		d.replyError(in.Unique, unix.ENODEV)
	case wire.OpGetxattr, wire.OpListxattr:
		d.replyError(in.Unique, unix.EOPNOTSUPP)
	default:
		d.replyError(in.Unique, unix.ENOSYS)
	}
}

func (d *Door) init(in wire.In, out []byte) {
	i, err := wire.ParseInit(in.Body)
	if err != nil || i.Major != wire.Major {
		d.replyError(in.Unique, unix.EPROTO)
		return
	}
	flags := i.Flags & (wire.InitAsyncRead | wire.InitBigWrites | wire.InitMaxPages)
	d.reply(in.Unique, wire.AppendInit(out[:wire.OutHeaderSize], min(i.Minor, wire.Minor), flags, 0, maxBackground, maxPages))
}

// handle finds the open file fh, or answers EBADF.
func (d *Door) handle(in wire.In, fh uint64) *handle {
	d.mu.Lock()
	h := d.handles[fh]
	d.mu.Unlock()
	if h == nil {
		d.replyError(in.Unique, unix.EBADF)
	}
	return h
}

// reply sends msg, whose first OutHeaderSize bytes are for the header.
func (d *Door) reply(unique uint64, msg []byte) {
	wire.PutOutHeader(msg, len(msg), 0, unique)
	d.send(msg)
}

func (d *Door) replyOK(unique uint64) {
	var b [wire.OutHeaderSize]byte
	d.reply(unique, b[:])
}

// replyError answers with the errno that err is or wraps, EIO when it has none.
func (d *Door) replyError(unique uint64, err error) {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		errno = unix.EIO
	}
	var b [wire.OutHeaderSize]byte
	wire.PutOutHeader(b[:], len(b), int32(errno), unique)
	d.send(b[:])
}

// send writes one message. Its errors tell that the asker or the mount is gone, which
// the reading side learns by itself.
func (d *Door) send(msg []byte) {
	for {
		if _, err := unix.Write(d.fd, msg); err != unix.EINTR {
			return
		}
	}
}

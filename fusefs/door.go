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
// Lock order: Door.mu, handle.mu and the lock of turns are never held together. The
// loop's lock is below Door.mu; handle.mu is held over the calls of pts.End, whose own
// locks are below. No lock is held while an answer is written.
//
// A process that serves a door must not open, stat by path or execute through its own
// mount: it would wait for itself. All opens share one inode, and the kernel holds that
// inode's lock, shared, during a write that blocks: what needs it exclusively (chmod,
// chown, fsync, truncation) waits for that write, and holds up later ones.
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
	pageSize    = 4096
	maxPages    = 32 // one read or write moves up to 128 KiB
	maxTransfer = maxPages * pageSize
	requestSize = maxTransfer + pageSize

	// maxBackground bounds the requests that nobody waits for, which are the releases.
	// Those beyond it would be held back behind later opens, which then would not find
	// their indices free.
	maxBackground = 1<<16 - 1
)

// Door serves one FUSE connection.
type Door struct {
	fd     int // /dev/fuse, non-blocking; immutable, like ptmx and userNS
	ptmx   Ptmx
	userNS bool

	in, out []byte // used by the loop alone

	mu      sync.Mutex
	forget  func()                // guarded by mu; ends the registration with the loop
	handles map[uint64]*handle    // guarded by mu; nil once closed
	nextFH  uint64                // guarded by mu
	aside   map[uint64]*asideCall // guarded by mu; requests on goroutines, by unique; nil once closed

	turns     turns          // who may be in callers' memory now
	answering sync.WaitGroup // goroutines that are about to answer
	once      sync.Once
}

// Serve answers requests on fuse, an open /dev/fuse that is mounted as one file, from
// loop. It takes fuse over, also when it fails. With userNS the mount belongs to a user
// namespace that maps only our own ids, so every opener is us. It returns at once.
func Serve(fuse *os.File, ptmx Ptmx, userNS bool, loop *epoll.Loop) (*Door, error) {
	fd, err := takeOver(fuse)
	if err != nil {
		return nil, err
	}
	d := newDoor(fd, ptmx, userNS)
	d.mu.Lock() // the first request may come before we know how to be forgotten
	d.forget, err = loop.AddEager(fd, wait.In, d.requests)
	d.mu.Unlock()
	if err != nil {
		_ = unix.Close(fd) // nobody was served
		return nil, err
	}
	return d, nil
}

func newDoor(fd int, ptmx Ptmx, userNS bool) *Door {
	return &Door{fd: fd, ptmx: ptmx, userNS: userNS, forget: func() {}, nextFH: 1,
		handles: make(map[uint64]*handle), aside: make(map[uint64]*asideCall),
		in: make([]byte, requestSize), out: make([]byte, wire.OutHeaderSize+maxTransfer)}
}

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
	}
	return false // EAGAIN; EINTR; ENOENT: the request was withdrawn while we read it
}

// Close stops serving: every request in flight and every later one fails with
// ECONNABORTED, and all ends that were opened through the door are closed. It is
// called after the loop has ended, or from it. It does not wait for goroutines that a
// caller's memory holds up; those end with it and touch nothing of ours any more.
func (d *Door) Close() {
	d.once.Do(func() {
		d.leaveLoop()
		d.mu.Lock()
		handles := d.handles
		d.handles, d.aside = nil, nil
		d.mu.Unlock()
		d.answering.Wait() // so that no answer goes to a stranger's descriptor
		for _, h := range handles {
			h.release()
		}
		_ = unix.Close(d.fd) // aborts the connection; there is nobody to tell
	})
}

func (d *Door) leaveLoop() {
	d.mu.Lock()
	forget := d.forget
	d.mu.Unlock()
	forget()
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
	case wire.OpDestroy, wire.OpFlush:
		d.replyOK(in.Unique)
	case wire.OpAccess:
		d.access(in)
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
		d.ioctl(in)
	case wire.OpInterrupt:
		d.interrupt(in)
	case wire.OpFsync:
		d.replyError(in.Unique, unix.EINVAL) // as a terminal does
	case wire.OpFallocate:
		d.replyError(in.Unique, unix.ENODEV)
	default:
		d.replyError(in.Unique, unix.ENOSYS) // the kernel does not ask again, or says EOPNOTSUPP
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

// replyError answers with the errno that err is or wraps, EIO when it has none. The
// kernel takes numbers from 1 to 511 only, and would leave its caller waiting for more.
func (d *Door) replyError(unique uint64, err error) {
	errno, plain := err.(unix.Errno)
	if !plain {
		errno = wrapped(err)
	}
	if errno == 0 || errno >= 512 {
		errno = unix.EIO
	}
	var b [wire.OutHeaderSize]byte
	wire.PutOutHeader(b[:], len(b), int32(errno), unique)
	d.send(b[:])
}

func wrapped(err error) unix.Errno {
	var errno unix.Errno
	_ = errors.As(err, &errno) // 0 is what it is when there is none
	return errno
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

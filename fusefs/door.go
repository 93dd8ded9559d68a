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
	"os"
	"sync"

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

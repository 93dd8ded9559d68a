//go:build linux

// Package fusefs is the door to the operating system: it serves terminals of ours as
// files that any program opens. Serve is a mount of one file, to be put over /dev/ptmx,
// behind which stands a ptmx of the kernel's. ServeTree is a mount of a directory, an
// instance of virtual terminals with its ptmx, its pts and its tty.
//
// It is not a FUSE library. The kernel's protocol is in internal/wire; this package
// knows terminals, and what open, read, write, poll and ioctl mean on them.
//
// Requests are read and answered on the caller's event loop, which never blocks on a
// terminal. What cannot be answered yet waits without a goroutine: the read or write of
// a virtual end is started, and answered by whoever ends it (started.go); that of a
// kernel's is parked in its handle until the end calls back (parked.go). Requests that
// touch the caller's memory run on goroutines of their own, because that memory may
// answer as slowly as the caller likes.
//
// Lock order: Door.mu, handle.mu and the lock of turns are never held together. The
// loop's lock is below Door.mu; handle.mu is held over the reads and writes of ends that
// are parked for, whose own locks are below. No lock is held while an answer is written,
// nor over any call of a virtual end, which may notify us before it returns.
//
// A process that serves a door must not open, stat by path or execute through its own
// mount: it would wait for itself. All opens of a file share one inode, and the kernel
// holds that inode's lock, shared, during a write that blocks: what needs it exclusively
// (chmod, chown, fsync, truncation) waits for that write, and holds up later ones.
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
	fd      int                                // /dev/fuse, non-blocking; immutable, like the next four
	root    Node                               // what is mounted: a file or a Dir
	rules   rules                              // how ends are asked
	callers func(pid, uid, gid int) pts.Caller // who asks; nil: callers of ours
	userNS  bool

	in, out []byte            // used by the loop alone, like known
	known   map[uint64]*known // nodes but the root, by number without asMade
	gone    func()            // what is to be done when the mount is gone; nil: nothing, or it is done. Used by the loop alone

	mu      sync.Mutex
	forget  func()                // guarded by mu; ends the registration with the loop
	handles map[uint64]*handle    // guarded by mu; nil once closed
	dirs    map[uint64]*listing   // guarded by mu; open directories; nil once closed
	nextFH  uint64                // guarded by mu
	aside   map[uint64]*asideCall // guarded by mu; requests on goroutines, by unique; nil once closed
	started map[uint64]*started   // guarded by mu; reads and writes under way in ends, by unique
	spare   []*started            // guarded by mu; over, to be used again

	turns     turns          // who may be in callers' memory now
	answering sync.WaitGroup // what is about to answer: goroutines, and all that is started
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
	return serve(newDoor(fd, ptmx, userNS), loop)
}

// ServeTree answers requests on fuse, an open /dev/fuse that is mounted as a directory,
// from loop. It takes fuse over, also when it fails. What callers gives is asked with
// what each request asks: pid is the thread's in our pid namespace, 0 when it has none
// there, the ids are those of its files. Ids are the mount's user namespace's, these and
// those that nodes tell. Callers may be called on any goroutine and must not block for
// long. gone is called on the loop once nothing is mounted and nothing of it open any
// more, and may close the door; nil is nothing. ServeTree returns at once.
func ServeTree(fuse *os.File, root Dir, callers func(pid, uid, gid int) pts.Caller, loop *epoll.Loop, gone func()) (*Door, error) {
	fd, err := takeOver(fuse)
	if err != nil {
		return nil, err
	}
	d := newTree(fd, root, callers)
	d.gone = gone
	return serve(d, loop)
}

func serve(d *Door, loop *epoll.Loop) (_ *Door, err error) {
	d.mu.Lock() // the first request may come before we know how to be forgotten
	d.forget, err = loop.AddEager(d.fd, wait.In, d.requests)
	d.mu.Unlock()
	if err != nil {
		_ = unix.Close(d.fd) // nobody was served
		return nil, err
	}
	return d, nil
}

func newDoor(fd int, ptmx Ptmx, userNS bool) *Door {
	d := newConn(fd)
	d.root, d.rules, d.userNS = ptmxNode{ptmx}, kernelRules{}, userNS
	return d
}

func newTree(fd int, root Dir, callers func(pid, uid, gid int) pts.Caller) *Door {
	d := newConn(fd)
	d.root, d.rules, d.callers = root, virtualRules{callers}, callers
	return d
}

func newConn(fd int) *Door {
	return &Door{fd: fd, forget: func() {}, nextFH: 1, known: make(map[uint64]*known),
		handles: make(map[uint64]*handle), dirs: make(map[uint64]*listing),
		aside: make(map[uint64]*asideCall), started: make(map[uint64]*started),
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
		d.handles, d.dirs, d.aside = nil, nil, nil
		d.mu.Unlock()
		d.endStarted()
		for _, h := range handles {
			h.release()
		}
		d.answering.Wait()   // so that no answer goes to a stranger's descriptor
		_ = unix.Close(d.fd) // aborts the connection; there is nobody to tell
	})
}

// enter has Close wait for who is about to answer, until answering.Done; false when the
// door is closed.
func (d *Door) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.handles == nil {
		return false
	}
	d.answering.Add(1)
	return true
}

func (d *Door) leaveLoop() {
	d.mu.Lock()
	forget := d.forget
	d.mu.Unlock()
	forget()
}

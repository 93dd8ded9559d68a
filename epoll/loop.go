//go:build linux

// Package epoll runs callbacks for many descriptors on one goroutine: a server's only
// thread of its own, whatever number of terminals it serves.
//
// A callback runs on the loop and must not block. Registering and removing may be done
// from anywhere, also from a callback. The loop's lock is a leaf and is not held while
// a callback runs. A callback that closes the loop waits for itself.
package epoll

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/wait"
)

// Loop is one epoll instance and the goroutine that waits on it.
type Loop struct {
	epfd  int // immutable, like woken
	woken int // eventfd that says to look at posted and quit

	mu        sync.RWMutex
	callbacks map[uint64]func(wait.Events) // guarded by mu; by registration
	next      uint64                       // guarded by mu; never reused, so a late event finds nobody
	posted    []func()                     // guarded by mu; to be called once
	quit      bool                         // guarded by mu; the loop is to end
	closed    bool                         // guarded by mu; epfd is not ours any more

	eager atomic.Pointer[func() bool] // what may be called unasked; nil when nothing may
	spin  spinner                     // used by the loop alone

	done chan struct{} // closed when the loop has ended
}

// NewLoop starts a loop. Close ends it.
func NewLoop() (*Loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	woken, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epfd) // nothing was done with it
		return nil, os.NewSyscallError("eventfd", err)
	}
	l := &Loop{epfd: epfd, woken: woken, callbacks: make(map[uint64]func(wait.Events)), next: wokenID + 1, spin: newSpinner(), done: make(chan struct{})}
	if err := l.control(unix.EPOLL_CTL_ADD, woken, unix.EPOLLIN|unix.EPOLLET, wokenID); err != nil {
		_ = unix.Close(epfd)
		_ = unix.Close(woken)
		return nil, err
	}
	go l.run()
	return l, nil
}

const wokenID = 0

func (l *Loop) control(op, fd int, events uint32, id uint64) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(id), Pad: int32(id >> 32)}
	if err := unix.EpollCtl(l.epfd, op, fd, &ev); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// Add calls f at each edge of fd's readiness within events, and once at first when it
// is ready already, until forget is called or fd is closed. Err and Hup are always
// among them. Who closes fd forgets it first; forgetting again does nothing. f may run
// once more while forget returns. One fd can be added once at a time (EEXIST).
func (l *Loop) Add(fd int, events wait.Events, f func(wait.Events)) (forget func(), err error) {
	return l.add(fd, uint32(events)|unix.EPOLLET, f)
}

// AddEager is Add for a callback that need not take all there is: f is called again,
// after everybody else who is ready, for as long as fd is ready within events. The loop
// may also call it when it does not know whether fd is ready; f tells whether it was.
// One at a time can be eager.
func (l *Loop) AddEager(fd int, events wait.Events, f func() bool) (forget func(), err error) {
	request := func() bool {
		there := f()
		if there {
			l.spin.request(time.Now())
		}
		return there
	}
	off, err := l.add(fd, uint32(events), func(wait.Events) { request() })
	if err != nil {
		return nil, err
	}
	l.eager.Store(&request)
	return func() {
		l.eager.CompareAndSwap(&request, nil)
		off()
	}, nil
}

func (l *Loop) add(fd int, events uint32, f func(wait.Events)) (forget func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("adding to a closed loop: %w", os.ErrClosed)
	}
	id := l.next
	if err := l.control(unix.EPOLL_CTL_ADD, fd, events, id); err != nil {
		return nil, err
	}
	l.next++
	l.callbacks[id] = f // an event that is there already waits for the lock
	return func() { l.forget(id, fd) }, nil
}

func (l *Loop) forget(id uint64, fd int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.callbacks[id]; !there {
		return
	}
	delete(l.callbacks, id)
	if !l.closed {
		_ = l.control(unix.EPOLL_CTL_DEL, fd, 0, id) // fails only when fd is closed, which removes it as well
	}
}

func (l *Loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(l.done)
	events := make([]unix.EpollEvent, 128)
	for {
		n, err := l.wait(events)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			panic(fmt.Sprintf("epoll_wait: %v", err)) // only a broken epfd of ours
		}
		for _, ev := range events[:n] {
			id := uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32
			if id == wokenID {
				if l.doPosted() {
					return
				}
				continue
			}
			l.mu.RLock()
			f := l.callbacks[id]
			l.mu.RUnlock()
			if f != nil {
				f(wait.Events(ev.Events))
			}
		}
	}
}

// Post has f called on the loop, once, and does not wait for it. A loop that ends calls no
// more.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.posted = append(l.posted, f)
	_ = l.wakeLocked() // an eventfd that is not full takes it
}

func (l *Loop) wakeLocked() error {
	one := [8]byte{1}
	_, err := unix.Write(l.woken, one[:])
	return os.NewSyscallError("write eventfd", err)
}

// doPosted calls what was posted, and tells whether the loop has to end.
func (l *Loop) doPosted() (quit bool) {
	l.mu.Lock()
	posted := l.posted
	l.posted = nil
	quit = l.quit
	l.mu.Unlock()
	if quit {
		return true
	}
	for _, f := range posted {
		f()
	}
	return false
}

// Close ends the loop. It waits for a running callback, so it must not be called from
// one. It is called once; what is still registered gets no more calls.
func (l *Loop) Close() error {
	l.mu.Lock()
	l.quit = true
	err := l.wakeLocked()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	_ = unix.Close(l.woken) // both are ours alone and nothing waits on them
	return os.NewSyscallError("close", unix.Close(l.epfd))
}

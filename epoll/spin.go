//go:build linux

package epoll

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// spinTime is how long the loop asks for the next event before it sleeps, in the
	// middle of an exchange. To be woken on another processor takes about as long.
	spinTime = 30 * time.Microsecond
	// soonTime is within which the eager descriptor's next request is one of the same
	// exchange.
	soonTime = 2 * spinTime
	// spinAfter is how many requests in a row must have come that soon before the loop
	// spins. After spinMost of them, two that come late, or never, end it.
	spinAfter = 8
	spinMost  = 16
	// triesAlone is how often the loop asks before it lets others have the processor in
	// between.
	triesAlone = 8
	// maxStreak is how many requests are answered before other descriptors have their
	// turn.
	maxStreak = 32
)

// spinner decides when it pays to ask for events without sleeping: while somebody asks
// the eager descriptor for one thing after the other as fast as it answers. A person who
// types is too slow for it by far, a program that prints asks too rarely, and an idle
// loop never does.
type spinner struct {
	score int       // rises with each request that came soon, falls with each that did not
	last  time.Time // of the last request
	never bool      // there is one processor, and whoever is to ask next needs it
}

func newSpinner() spinner { return spinner{never: runtime.NumCPU() == 1} }

// pays tells whether to spin now.
func (s *spinner) pays() bool { return s.score >= spinAfter && !s.never }

// request is told of each request of the eager descriptor.
func (s *spinner) request(now time.Time) {
	if now.Sub(s.last) < soonTime {
		s.score = min(s.score+1, spinMost)
	} else {
		s.late()
	}
	s.last = now
}

// late is told when spinning found nothing.
func (s *spinner) late() { s.score /= 2 }

// wait blocks until there are events and returns them, like epoll_wait.
func (l *Loop) wait(events []unix.EpollEvent) (int, error) {
	if l.spin.pays() {
		if n := l.ask(events); n > 0 {
			return n, nil
		}
		l.spin.late()
	}
	return unix.EpollWait(l.epfd, events, -1)
}

// ask asks for events until none has come for spinTime, without a word to Go's
// scheduler, and lets others have the processor in between. What an eager callback
// finds is done on the spot.
func (l *Loop) ask(events []unix.EpollEvent) int {
	eager := l.eager.Load()
	tries, streak := 0, 0
	for start := time.Now(); time.Since(start) < spinTime; tries++ {
		if eager != nil && streak < maxStreak && (*eager)() {
			start, tries = l.spin.last, 0
			streak++
			continue
		}
		streak = 0
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		if errno == 0 && n > 0 {
			return int(n)
		}
		if tries >= triesAlone {
			_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) // cannot fail
		}
	}
	return 0
}

// Package pts holds the words that every part of ptsns shares: what an open end
// of a terminal is, what an instance of devpts is, who is calling, and how a
// terminal is named. It has no lock, no goroutine and no system call.
//
// The ends are called ptm (opened through ptmx) and pts (at /dev/pts/N).
package pts

import (
	"github.com/ptsns/ptsns/wait"
)

// End is one open end of a terminal. All methods may be called from any number
// of goroutines at once. Their errors are plain numbers: those of the system for a
// kernel's terminal, an Errno for one of package pty.
type End interface {
	// Read takes up to len(p) bytes. It never blocks: with nothing to read it
	// returns EAGAIN. 0, nil is the end of file that a terminal gives.
	Read(p []byte) (int, error)
	// Write puts up to len(p) bytes. It never blocks: it returns how many were
	// taken, or EAGAIN when none could be.
	Write(p []byte) (int, error)
	// Ioctl performs request req for c with arg, which holds the request's
	// structure and is read or overwritten in place; a request whose argument
	// is a plain number takes it as 8 little-endian bytes. An arg that is too short,
	// or nil, is to the request what a bad address is: EFAULT, unless something else
	// is wrong that is looked at first. The result is what ioctl(2) returns.
	Ioctl(c Caller, req uint32, arg []byte) (int, error)
	// Poll tells the readiness now.
	Poll() wait.Events
	// Notify calls f whenever readiness within mask may have changed, until stop
	// is called. f must not block; it may be spurious and is never lost.
	Notify(mask wait.Events, f func(wait.Events)) (stop func())
	// Close gives the end up. A later call of any method returns EBADF.
	Close() error
}

// Caller is the process on whose behalf an end is opened or asked. A nil Caller
// is this program itself. To the ends of package pty, one that is a job.Process too
// is under job control, and one with Privileged() bool has CAP_SYS_ADMIN where that says so;
// of others uid 0 has.
type Caller interface {
	// PID is the caller's thread in this process's pid namespace.
	PID() int
	// FSUID and FSGID own what the caller creates, in this process's user
	// namespace.
	FSUID() int
	FSGID() int
}

package pts

import (
	"iter"
	"time"
)

// Instance is a set of terminals numbered from 0 with one ptmx: a devpts, the
// kernel's (package kpts) or one in this process (package devpts). All methods may be
// called from any number of goroutines at once. Errors are or wrap what open(2) would
// have given.
type Instance interface {
	// OpenPtmx makes a pair for c and returns its ptm and its index, the lowest
	// that is free. flags are those of open(2). ENOSPC: a limit is reached; EACCES:
	// ptmx's permission bits keep c out.
	OpenPtmx(c Caller, flags int) (End, int, error)
	// OpenPts opens the terminal index for c. ENOENT: there is none; EIO: it is
	// locked; EACCES: its permission bits keep c out; EBUSY: somebody has it for
	// himself alone (TIOCEXCL).
	OpenPts(c Caller, index, flags int) (End, error)
	// Terminals yields the terminals whose ptm is open, by index.
	Terminals() iter.Seq[Info]
	// Options are what it was mounted, or remounted last, with.
	Options() Options
	// Close gives this hold on the instance up. Ends that are open stay open.
	Close() error
}

// Info is one terminal's node.
type Info struct {
	Index    int
	UID, GID int
	Mode     uint32 // permission bits
	Created  time.Time
}

// Starter is an End whose reads and writes can wait without anybody waiting: what
// read(2) and write(2) do in a blocking file, VMIN and VTIME, job control and partial
// writes included.
type Starter interface {
	End
	// StartRead begins a read of up to len(p) bytes for c. done is called exactly once
	// when it is over, possibly before StartRead returns, with what read(2) would have
	// returned, or from a ptm more than the 4095 bytes that the kernel's gives at
	// once; until then p is the read's. It runs on whatever goroutine ended the
	// read, with no lock held, and must not block.
	StartRead(c Caller, p []byte, done func(n int, err error)) Pending
	// StartWrite begins a write of all of p, as StartRead does. It is over when all
	// bytes are taken, or with the number of those that were when something cuts it short.
	StartWrite(c Caller, p []byte, done func(n int, err error)) Pending
}

// Pending is a read or a write that was started.
type Pending interface {
	// Interrupt ends it as a signal ends a system call: with the bytes it has moved, or
	// EINTR when there are none. It does nothing to one that is over. done has been
	// called, or is being called, when it returns.
	Interrupt()
}

// Over is a Pending that is over already.
type Over struct{}

// Interrupt does nothing.
func (Over) Interrupt() {}

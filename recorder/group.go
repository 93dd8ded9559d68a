package recorder

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// The bounds of a Group.
const (
	// maxGroup is of all queues, in blocks.
	maxGroup = 256 << 20 / int64(unsafe.Sizeof(block{}))
	// maxWriters is how many Recorders use their files at once. Each that a disk holds up keeps
	// a thread, and Go ends a program that needs too many.
	maxWriters = 256
	// maxWaiting is how many wait for that with a file yet to be made: of terminals that come
	// and go there is no end.
	maxWaiting = 4096
)

// errBusy is the end of a recording that has not begun.
var errBusy = errors.New("too many recordings wait for their disk")

// Group is the Recorders of a server: who ends waits for all. Those whose disks hang do not
// take the server with them: what waits in all queues is 256 MiB at most, past which it is
// as if each had reached its own bound; 256 use their files at once; and when 4096 wait to
// make theirs, more fail. The zero value is empty. It is safe for concurrent use.
type Group struct {
	blocks  atomic.Int64 // in the queues
	waiting atomic.Int64 // to make their files

	once  sync.Once
	slots chan struct{} // immutable after once: one in it for each that uses its file

	mu      sync.Mutex
	n       int           // guarded by mu: Recorders that have not ended
	waiters chan struct{} // guarded by mu: closed, and nil again, when n becomes 0
}

// Wait waits until all Recorders have ended and their files are closed, or ctx is done:
// then its error says how many have not.
func (g *Group) Wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		n := g.n
		if n > 0 && g.waiters == nil {
			g.waiters = make(chan struct{})
		}
		waiters := g.waiters
		g.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-waiters:
		case <-ctx.Done():
			return fmt.Errorf("%d recordings have not ended: %w", n, ctx.Err())
		}
	}
}

// add and done count a Recorder. A nil Group counts nothing, here and below.
func (g *Group) add() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
}

func (g *Group) done() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.waiters != nil {
		close(g.waiters)
		g.waiters = nil
	}
}

// enter waits until a Recorder may use its file; the caller leaves.
func (g *Group) enter() {
	if g == nil {
		return
	}
	g.once.Do(func() { g.slots = make(chan struct{}, maxWriters) })
	g.slots <- struct{}{}
}

func (g *Group) leave() {
	if g != nil {
		<-g.slots
	}
}

// enterFirst is enter for a Recorder whose file is yet to be made. Only without an error
// the caller leaves.
func (g *Group) enterFirst() error {
	if g == nil {
		return nil
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > maxWaiting {
		return errBusy
	}
	g.enter()
	return nil
}

// hasRoom tells whether another block is within the bound. Recorders that ask at once may go
// past it by a block each.
func (g *Group) hasRoom() bool { return g == nil || g.blocks.Load() < maxGroup }

// took and gave count a block.
func (g *Group) took() {
	if g != nil {
		g.blocks.Add(1)
	}
}

func (g *Group) gave() {
	if g != nil {
		g.blocks.Add(-1)
	}
}

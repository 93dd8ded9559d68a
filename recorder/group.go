package recorder

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// maxGroup is the bound of all queues of a Group, in blocks.
const maxGroup = 256 << 20 / int64(unsafe.Sizeof(block{}))

// Group is the Recorders of a server: who ends waits for all, and what waits for their
// disks has a bound in all, 256 MiB, past which it is as if each had reached its own.
// The zero value is empty. It is safe for concurrent use.
type Group struct {
	blocks atomic.Int64 // in the queues

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

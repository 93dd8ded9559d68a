package control

import (
	"context"
	"sync"
	"time"
)

// role says what a client is to the terminal it has.
type role int

const (
	guest   role = iota // it joined, or waits for something
	owner               // it started the program and gets all output
	watcher             // it waits for what is not to come after the end
	roles
)

// clients knows the attached clients of a namespace, to let them hear its end.
// It is safe for concurrent use.
type clients struct {
	lives  [roles]context.Context // per role; immutable; a client of it goes when it is done
	cancel [roles]context.CancelFunc

	mu     sync.Mutex
	n      int           // guarded by mu; attached now
	closed bool          // guarded by mu; nobody is let in any more
	idle   chan struct{} // closed when closed and n is 0

	hurried   chan struct{} // closed by hurry
	hurryOnce sync.Once
}

func newClients() *clients {
	c := &clients{idle: make(chan struct{}), hurried: make(chan struct{})}
	for r := range c.lives {
		c.lives[r], c.cancel[r] = context.WithCancel(context.Background())
	}
	return c
}

// enter counts a client in, unless it comes too late. ctx is done when it must
// go; it calls leave once it has.
func (c *clients) enter(r role) (ctx context.Context, leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, false
	}
	c.n++
	return c.lives[r], c.leave, true
}

func (c *clients) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	if c.closed && c.n == 0 {
		close(c.idle)
	}
}

// hurry says that somebody asked for the end of the namespace: from the end on,
// an owner has no longer than a guest.
func (c *clients) hurry() { c.hurryOnce.Do(func() { close(c.hurried) }) }

// drain lets nobody in any more and returns when all have gone. It is called
// once, after the namespace's end: the terminals have ended, so each client
// leaves as soon as it has taken what is left for it.
func (c *clients) drain() {
	c.mu.Lock()
	c.closed = true
	if c.n == 0 {
		close(c.idle)
	}
	c.mu.Unlock()

	c.cancel[watcher]()
	guests := time.AfterFunc(leaveGrace, c.cancel[guest])
	defer guests.Stop()
	select {
	case <-c.idle:
		return
	case <-c.hurried:
	}
	owners := time.AfterFunc(leaveGrace, c.cancel[owner])
	defer owners.Stop()
	<-c.idle
}

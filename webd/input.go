package webd

import (
	"context"
	"sync"
)

// input is what a page has typed and its terminal not taken yet.
type input struct {
	mu    sync.Mutex
	queue []byte        // guarded by mu; at most inWindow with what is being typed
	taken int           // guarded by mu; bytes that are being typed
	more  chan struct{} // holds one token after queue grew
}

func newInput() *input { return &input{more: make(chan struct{}, 1)} }

// put adds p, and tells whether there was room.
func (in *input) put(p []byte) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue)+in.taken+len(p) > inWindow {
		return false
	}
	in.queue = append(in.queue, p...)
	select {
	case in.more <- struct{}{}:
	default:
	}
	return true
}

// next waits for what is to be typed. Its room is free again after done.
func (in *input) next(ctx context.Context) ([]byte, error) {
	for {
		in.mu.Lock()
		p := in.queue
		in.queue, in.taken = nil, len(p)
		in.mu.Unlock()
		if len(p) > 0 {
			return p, nil
		}
		select {
		case <-in.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// done says that what next gave was typed.
func (in *input) done() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.taken = 0
}

// credit counts the output that a page has not shown yet.
type credit struct {
	mu    sync.Mutex
	owed  uint64        // guarded by mu
	freed chan struct{} // holds one token after owed shrank
}

func newCredit() *credit { return &credit{freed: make(chan struct{}, 1)} }

// wait waits until so many bytes more may be sent.
func (c *credit) wait(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		if c.owed == 0 || c.owed+uint64(n) <= outWindow {
			c.owed += uint64(n)
			c.mu.Unlock()
			return nil
		}
		c.mu.Unlock()
		select {
		case <-c.freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ack says that so many were shown, and is false when there were not that many.
func (c *credit) ack(n uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > c.owed {
		return false
	}
	c.owed -= n
	select {
	case c.freed <- struct{}{}:
	default:
	}
	return true
}

//go:build linux

package server

import (
	"sync"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/procfs"
)

// namer finds the processes that openers, which are known as threads, belong to: asking
// /proc takes longer than opening a terminal. It has a goroutine while there is one to
// be asked for. The zero value is ready.
type namer struct {
	mu      sync.Mutex      // a leaf
	waiting []*hub.Terminal // guarded by mu
	running bool            // guarded by mu
}

// name has t's opener named, soon.
func (n *namer) name(t *hub.Terminal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = append(n.waiting, t)
	if !n.running {
		n.running = true
		go n.run()
	}
}

func (n *namer) run() {
	for {
		n.mu.Lock()
		waiting := n.waiting
		n.waiting = nil
		n.running = len(waiting) > 0
		n.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		for _, t := range waiting {
			nameOpener(t)
		}
	}
}

func nameOpener(t *hub.Terminal) {
	select {
	case <-t.Done():
		return // nobody asks
	default:
	}
	if s, err := procfs.ReadStatus(t.Opener().PID); err == nil {
		t.SetOpener(hub.Opener{PID: s.TGID, Comm: s.Comm})
	}
}

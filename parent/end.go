//go:build linux

package parent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ptsns/ptsns/rundir"
)

// endTime is how long a server may take to end its namespace.
const endTime = 5 * time.Second

// ErrStays means that a namespace does not end though it was asked to, and that its
// server, which is another program or serves others too, is not to be killed for that.
var ErrStays = errors.New("its server does not end it")

// End ends the namespace called name: its programs get SIGHUP, then SIGTERM, then
// SIGKILL; virtual terminals are hung up, and their mounts taken away, as far as they are in
// our mount namespace. It returns when that is done and nothing of the namespace is left. A
// server that does not manage within five seconds, or before ctx is done, is killed, which
// killed tells: what it leaves is for Dir().Clean. One that has other work than this
// namespace is not, and the error is ErrStays. Without a living namespace of that
// name the error wraps fs.ErrNotExist.
func (p *Parent) End(ctx context.Context, name string) (killed bool, err error) {
	server, entry, err := p.findServer(name)
	if err != nil {
		return false, err
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	// A server that cannot be asked may be ending already; waiting tells.
	_ = p.askToEnd(ctx, name)
	if err := rundir.Detach(entry.Mounts()); err != nil {
		return false, err
	}
	ended, err := server.awaitEnd(ctx, entry)
	switch {
	case ended:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("end %q: %w", name, err)
	case entry.Shared():
		return false, fmt.Errorf("end %q: %w", name, ErrStays)
	}
	if err := server.kill(); err != nil {
		return false, fmt.Errorf("kill the server of %q: %w", name, err)
	}
	return true, nil
}

func (p *Parent) askToEnd(ctx context.Context, name string) error {
	client, err := p.Dial(ctx, name)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.End(ctx)
}

// awaitEnd waits until the namespace of entry, which s serves, has ended, and tells
// whether it has: with its server, or, where that does other things too, with its entry.
// The error says why it could not wait for that; there is none when ctx is done.
func (s *process) awaitEnd(ctx context.Context, entry *rundir.Entry) (ended bool, err error) {
	if !entry.Shared() {
		return s.wait(ctx), nil
	}
	both, over := context.WithCancel(ctx)
	defer over()
	var died bool
	var waiting sync.WaitGroup
	waiting.Go(func() { // ends with both
		if died = s.wait(both); died {
			over()
		}
	})
	err = entry.AwaitRemoval(both)
	over()
	waiting.Wait()
	switch {
	case err == nil || died:
		return true, nil
	case ctx.Err() != nil:
		return false, nil
	}
	return false, err
}

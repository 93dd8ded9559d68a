//go:build linux

package parent

import (
	"context"
	"fmt"
	"time"
)

// endTime is how long a server may take to end its namespace.
const endTime = 5 * time.Second

// End ends the namespace called name: its programs get SIGHUP, then SIGTERM, then
// SIGKILL. It returns when that is done and nothing of the namespace is left. A server
// that does not manage within five seconds, or before ctx is done, is killed, which
// killed tells: what it leaves is for Dir().Clean. Without a living namespace of that
// name the error wraps fs.ErrNotExist.
func (p *Parent) End(ctx context.Context, name string) (killed bool, err error) {
	server, err := p.findServer(name)
	if err != nil {
		return false, err
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	// A server that cannot be asked may be ending already; waiting tells.
	_ = p.askToEnd(ctx, name)
	if server.wait(ctx) {
		return false, nil
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

//go:build linux

package rundir

import (
	"context"
	"errors"
	"testing"
)

// Who waits for an entry's removal hears of it, also where another of the name comes at
// once, and of nothing else that happens to it.
func TestAwaitRemoval(t *testing.T) {
	d := openDir(t)
	for _, again := range []bool{false, true} {
		e := reserve(t, d, "vs1")
		if err := e.SetShared(7); err != nil {
			t.Fatal(err)
		}
		seen, err := d.Entry("vs1")
		if err != nil || !seen.Shared() || seen.ServerPID() != 7 {
			t.Fatalf("shared %v by %d, %v", seen.Shared(), seen.ServerPID(), err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		cancel(enough)
		if err := seen.AwaitRemoval(ctx); !errors.Is(err, enough) {
			t.Errorf("of a living one it is told %v", err)
		}
		waited := make(chan error, 1)
		go func() { waited <- seen.AwaitRemoval(t.Context()) }()
		if err := e.SetMounts([]string{"0:1"}); err != nil { // another record
			t.Fatal(err)
		}
		if err := e.Remove(); err != nil {
			t.Fatal(err)
		}
		if again {
			defer reserve(t, d, "vs1").Release()
		}
		if err := <-waited; err != nil {
			t.Errorf("the removal: %v", err)
		}
		if err := seen.AwaitRemoval(t.Context()); err != nil {
			t.Errorf("when it is long gone: %v", err)
		}
	}
}

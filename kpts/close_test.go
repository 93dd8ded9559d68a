//go:build linux

package kpts

import (
	"errors"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// A namespace can be asked for its terminals, and for new ones, while it ends. The race
// detector sees it when Close does not wait for that.
func TestInstanceCloseWhileUsed(t *testing.T) {
	i, _ := newInstance(t, "newinstance,ptmxmode=666")
	var users sync.WaitGroup
	users.Go(func() {
		if _, err := i.Nodes(); err != nil && !errors.Is(err, unix.EBADF) {
			t.Error(err)
		}
	})
	users.Go(func() {
		m, err := i.OpenPTM(nil, unix.O_RDWR)
		if err == nil {
			err = m.Close()
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			t.Error(err)
		}
	})
	users.Go(func() {
		if _, err := i.Stat(); err != nil && !errors.Is(err, unix.EBADF) {
			t.Error(err)
		}
	})
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	users.Wait()
}

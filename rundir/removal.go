//go:build linux

package rundir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// AwaitRemoval waits until the entry, as it was when it was found, is no living one any
// more, having been removed. A server that dies removes nothing, which is not noticed: its
// process tells. ctx ends the waiting, with its cause.
func (e *Entry) AwaitRemoval(ctx context.Context) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("inotify_init1", err)
	}
	changes := os.NewFile(uintptr(fd), "inotify") // in the poller
	defer changes.Close()
	lock := filepath.Join(e.Path(), "lock")
	_, err = unix.InotifyAddWatch(fd, lock, unix.IN_ATTRIB) // it has one link less
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "watch", Path: lock, Err: err}
	}
	defer context.AfterFunc(ctx, func() { _ = changes.SetReadDeadline(time.Unix(1, 0)) })()
	for buf := make([]byte, 4096); ; {
		now, err := e.dir.Entry(e.name) // waits for who is removing it
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case now.Marker() != e.Marker():
			return nil // it is another of that name
		}
		if _, err := changes.Read(buf); err != nil {
			return context.Cause(ctx) // a deadline has no other reason
		}
	}
}

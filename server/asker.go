//go:build linux

package server

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/recorder"
)

// openDirAs opens the directory for recordings that path is to the process pid, 0 for this
// one. To another it is absolute.
func openDirAs(pid int, path string) (*recorder.Dir, error) {
	if pid == 0 {
		return recorder.OpenDir(path)
	}
	root, err := openAs(pid, path)
	if err != nil {
		return nil, err
	}
	return recorder.DirIn(root, path), nil
}

// openAs opens the directory that path is to the process pid, 0 for this one.
func openAs(pid int, path string) (*os.Root, error) {
	if pid == 0 {
		return os.OpenRoot(path)
	}
	root, err := unix.Open(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open the root directory of who asks, for", Path: path, Err: err}
	}
	defer unix.Close(root)
	dir, err := unix.Openat2(root, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(dir)
	return os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", dir))
}

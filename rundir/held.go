//go:build linux

package rundir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// held is the runtime directory while RUNTIME/.lock is held. Everything in it is
// reached from dir without crossing a mount or a symbolic link, so that nothing
// here waits for a file system whose server is gone.
type held struct {
	path string
	dir  *os.File
	lock *os.File
}

// hold waits for RUNTIME/.lock: shared (unix.LOCK_SH) to look, exclusive
// (unix.LOCK_EX) to change.
func (d *Dir) hold(how int) (*held, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(d.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, fmt.Errorf("open runtime directory %q: %w", d.path, err)
	}
	h := &held{path: d.path, dir: os.NewFile(uintptr(fd), d.path)}
	h.lock, err = openBeneath(h.dir, ".lock", unix.O_RDWR|unix.O_CREAT, 0o600)
	if err == nil {
		err = flock(h.lock, how)
	}
	if err != nil {
		h.release()
		return nil, fmt.Errorf("lock runtime directory %q: %w", d.path, err)
	}
	return h, nil
}

// release lets go of RUNTIME/.lock.
func (h *held) release() {
	if h.lock != nil {
		unlock(h.lock)
	}
	_ = h.dir.Close() // only read from
}

// names are all names in the directory but .lock and .systems, sorted.
func (h *held) names() ([]string, error) {
	if _, err := h.dir.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	names, err := h.dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == ".lock" || name == systemsDir })
	slices.SortFunc(names, compareNames)
	return names, nil
}

// alive reports whether somebody holds the lock of the entry called name.
func (h *held) alive(name string) bool {
	f, err := openBeneath(h.dir, filepath.Join(name, "lock"), unix.O_RDWR, 0)
	if err != nil {
		return false
	}
	err = flock(f, unix.LOCK_SH|unix.LOCK_NB)
	unlock(f)
	return errors.Is(err, unix.EWOULDBLOCK)
}

// settled reports whether the entry called name is alive and stays so: a server
// that is about to end is waited for.
func (h *held) settled(name string) bool {
	if !h.alive(name) {
		return false
	}
	h.awaitDoomed(name)
	return h.alive(name)
}

// openBeneath opens path below dir. It fails with EXDEV at a mount, with ELOOP at a
// symbolic link, and never blocks on a FIFO.
func openBeneath(dir *os.File, path string, flags int, mode uint64) (*os.File, error) {
	if flags&unix.O_PATH == 0 { // which goes with nothing else
		flags |= unix.O_NONBLOCK | unix.O_NOCTTY
	}
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC | unix.O_NOFOLLOW),
		Mode:    mode,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd, err := retry(func() (int, error) { return unix.Openat2(int(dir.Fd()), path, &how) })
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: filepath.Join(dir.Name(), path), Err: err}
	}
	return os.NewFile(uintptr(fd), filepath.Join(dir.Name(), path)), nil
}

// openRegular opens the regular file path below dir to read it.
func openRegular(dir *os.File, path string) (*os.File, error) {
	f, err := openBeneath(dir, path, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: f.Name(), Err: errors.New("not a regular file")}
	}
	if err != nil {
		_ = f.Close() // only read from
		return nil, err
	}
	return f, nil
}

func flock(f *os.File, how int) error {
	_, err := retry(func() (int, error) { return 0, unix.Flock(int(f.Fd()), how) })
	return err
}

// unlock lets go of f's lock at once, also when a child that another goroutine is
// just starting has inherited a copy of f, and closes f.
func unlock(f *os.File) {
	_ = flock(f, unix.LOCK_UN) // cannot fail on an open file
	_ = f.Close()              // nothing was written
}

// retry repeats a system call that a signal interrupts.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

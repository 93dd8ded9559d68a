//go:build linux

package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// maxSocketPath is the longest path that fits sockaddr_un with its final zero.
const maxSocketPath = 107

// Entry is one namespace's directory. Its methods may be called from any number of
// goroutines.
type Entry struct {
	dir  *Dir   // immutable
	name string // immutable

	mu   sync.Mutex
	rec  record   // guarded by mu
	lock *os.File // guarded by mu; nil when we do not hold the entry, or no longer
}

// Reserve makes the directory of a new namespace, with its lock held by the caller
// and its record written before anything else of the namespace exists. An empty
// name takes the first of vs1, vs2, ... that is free. What a dead server left under
// the name is cleaned first; a living one makes the error ErrTaken. On error nothing
// of a new entry is left.
func (d *Dir) Reserve(name string) (*Entry, error) {
	if name != "" {
		if err := pts.CheckName(name); err != nil {
			return nil, err
		}
	}
	h, err := d.hold(unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer h.release()
	if name != "" {
		return d.reserveHeld(h, name)
	}
	for n := 1; ; n++ {
		e, err := d.reserveHeld(h, fmt.Sprintf("vs%d", n))
		var unclean *uncleanError
		if errors.Is(err, ErrTaken) || errors.As(err, &unclean) {
			continue
		}
		return e, err
	}
}

func (d *Dir) reserveHeld(h *held, name string) (*Entry, error) {
	e := &Entry{dir: d, name: name, rec: record{Marker: newMarker()}}
	if len(e.Socket()) > maxSocketPath {
		return nil, fmt.Errorf("name %q: the socket's path %q has more than %d bytes: %w", name, e.Socket(), maxSocketPath, unix.ENAMETOOLONG)
	}
	if err := h.makeRoom(name); err != nil {
		return nil, err
	}
	if err := h.build(e); err != nil {
		return nil, fmt.Errorf("make %s %q: %w", d.what, name, err)
	}
	return e, nil
}

// makeRoom sees to it that nothing is called name.
func (h *held) makeRoom(name string) error {
	f, err := openBeneath(h.dir, name, unix.O_PATH, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err == nil {
		_ = f.Close() // only looked at
	} else if !errors.Is(err, unix.EXDEV) { // a mount covers it
		return err
	}
	if h.settled(name) {
		return &nameError{fmt.Sprintf("name %q is taken", name), ErrTaken}
	}
	if _, removed, err := h.clean(name); !removed {
		return &uncleanError{name: name, err: err}
	}
	return nil
}

// uncleanError is a name that cannot be had because of what lies under it.
type uncleanError struct {
	name string
	err  error
}

func (e *uncleanError) Error() string {
	return fmt.Sprintf("name %q cannot be reused: %v", e.name, e.err)
}
func (e *uncleanError) Unwrap() error { return e.err }

// build makes e's directory, lock and record, or nothing.
func (h *held) build(e *Entry) (err error) {
	dir := int(h.dir.Fd())
	if err := unix.Mkdirat(dir, e.name, 0o700); err != nil {
		return &os.PathError{Op: "mkdir", Path: e.Path(), Err: err}
	}
	defer func() {
		if err == nil {
			return
		}
		for _, file := range []string{recordTmpName, recordName, "lock"} {
			_ = unix.Unlinkat(dir, filepath.Join(e.name, file), 0) // may never have been made
		}
		_ = unix.Unlinkat(dir, e.name, unix.AT_REMOVEDIR) // the failure before it is the one to tell
		e.Release()
	}()
	if err := unix.Fchmodat(dir, e.name, 0o700, 0); err != nil { // whatever the umask is
		return &os.PathError{Op: "chmod", Path: e.Path(), Err: err}
	}
	if e.lock, err = openBeneath(h.dir, filepath.Join(e.name, "lock"), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600); err != nil {
		return err
	}
	if err := flock(e.lock, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return &os.PathError{Op: "lock", Path: e.lock.Name(), Err: err}
	}
	return h.writeRecord(e.name, e.rec)
}

// Adopt is for the server: it takes over the entry called name of d, whose lock it
// inherited. The entry owns lock from then on; on error lock is left as it was.
func Adopt(d *Dir, name string, lock *os.File) (*Entry, error) {
	if err := pts.CheckName(name); err != nil {
		return nil, err
	}
	h, err := d.hold(unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer h.release()
	if err := h.checkLock(name, lock); err != nil {
		return nil, fmt.Errorf("adopt %s %q: %w", d.what, name, err)
	}
	rec, err := h.readRecord(name)
	if err != nil {
		return nil, fmt.Errorf("adopt %s %q: %w", d.what, name, err)
	}
	unix.CloseOnExec(int(lock.Fd()))
	return &Entry{dir: d, name: name, rec: rec, lock: lock}, nil
}

// checkLock tells why lock is not the held lock of the entry called name.
func (h *held) checkLock(name string, lock *os.File) error {
	f, err := openBeneath(h.dir, filepath.Join(name, "lock"), unix.O_PATH, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	want, err := f.Stat()
	if err != nil {
		return err
	}
	got, err := lock.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(got, want) {
		return fmt.Errorf("%q is not the file that was inherited", f.Name())
	}
	if err := flock(lock, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return nil
}

// Name is the namespace's name.
func (e *Entry) Name() string { return e.name }

// Path is the entry's directory.
func (e *Entry) Path() string { return filepath.Join(e.dir.path, e.name) }

// Socket is the path of the control socket, which the server makes.
func (e *Entry) Socket() string { return filepath.Join(e.Path(), "socket") }

// Log is the path of the server's log, which whoever starts the server makes.
func (e *Entry) Log() string { return filepath.Join(e.Path(), "log") }

// PtsDir is the path of the mount point of the instance in the parent, which the
// server makes and mounts when it is root.
func (e *Entry) PtsDir() string { return filepath.Join(e.Path(), "pts") }

// Marker is the source string of the marker tmpfs inside the namespace.
func (e *Entry) Marker() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.Marker
}

// ServerPID is the server's pid as the record tells it, 0 when the server had not
// yet said so when the record was read.
func (e *Entry) ServerPID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.ServerPID
}

// Lock is the open file that holds the entry, for a server to inherit; nil when this
// process does not hold it.
func (e *Entry) Lock() *os.File {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lock
}

// SetServer writes the server's pid into the record. The caller must hold the entry.
func (e *Entry) SetServer(pid int) error {
	return e.change(func(r *record) { r.ServerPID = pid })
}

// SetShared writes the server's pid into the record, of a process that does more than serve
// this entry: the entry may end before it, and nobody ends it for the entry's sake. The
// caller must hold the entry.
func (e *Entry) SetShared(pid int) error {
	return e.change(func(r *record) { r.ServerPID, r.Shared = pid, true })
}

// Shared tells whether the record was written by SetShared when it was read.
func (e *Entry) Shared() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.Shared
}

// Mounts are the device numbers that SetMounts had written when the record was read.
func (e *Entry) Mounts() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.rec.Mounts)
}

// SetMounts writes into the record which FUSE mounts the server serves, by their device
// numbers ("MAJOR:MINOR" as in mountinfo), so that Clean can take them away once it is
// dead. The caller must hold the entry.
func (e *Entry) SetMounts(devices []string) error {
	return e.change(func(r *record) { r.Mounts = slices.Clone(devices) })
}

// change writes the record anew, with what f makes of it.
func (e *Entry) change(f func(*record)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lock == nil {
		return fmt.Errorf("record the server of %s %q: %w", e.dir.what, e.name, os.ErrClosed)
	}
	h, err := e.dir.hold(unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer h.release()
	rec := e.rec
	f(&rec)
	if err := h.writeRecord(e.name, rec); err != nil {
		return fmt.Errorf("record the server of %s %q: %w", e.dir.what, e.name, err)
	}
	e.rec = rec
	return nil
}

// KillPrograms kills every process that lives in the namespace, as Clean does for one
// whose server is dead: for a server that has lost its supervisor. It waits for their
// end, for a bounded time. Processes in our own mount namespace are never touched.
func (e *Entry) KillPrograms() error {
	if err := killAll(e.Marker()); err != nil {
		return fmt.Errorf("end %s %q: %w", e.dir.what, e.name, err)
	}
	return nil
}

// Release closes this process's copy of the lock and nothing else: the entry stays
// with whoever inherited another copy. It may be called more than once.
func (e *Entry) Release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lock != nil {
		_ = e.lock.Close() // nothing was written
		e.lock = nil
	}
}

// Remove ends the entry: it takes away the mounts and files in it and the directory,
// then lets go of the lock, all before anybody else can look. The caller must hold
// the entry; processes inside are the caller's to end first. After an error the
// lock is let go all the same, so that Clean can try again.
func (e *Entry) Remove() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lock == nil {
		return fmt.Errorf("remove %s %q: %w", e.dir.what, e.name, os.ErrClosed)
	}
	h, err := e.dir.hold(unix.LOCK_EX)
	if err == nil {
		defer h.release()
		if err = h.detach(e.name); err == nil {
			err = h.erase(e.name)
		}
	}
	unlock(e.lock)
	e.lock = nil
	if err != nil {
		return fmt.Errorf("remove %s %q: %w", e.dir.what, e.name, err)
	}
	return nil
}

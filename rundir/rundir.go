//go:build linux

// Package rundir is the runtime directory: one directory a namespace, and the
// tidying up of what servers that died left behind.
//
//	RUNTIME/.lock             serializes making and removing entries
//	RUNTIME/NAME/             0700, one namespace
//	    lock                  flock held by the server as long as it lives
//	    record.json           who the server is and how to find what lives inside
//	    socket                the control socket, 0600
//	    pts                   the instance, mounted for the parent (root only)
//	    log                   the server's stderr: lines of JSON, and crashes
//	RUNTIME/.systems/         the same for systems of virtual instances
//
// A namespace is alive exactly as long as somebody holds the flock on its lock
// file. That lock belongs to the open file description: the client takes it, the
// server inherits it, the client closes its copy, and the kernel lets go of it
// when the server ends, however it ends. A pid never decides about that.
//
// What a dead server left inside is found by its marker, an unguessable string
// that is the source of a tmpfs mounted in the namespace, so that it stands in
// the mountinfo of every process there. A process that is alone in a mount
// namespace and has changed its root (chroot) to where the marker cannot be
// reached is not found; with any other process of its mount namespace it is.
//
// Lock order: Entry.mu, RUNTIME/.lock, an entry's lock file, which is only ever tried.
// RUNTIME/.lock is held by a process that is stopped in the middle of an
// operation, and everybody else then waits for it.
package rundir

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// ErrTaken means that a living namespace has the name.
var ErrTaken = errors.New("the name is taken")

// nameError is an error about one name, of a kind that errors.Is finds.
type nameError struct {
	text string
	kind error
}

func (e *nameError) Error() string { return e.text }
func (e *nameError) Unwrap() error { return e.kind }

// Dir is the runtime directory. It holds no resource, and its methods may be
// called from any number of goroutines and processes at once; they block while
// another one makes or removes an entry.
type Dir struct {
	path string // immutable, like what
	what string // is in it: "namespace" or "system"
}

// systemsDir is where the systems are, below the namespaces. No namespace can have
// that name.
const systemsDir = ".systems"

// Open finds the runtime directory and makes it when it is missing: the value of
// PTSNS_RUNTIME_DIR, else /run/ptsns for root, else ptsns in XDG_RUNTIME_DIR, else
// /tmp/ptsns-UID. One that is a symbolic link, belongs to somebody else or is open
// to others is refused.
func Open() (*Dir, error) {
	path, err := locate()
	if err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	parent, base := filepath.Dir(path), filepath.Base(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	parent, err = filepath.EvalSymlinks(parent)
	if err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	path = filepath.Join(parent, base)
	if err := makePrivate(path); err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	if err := checkPrivate(path); err != nil {
		return nil, fmt.Errorf("runtime directory %q %w", path, err)
	}
	return &Dir{path: path, what: "namespace"}, nil
}

// Systems is the same directory for systems of virtual instances, which are served by
// a process each like namespaces. It is made when it is missing.
func (d *Dir) Systems() (*Dir, error) {
	s := &Dir{path: filepath.Join(d.path, systemsDir), what: "system"}
	if err := makePrivate(s.path); err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	if err := checkPrivate(s.path); err != nil {
		return nil, fmt.Errorf("runtime directory %q %w", s.path, err)
	}
	return s, nil
}

// OldSystems is Systems, nil when there never was a system.
func (d *Dir) OldSystems() (*Dir, error) {
	if _, err := os.Lstat(filepath.Join(d.path, systemsDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return d.Systems()
}

// Path is the directory's absolute path without symbolic links.
func (d *Dir) Path() string { return d.path }

// Names tells the living namespaces, vs2 before vs10.
func (d *Dir) Names() ([]string, error) {
	h, err := d.hold(unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer h.release()
	all, err := h.names()
	if err != nil {
		return nil, fmt.Errorf("list %ss: %w", d.what, err)
	}
	return slices.DeleteFunc(all, func(name string) bool {
		return pts.CheckName(name) != nil || !h.alive(name)
	}), nil
}

// Entry finds the living namespace called name. Without one the error wraps
// fs.ErrNotExist.
func (d *Dir) Entry(name string) (*Entry, error) {
	if err := pts.CheckName(name); err != nil {
		return nil, err
	}
	h, err := d.hold(unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer h.release()
	if !h.alive(name) {
		return nil, &nameError{fmt.Sprintf("no %s %q", d.what, name), fs.ErrNotExist}
	}
	rec, _ := h.readRecord(name) // a damaged one keeps nobody from the socket
	return &Entry{dir: d, name: name, rec: rec}, nil
}

// locate is the path of the runtime directory, absolute and clean.
func locate() (string, error) {
	if dir := os.Getenv("PTSNS_RUNTIME_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	uid := os.Geteuid()
	if uid == 0 {
		return "/run/ptsns", nil
	}
	// The XDG specification says to ignore a relative path.
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ptsns"), nil
	}
	return fmt.Sprintf("/tmp/ptsns-%d", uid), nil
}

// makePrivate makes a directory that is ours alone, whatever the umask is.
func makePrivate(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(path, 0o700)
}

// checkPrivate tells what keeps path from being a directory of ours alone. The
// text of its errors follows the path.
func checkPrivate(path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot be opened: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("cannot be looked at: %w", err)
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return fmt.Errorf("is a symbolic link: %w", unix.ELOOP)
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return unix.ENOTDIR
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("belongs to uid %d, not to us (uid %d): %w", st.Uid, os.Geteuid(), fs.ErrPermission)
	case st.Mode&0o077 != 0:
		return fmt.Errorf("is open to others (mode %04o, want 0700): %w", st.Mode&0o7777, fs.ErrPermission)
	}
	return nil
}

// compareNames orders names with their last number as a number.
func compareNames(a, b string) int {
	const digits = "0123456789"
	stemA, stemB := strings.TrimRight(a, digits), strings.TrimRight(b, digits)
	if stemA == stemB && len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	return cmp.Compare(a, b)
}

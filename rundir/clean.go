//go:build linux

package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// Cleaned is a namespace, or system, whose server died and which Clean took away.
type Cleaned struct {
	Name      string
	ServerPID int    // 0 when the record did not tell
	Log       string // the line of the server's log that says most, "" without one
}

// The names that an entry may contain: those by which a later Clean finds its way go
// last, and only when the others could be removed.
var (
	plainFiles = []string{"socket", "pts", "log", recordTmpName}
	keyFiles   = []string{recordName, "lock"}
)

// Clean takes away every namespace whose server is dead: it kills what still lives in
// it, detaches the mounts below its directory and those that the server served, as far
// as they are in our mount namespace, and removes the directory. What cannot
// be removed safely is left and named in the error; everything else is cleaned
// nevertheless. It waits for killed processes to end, for a bounded time.
func (d *Dir) Clean() ([]Cleaned, error) {
	h, err := d.hold(unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer h.release()
	names, err := h.names()
	if err != nil {
		return nil, fmt.Errorf("clean %q: %w", d.path, err)
	}
	var cleaned []Cleaned
	var errs []error
	for _, name := range names {
		if h.settled(name) {
			continue
		}
		if pts.CheckName(name) != nil {
			errs = append(errs, fmt.Errorf("clean %q: %q is not a %s; left alone", d.path, name, d.what))
			continue
		}
		c, removed, err := h.clean(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("clean %s %q: %w", d.what, name, err))
		}
		if removed {
			cleaned = append(cleaned, c)
		}
	}
	return cleaned, errors.Join(errs...)
}

// clean takes away the entry called name, which nobody holds. removed tells whether
// the name is free afterwards; there can be an error to tell all the same.
func (h *held) clean(name string) (c Cleaned, removed bool, err error) {
	// A mount over the entry or its lock hid whether it is alive: look again.
	if err := h.detach(name, "", "lock"); err != nil {
		return c, false, err
	}
	if h.settled(name) {
		return c, false, &nameError{fmt.Sprintf("name %q is taken", name), ErrTaken}
	}
	// What is not a directory is nobody's entry, and not ours to remove.
	dir, err := openBeneath(h.dir, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return c, false, err
	}
	_ = dir.Close() // only looked at
	if err := h.detach(name); err != nil {
		return c, false, err
	}

	rec, recErr := h.readRecord(name)
	c = Cleaned{Name: name, ServerPID: rec.ServerPID, Log: h.lastWords(name)}
	if recErr == nil {
		if err := errors.Join(killAll(rec.Marker), detachDead(rec.Mounts)); err != nil {
			return c, false, err // the record must stay for the next try
		}
	} else {
		recErr = fmt.Errorf("programs left in it could not be looked for: %w", recErr)
	}
	if err := h.erase(name); err != nil {
		return c, false, errors.Join(recErr, err)
	}
	return c, true, recErr
}

// erase removes the entry called name with the files that belong in it. Any other
// file is left, named in the error, and keeps the directory.
func (h *held) erase(name string) error {
	dir, err := openBeneath(h.dir, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	found, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	slices.Sort(found)
	var errs []error
	for _, file := range found {
		switch {
		case slices.Contains(plainFiles, file):
			errs = append(errs, remove(dir, file))
		case !slices.Contains(keyFiles, file):
			errs = append(errs, fmt.Errorf("%q is not ours; left alone", filepath.Join(dir.Name(), file)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, file := range keyFiles {
		if slices.Contains(found, file) {
			errs = append(errs, remove(dir, file))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return remove(h.dir, name)
}

// remove removes a file or an empty directory.
func remove(dir *os.File, name string) error {
	err := unix.Unlinkat(int(dir.Fd()), name, 0)
	if errors.Is(err, unix.EISDIR) {
		err = unix.Unlinkat(int(dir.Fd()), name, unix.AT_REMOVEDIR)
	}
	if err != nil {
		return &os.PathError{Op: "remove", Path: filepath.Join(dir.Name(), name), Err: err}
	}
	return nil
}

package cast

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Create makes a file for a recording and begins it. Only its owner may read the file,
// whose directory has to be there. A file of that name is an error (fs.ErrExist);
// with Options.Overwrite it is replaced, in one step and by a new file, if it is a
// regular file. Close closes the file.
func Create(path string, h Header, opts Options) (*Writer, error) {
	f, err := create(path, opts.Overwrite)
	if err != nil {
		return nil, err
	}
	w, err := NewWriter(f, h, opts)
	if err == nil && f.Name() != path {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		// What is there is no recording, and ours.
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	w.closer = f
	return w, nil
}

// CreateIn is Create for a new file below a directory, never outside of it.
// Options.Overwrite is not for it.
func CreateIn(root *os.Root, name string, h Header, opts Options) (*Writer, error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	w, err := NewWriter(f, h, opts)
	if err != nil {
		return nil, errors.Join(err, f.Close(), root.Remove(name))
	}
	w.closer = f
	return w, nil
}

// create makes a new file: path, or one beside it that is to replace it. What stands
// at path is not opened: it could be a symbolic link to somewhere.
func create(path string, overwrite bool) (*os.File, error) {
	if overwrite {
		old, err := os.Lstat(path)
		switch {
		case err == nil && !old.Mode().IsRegular():
			return nil, &fs.PathError{Op: "record to", Path: path, Err: errors.New("not a regular file")}
		case err == nil:
			return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600, O_EXCL
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

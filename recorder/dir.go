package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ptsns/ptsns/cast"
)

// Dir is a directory for the recordings of many terminals. It stays the directory that it
// was when it was opened, whatever is put in its place. It is safe for concurrent use.
type Dir struct {
	path string   // immutable, absolute
	root *os.Root // immutable

	mu     sync.Mutex
	second string         // guarded by mu: the latest one with recordings
	given  map[string]int // guarded by mu: how many have begun with each name in it
}

// OpenDir opens a directory, which has to be there. The caller closes it once the
// Recorders have ended that were made in it.
func OpenDir(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return DirIn(root, path), nil
}

// DirIn is OpenDir for a directory that is open, and becomes the Dir's. path is what others
// call it.
func DirIn(root *os.Root, path string) *Dir {
	return &Dir{path: path, root: root, given: make(map[string]int)}
}

// Close closes the directory.
func (d *Dir) Close() error { return d.root.Close() }

// maxTries is how many names are tried when there are files that others made.
const maxTries = 100

// New begins a recording in a new file, which only its owner may read, of a name like
// vs1-0-20261122T150405.cast: of a namespace, the index of a terminal and the time at, as
// the clock at at's place shows it. A number follows where that would be a second
// recording of the name (-2). A header without Start gets at.
//
// New does not block: the Recorder makes the file, and tells Options.Failed if it cannot.
// File tells the name from the beginning; where files stand in the way that are not of this
// Dir, it tells another one later.
func (d *Dir) New(namespace string, index int, at time.Time, h cast.Header, opts Options) *Recorder {
	if h.Start.IsZero() {
		h.Start = at
	}
	base, n := d.name(namespace, index, at)
	r := newRecorder(filepath.Join(d.path, fileName(base, n)), opts)
	r.open = func() (string, *cast.Writer, error) {
		var err error
		for i := range maxTries {
			name := fileName(base, n+i)
			var w *cast.Writer
			w, err = cast.CreateIn(d.root, name, h, opts.cast())
			if !errors.Is(err, fs.ErrExist) {
				return filepath.Join(d.path, name), w, err
			}
		}
		return "", nil, err
	}
	r.work = running
	go r.run(true)
	return r
}

// name is the beginning of a recording's name, and how many have been given it.
func (d *Dir) name(namespace string, index int, at time.Time) (base string, n int) {
	second := at.Format("20060102T150405")
	base = fmt.Sprintf("%s-%d-%s", sanitized(namespace), index, second)
	d.mu.Lock()
	defer d.mu.Unlock()
	if second != d.second {
		d.second = second
		clear(d.given)
	}
	d.given[base]++
	return base, d.given[base]
}

// fileName is the name of the nth recording of a base.
func fileName(base string, n int) string {
	if n > 1 {
		base = fmt.Sprintf("%s-%d", base, n)
	}
	return base + ".cast"
}

// sanitized is s as the beginning of a file's name: of letters, digits and a few signs, not
// hidden, no option, and not too long.
func sanitized(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			return c
		}
		return '_'
	}, s)
	if s == "" || s[0] == '.' || s[0] == '-' {
		s = "_" + s
	}
	return s[:min(len(s), 100)]
}

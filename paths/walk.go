package paths

import (
	"strings"

	"github.com/ptsns/ptsns/pts"
)

// Linux's limits.
const (
	maxPath  = 4096 // with the NUL behind it
	maxName  = 255
	maxLinks = 40
)

// found is where a path led: to a place, or to a name in a directory that has none.
type found struct {
	dir  Place  // the directory of the last name; its place when there is no name
	name string // the last name as written, "" when the path ends in /, . or ..
	at   Place  // zero: there is no such name
	dirs bool   // a slash follows, so that only a directory will do
}

// walkLocked goes path as cr may. follow tells whether a symlink at the end is
// followed too. A last name that does not exist is no error; anything before it is.
func (v *View) walkLocked(cr creds, path string, follow bool) (found, error) {
	if path == "" {
		return found{}, pts.ENOENT
	}
	if len(path) >= maxPath {
		return found{}, pts.ENAMETOOLONG
	}
	at, rest, links := v.cwd, path, 0
	if path[0] == '/' {
		at = v.root
	}
	for {
		rest = strings.TrimLeft(rest, "/")
		if rest == "" {
			return found{dir: at, at: at, dirs: true}, nil
		}
		// A name, in a directory that may be searched.
		name, after, slash := strings.Cut(rest, "/")
		st := at.e.statLocked()
		if !at.e.isDirLocked() {
			return found{}, pts.ENOTDIR
		}
		if !cr.allow(st, 1) {
			return found{}, pts.EACCES
		}
		if len(name) > maxName {
			return found{}, pts.ENAMETOOLONG
		}
		last := strings.Trim(after, "/") == ""
		rest = after
		switch name {
		case ".":
			continue
		case "..":
			var err error
			if at, err = v.parentLocked(at); err != nil {
				return found{}, err
			}
			continue
		}
		child, err := at.e.lookupLocked(name)
		if err != nil {
			if last && err == pts.ENOENT {
				return found{dir: at, name: name, dirs: slash}, nil
			}
			return found{}, err
		}
		next := v.t.topLocked(Place{v.t, at.m, child})
		// A symlink: its text goes before what is left.
		if next.e.file != nil && next.e.file.mode&S_IFMT == S_IFLNK && (!last || slash || follow) {
			if links++; links > maxLinks || next.m.flags&pts.MountNoSymFollow != 0 {
				return found{}, pts.ELOOP
			}
			rest = next.e.file.target
			if slash {
				rest += "/" + after
			}
			if strings.HasPrefix(rest, "/") {
				at = v.root
			}
			continue
		}
		if last {
			if slash && !next.e.isDirLocked() {
				return found{}, pts.ENOTDIR
			}
			return found{dir: at, name: name, at: next, dirs: slash}, nil
		}
		at = next
	}
}

// parentLocked is "..": up through the roots of mounts, and never above the view's
// root.
func (v *View) parentLocked(at Place) (Place, error) {
	for {
		if at.m == v.root.m && at.e.id == v.root.e.id {
			return at, nil
		}
		up, ok := upLocked(at)
		if !ok {
			break
		}
		at = up
	}
	if at.e.parent == nil || at.e.id == at.m.root.id {
		return at, nil // detached: as high as it goes
	}
	if !at.m.connectedLocked(at.e.parent) {
		return at, pts.ENOENT
	}
	return v.t.topLocked(Place{v.t, at.m, at.e.parent}), nil
}

// resolveLocked is walkLocked to a place that exists.
func (v *View) resolveLocked(cr creds, path string, follow bool) (Place, error) {
	f, err := v.walkLocked(cr, path, follow)
	if err == nil && f.at.m == nil {
		err = pts.ENOENT
	}
	return f.at, err
}

// pathLocked is what /proc would show of p to somebody with the view.
func (v *View) pathLocked(p Place) string {
	path, gone := "", p.e.goneLocked()
	for !(p.m == v.root.m && p.e.id == v.root.e.id) {
		if up, ok := upLocked(p); ok {
			p = up
			continue
		}
		if p.e.id == p.m.root.id {
			break // detached, or the namespace's root above the view's
		}
		if p.e.parent == nil {
			path = "" // beside what is mounted
			break
		}
		path = "/" + p.e.name + path
		p = Place{p.t, p.m, p.e.parent}
	}
	if path == "" {
		path = "/"
	}
	if gone {
		path += " (deleted)"
	}
	return path
}

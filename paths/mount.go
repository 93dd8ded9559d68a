package paths

import (
	"slices"
	"sync"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/pts"
)

// tree is everything that the views of one New share.
type tree struct {
	sys *devpts.System // immutable

	mu     sync.Mutex
	ids    uint64           // the last one given; guarded by mu
	mounts map[point]*mount // what is mounted where; guarded by mu
}

// point is a place that something can be mounted on.
type point struct {
	m  *mount
	id uint64 // of the entry, within m's file system
}

// mount is one mount of a file system, or of a part of it, in one mount namespace.
type mount struct {
	sb   *super // immutable
	root *entry // what of sb is seen; immutable

	ns       *namespace     // nil: in none any more, or not yet; guarded by tree.mu
	parent   *mount         // nil: a namespace's root, or detached; guarded by tree.mu
	at       *entry         // the place in parent; guarded by tree.mu
	children []*mount       // in the order in which they were made; guarded by tree.mu
	flags    pts.MountFlags // guarded by tree.mu
	ends     int            // open through it; guarded by tree.mu
}

// namespace is a mount namespace.
type namespace struct {
	root  *mount // immutable once a view exists
	first bool   // the initial one; immutable
}

// attachLocked mounts m on p, on top of what is mounted there.
func (t *tree) attachLocked(m *mount, p Place) {
	m.ns, m.parent, m.at = p.m.ns, p.m, p.e
	p.m.children = append(p.m.children, m)
	t.mounts[point{p.m, p.e.id}] = m
}

// detachLocked takes m, and all that is mounted below it, apart, as umount -l does.
func (t *tree) detachLocked(m *mount) {
	for len(m.children) > 0 {
		t.detachLocked(m.children[len(m.children)-1])
	}
	if p := m.parent; p != nil {
		delete(t.mounts, point{p, m.at.id})
		p.children = slices.DeleteFunc(p.children, func(c *mount) bool { return c == m })
	}
	m.ns, m.parent, m.at = nil, nil, nil
}

// topLocked goes from a place to what is mounted on it, however many times.
func (t *tree) topLocked(p Place) Place {
	for {
		m := t.mounts[point{p.m, p.e.id}]
		if m == nil {
			return p
		}
		p = Place{p.t, m, m.root}
	}
}

// upLocked goes from the root of a mount to the place it is mounted on.
func upLocked(p Place) (Place, bool) {
	if p.e.id != p.m.root.id || p.m.parent == nil {
		return p, false
	}
	return Place{p.t, p.m.parent, p.m.at}, true
}

// connectedLocked tells whether e can be reached from the root of the mount: not the
// directory of a file that alone was bound.
func (m *mount) connectedLocked(e *entry) bool {
	return m.root.parent == nil || e.belowLocked(m.root)
}

// unshareLocked copies a mount namespace. The map tells what became of each mount.
func (t *tree) unshareLocked(ns *namespace) (*namespace, map[*mount]*mount) {
	out := &namespace{}
	became := map[*mount]*mount{}
	var walk func(m *mount)
	walk = func(m *mount) {
		c := &mount{sb: m.sb, root: m.root, flags: m.flags, ns: out}
		became[m] = c
		if m.parent == nil {
			out.root = c
		} else {
			t.attachLocked(c, Place{t, became[m.parent], m.at})
		}
		for _, child := range m.children {
			walk(child)
		}
	}
	walk(ns.root)
	return out, became
}

// unmountLocked is umount(2) of what p is the root of.
func (t *tree) unmountLocked(v *View, p Place, lazy bool) error {
	m := p.m
	switch {
	case p.e.id != m.root.id || m.ns != v.ns:
		return pts.EINVAL
	case m.parent == nil && !lazy:
		return pts.EBUSY // the namespace's root
	case !lazy && (len(m.children) > 0 || m.ends > 0):
		return pts.EBUSY
	}
	t.detachLocked(m)
	return nil
}

// uncoverLocked unmounts what is mounted on the plain entry e, which loses its name.
func (t *tree) uncoverLocked(e *entry) {
	for p, m := range t.mounts {
		if p.id == e.id && p.m.sb == e.sb {
			t.detachLocked(m)
		}
	}
}

// coveredLocked tells whether ns has something mounted on the plain entry e.
func (t *tree) coveredLocked(ns *namespace, e *entry) bool {
	for p, m := range t.mounts {
		if p.id == e.id && p.m.sb == e.sb && m.ns == ns {
			return true
		}
	}
	return false
}

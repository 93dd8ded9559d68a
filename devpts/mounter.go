package devpts

import "github.com/ptsns/ptsns/pts"

// Mounter is who mounts. The zero value is root in the initial namespaces.
type Mounter struct {
	UID, GID     int     // file system ids, in the initial user namespace
	OtherMountNS bool    // its mount namespace is not the initial one: the reserve is not for it
	UserNS       *UserNS // nil: the initial one
}

// UserNS is a user namespace, as far as ids go.
type UserNS struct {
	UIDs, GIDs []IDRange
}

// IDRange is a line of uid_map: Count ids from Inside on are those from Outside on in
// the initial user namespace.
type IDRange struct {
	Inside, Outside, Count int
}

// overflowID is what an id without a name here is shown as.
const overflowID = 65534

// outside translates an id into the initial user namespace.
func outside(ranges []IDRange, id int) (int, bool) {
	for _, r := range ranges {
		if id >= r.Inside && id-r.Inside < r.Count {
			return r.Outside + id - r.Inside, true
		}
	}
	return 0, false
}

// root is who root of the mounter's user namespace is outside.
func (m Mounter) root() (uid, gid int, ok bool) {
	if m.UserNS == nil {
		return 0, 0, true
	}
	uid, okUID := outside(m.UserNS.UIDs, 0)
	gid, okGID := outside(m.UserNS.GIDs, 0)
	if !okUID {
		uid = overflowID
	}
	if !okGID {
		gid = overflowID
	}
	return uid, gid, okUID && okGID
}

// translate makes of the ids in o those of the initial namespace, where they have one.
func (m Mounter) translate(o *pts.Options) (ok bool) {
	if m.UserNS == nil {
		return true
	}
	for _, x := range []struct {
		id     *int
		ranges []IDRange
	}{{&o.UID, m.UserNS.UIDs}, {&o.GID, m.UserNS.GIDs}} {
		if *x.id < 0 {
			continue
		}
		id, ok := outside(x.ranges, *x.id)
		if !ok {
			return false
		}
		*x.id = id
	}
	return true
}

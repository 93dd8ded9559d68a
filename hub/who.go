package hub

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// Who is a viewer as people know it.
type Who struct {
	Door string `json:"door"`           // how they came: "local", "api", "ssh", "web"
	Name string `json:"name,omitempty"` // who they are there: a user, a key, a web user
	UID  int    `json:"uid"`            // of the process that asks for them
	PID  int    `json:"pid"`            // likewise
}

// String is who it is in a word or two, for people.
func (w Who) String() string {
	s := w.Name
	if s == "" {
		s = "uid " + strconv.Itoa(w.UID)
	}
	if w.Door != "" && w.Door != "local" {
		s = w.Door + " " + s
	}
	return s
}

// ViewerInfo is one viewer in a list of them.
type ViewerInfo struct {
	ID uint64 `json:"id"` // never used again in this namespace
	Who
	ReadOnly bool      `json:"read_only"`
	Owner    bool      `json:"owner"` // it started the program, which waits for it
	Sole     bool      `json:"sole"`  // it took the input for itself
	Rows     int       `json:"rows"`  // of its window; 0 when it has none
	Cols     int       `json:"cols"`
	Lost     uint64    `json:"lost"` // bytes it missed, because it did not read in time
	Since    time.Time `json:"since"`
}

// Viewers lists who looks on, the owner among them, in the order in which they came.
func (t *Terminal) Viewers() []ViewerInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]ViewerInfo, 0, len(t.viewers))
	for v := range t.viewers {
		list = append(list, ViewerInfo{ID: v.id, Who: v.who, ReadOnly: v.readOnly, Owner: v == t.owner, Sole: v == t.sole.Load(),
			Rows: int(v.rows), Cols: int(v.cols), Lost: v.lost, Since: v.since})
	}
	slices.SortFunc(list, func(a, b ViewerInfo) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

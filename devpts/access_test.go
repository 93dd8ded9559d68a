package devpts

import (
	"slices"
	"testing"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// capped is a caller with some of root's capabilities.
type capped struct {
	uid  int
	caps []int
}

func (c capped) PID() int                    { return 1 }
func (c capped) FSUID() int                  { return c.uid }
func (c capped) FSGID() int                  { return c.uid }
func (c capped) Privileged() bool            { return true } // CAP_SYS_ADMIN
func (c capped) Capable(capability int) bool { return slices.Contains(c.caps, capability) }

// What may be done to another's node is a matter of the capabilities over files, which root with
// another's file system ids has not, and not of CAP_SYS_ADMIN, which it has.
func TestCapabilitiesOverFiles(t *testing.T) {
	for _, x := range []struct {
		what string
		do   func(n *Node, c pts.Caller) error
		one  int // capability that does
		err  error
	}{
		{"reading", func(n *Node, c pts.Caller) error { return n.Access(c, MayRead) }, capReadSearch, pts.EACCES},
		{"reading", func(n *Node, c pts.Caller) error { return n.Access(c, MayRead) }, capOverride, pts.EACCES},
		{"writing", func(n *Node, c pts.Caller) error { return n.Access(c, MayWrite) }, capOverride, pts.EACCES},
		{"chmod", func(n *Node, c pts.Caller) error { return n.Chmod(c, 0o600) }, capFowner, pts.EPERM},
		{"chown", func(n *Node, c pts.Caller) error { return n.Chown(c, 7, -1) }, capChown, pts.EPERM},
		{"touch", func(n *Node, c pts.Caller) error { return n.Utimens(c, time.Unix(1, 0), time.Time{}) }, capFowner, pts.EPERM},
	} {
		for has := range 40 {
			m, err := NewSystem(Config{}).Mount(Mounter{}, "")
			if err != nil {
				t.Fatal(err)
			}
			n, err := m.Lookup("ptmx") // root's, 0000
			if err != nil {
				t.Fatal(err)
			}
			want := x.err
			if has == x.one || x.what == "reading" && (has == capOverride || has == capReadSearch) {
				want = nil
			}
			if err := x.do(n, capped{1000, []int{has}}); err != want {
				t.Errorf("%s with capability %d alone: %v, want %v", x.what, has, err, want)
			}
		}
	}
}

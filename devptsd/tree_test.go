//go:build linux

package devptsd

import (
	"testing"
	"time"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/fusefs"
	"github.com/ptsns/ptsns/pts"
)

// someone is a user without privileges.
type someone int

func (someone) PID() int     { return 1 }
func (s someone) FSUID() int { return int(s) }
func (s someone) FSGID() int { return int(s) }

// As utimensat(2) of a node: the owner sets what he likes, who may write both to now.
func TestUtimens(t *testing.T) {
	m, err := devpts.NewSystem(devpts.Config{}).Mount(devpts.Mounter{}, "uid=1000,gid=5,mode=620")
	if err != nil {
		t.Fatal(err)
	}
	end, _, err := m.OpenPtmx(nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	n, err := m.Lookup("0")
	if err != nil {
		t.Fatal(err)
	}
	x := node{n, new(Server)}
	now, then, none := fusefs.SetTime{Set: true, Now: true}, fusefs.SetTime{Set: true, Time: time.Unix(7, 0)}, fusefs.SetTime{}
	for _, c := range []struct {
		who          pts.Caller
		atime, mtime fusefs.SetTime
		want         error
	}{
		{someone(1000), then, then, nil},
		{someone(1000), now, none, nil},
		{someone(5), now, now, nil}, // of the group, which may write
		{someone(5), now, none, pts.EPERM},
		{someone(5), then, now, pts.EPERM},
		{someone(1001), now, now, pts.EACCES},
		{someone(1001), then, then, pts.EPERM},
		{nil, then, none, nil},
	} {
		if err := x.Utimens(c.who, c.atime, c.mtime); err != c.want {
			t.Errorf("%v sets %+v, %+v: %v, want %v", c.who, c.atime, c.mtime, err, c.want)
		}
	}
	if got := n.Stat().Atime; !got.Equal(time.Unix(7, 0)) {
		t.Errorf("atime is %v", got)
	}
}

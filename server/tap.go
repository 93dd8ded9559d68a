//go:build linux

package server

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
)

// tap is the ptmx that programs inside open: the instance's own, with the hub between.
type tap struct{ n *Namespace }

func (p tap) OpenPtmx(c pts.Caller, flags int) (pts.End, error) {
	ptm, err := p.n.instance.OpenPtmx(c, flags)
	if err != nil {
		return nil, err
	}
	opener := hub.Opener{PID: c.PID()}
	if s, err := procfs.ReadStatus(opener.PID); err == nil {
		opener = hub.Opener{PID: s.TGID, Comm: s.Comm} // the caller is a thread
	}
	return p.n.hub.Tap(ptm, ptm.Index(), opener), nil
}

func (p tap) Stat() (unix.Stat_t, error) { return p.n.instance.Stat() }
func (p tap) Chmod(mode uint32) error    { return p.n.instance.Chmod(mode) }
func (p tap) Chown(uid, gid int) error   { return p.n.instance.Chown(uid, gid) }

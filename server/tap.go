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
	p.n.opening.RLock()
	defer p.n.opening.RUnlock()
	ptm, err := p.n.instance.OpenPTM(c, flags)
	if err != nil {
		p.n.noteOpen(err, procfs.Comm(c.PID()))
		return nil, err
	}
	t := p.n.hub.Tap(ptm, ptm.Index(), hub.Opener{PID: c.PID()})
	p.n.openers.name(t)
	return t, nil
}

func (p tap) Stat() (unix.Stat_t, error) { return p.n.instance.Stat() }
func (p tap) Chmod(mode uint32) error    { return p.n.instance.Chmod(mode) }
func (p tap) Chown(uid, gid int) error   { return p.n.instance.Chown(uid, gid) }

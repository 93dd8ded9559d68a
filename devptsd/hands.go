//go:build linux

package devptsd

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

// Hands are where the parent has an instance: a namespace of virtual terminals, of which
// Config's Publish makes one. In life they are a *parent.Published.
type Hands interface {
	Name() string
	Tap(c pts.Caller, index int, ptm pts.Starter) pts.Starter
	Refuse(opener string)
	SetMounts(devices []string) error
	Close() error // may take seconds
}

// shown is an instance that the parent has in hands, from its first mount to its last, and
// as long as a terminal of that time is open: another mount's ".ptmx" opens the initial
// instance's. One that is mounted again later is another.
type shown struct {
	Hands
	asked  Request // immutable: by which it came; its first mount
	open   int     // guarded by Server.mu, like ending: terminals
	ending bool    // the parent has asked for its end
}

// fits tells why r, of a mount that is there or one more of the instance, cannot have what it
// asks for: the instance keeps what its first mount gave it.
func (h *shown) fits(r request) error {
	recorded := func(r Request) Request { return Request{Record: r.Record, RecordIn: r.RecordIn, RecordV2: r.RecordV2} }
	switch {
	case r.Name != "" && r.Name != h.Name():
		return fmt.Errorf("the instance is mounted already, and called %q: %w", h.Name(), unix.EBUSY)
	case r.Record != "" && recorded(r.Request) != recorded(h.asked):
		return fmt.Errorf("the instance is mounted already, and its first mount says how it is recorded: %w", unix.EBUSY)
	case r.History != 0 && r.History != cmp.Or(h.asked.History, hub.DefaultHistory):
		return fmt.Errorf("the instance is mounted already, and its first mount says how much history is kept: %w", unix.EBUSY)
	}
	return nil
}

// show adds x to the mounts, and sees to it that the parent has its instance in hands: under
// the name that r asks for, if it asks for one, which c brought. After an error x is to be unmounted.
func (s *Server) show(c *conn, x *mounted, r request) error {
	s.showing.Lock() // another of the name is gone then, and nobody else makes one
	defer s.showing.Unlock()
	i := x.mount.Instance()
	s.mu.Lock()
	s.mounts = append(s.mounts, x)
	h := s.hands[i]
	ending := h != nil && h.ending
	s.mu.Unlock()
	switch {
	case s.cfg.Publish == nil:
		return nil
	case ending: // x would go with it
		return fmt.Errorf("the instance is mounted already, and %q is ending: %w", h.Name(), unix.EBUSY)
	case h != nil:
		if err := h.fits(r); err != nil {
			return err
		}
	case h == nil:
		var err error
		h = &shown{asked: r.Request}
		_, pid, _ := usock.Peer(c.UnixConn) // 0 would be ourselves, who have no directory of that name
		h.Hands, err = s.cfg.Publish(server.VirtualConfig{Name: r.Name, History: r.History, Instance: i, Processes: true,
			RecordDir: r.Record, RecordInput: r.RecordIn, RecordV2: r.RecordV2, RecordAsker: pid,
			Options: s.ofFirst(i, func(m *mounted) string { return m.mount.String() }),
			Path:    s.ofFirst(i, func(m *mounted) string { return m.dir }),
			End:     func() { s.endInstance(i, h) }})
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.hands[i] = h
		s.mu.Unlock()
	}
	return s.noteIn(h, i)
}

// noteIn writes down which mounts are the instance's, for those who end it. showing is held.
func (s *Server) noteIn(h Hands, i *devpts.Instance) error {
	var devices []string
	for _, m := range s.mountsOf(i) {
		devices = append(devices, m.device)
	}
	return h.SetMounts(devices)
}

// hideLocked is told that a mount of an instance is gone. With the last one it takes the
// instance out of the parent's hands, unless a terminal keeps it there.
func (s *Server) hideLocked(i *devpts.Instance) {
	h := s.hands[i]
	if h == nil {
		return
	}
	if h.open == 0 && len(s.mountsOfLocked(i)) == 0 {
		s.withdrawLocked(i, h)
		return
	}
	s.leaving.Go(func() {
		s.showing.Lock()
		defer s.showing.Unlock()
		_ = s.noteIn(h, i) // the next to be mounted is noted with it
	})
}

// withdrawLocked takes an instance out of the parent's hands, for which others wait.
func (s *Server) withdrawLocked(i *devpts.Instance, h *shown) {
	delete(s.hands, i)
	s.leaving.Go(func() {
		s.showing.Lock()
		defer s.showing.Unlock()
		_ = h.Close() // it is logged
	})
}

// mountsOf are the mounts of an instance, the oldest first.
func (s *Server) mountsOf(i *devpts.Instance) []*mounted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mountsOfLocked(i)
}

func (s *Server) mountsOfLocked(i *devpts.Instance) (list []*mounted) {
	for _, m := range s.mounts {
		if m.mount.Instance() == i {
			list = append(list, m)
		}
	}
	return list
}

// ofFirst is what f says of the oldest mount of an instance, "" when there is none any
// more.
func (s *Server) ofFirst(i *devpts.Instance, f func(m *mounted) string) func() string {
	return func() string {
		for _, m := range s.mountsOf(i) {
			return f(m)
		}
		return ""
	}
}

// tap stands before each new ptm of an instance that the parent has in hands.
func (s *Server) tap(i *devpts.Instance, c pts.Caller, index int, ptm pts.Starter) pts.Starter {
	s.mu.Lock()
	h := s.hands[i]
	if h != nil {
		h.open++
	}
	s.mu.Unlock()
	if h == nil {
		return ptm
	}
	return &tapped{Starter: h.Tap(c, index, ptm), s: s, i: i, h: h}
}

// tapped is a ptm that keeps its instance in the parent's hands until it is closed.
type tapped struct {
	pts.Starter
	s *Server // immutable, like i and h
	i *devpts.Instance
	h *shown
}

// Close is called once.
func (t *tapped) Close() error {
	err := t.Starter.Close()
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.h.open--; t.h.open == 0 && t.s.hands[t.i] == t.h && len(t.s.mountsOfLocked(t.i)) == 0 {
		t.s.withdrawLocked(t.i, t.h)
	}
	return err
}

func (s *Server) handsOf(i *devpts.Instance) *shown {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hands[i]
}

// refused tells the parent of a terminal for which there was no room.
func (s *Server) refused(i *devpts.Instance, c pts.Caller, err error) {
	if h := s.handsOf(i); h != nil && errors.Is(err, pts.ENOSPC) {
		h.Refuse(procfs.Comm(c.PID()))
	}
}

// endGrace is how long who has a terminal of an instance open may take to let go of it once
// that has to end.
const endGrace = time.Second

// endInstance is the end of an instance by the wish of the parent, who has it as h and takes
// the mounts away: its terminals are hung up, so that programs leave them. Mounts that are
// still there after that, or elsewhere, are aborted: whoever has something of them open gets
// errors. It returns at once, and the event loop does it.
func (s *Server) endInstance(i *devpts.Instance, h *shown) {
	s.mu.Lock()
	h.ending = true
	s.mu.Unlock()
	s.loop.Post(func() {
		for t := range i.Terminals() {
			hangUp(i, t.Index)
		}
	})
	time.AfterFunc(endGrace, func() { s.loop.Post(func() { s.abort(i, h) }) })
}

// abort takes away what is left of an instance that is ending, from the event loop. One that
// has come into the parent's hands anew is left alone.
func (s *Server) abort(i *devpts.Instance, h *shown) {
	if s.handsOf(i) != h {
		return
	}
	for _, m := range s.mountsOf(i) {
		s.unmounted(m)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hands[i] == h { // a terminal is still open
		s.withdrawLocked(i, h)
	}
}

// hangUp is vhangup(2) on a terminal.
func hangUp(i *devpts.Instance, index int) {
	tty, err := i.OpenPts(nil, index, unix.O_RDWR|unix.O_NOCTTY)
	if err != nil {
		return // it was never used, or is gone
	}
	_, _ = tty.Ioctl(nil, pts.TIOCVHANGUP, make([]byte, 8)) // this process may
	_ = tty.Close()                                         // nothing was written
}

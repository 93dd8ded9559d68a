package devpts

import (
	"errors"
	"io/fs"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

// terminal is one pair of an instance, from when its index is taken until it is free.
type terminal struct {
	inode                  // of the pts
	i            *Instance // immutable
	m            *pty.PTM  // immutable
	newer, older *terminal // that have a name; guarded by i.mu
	created      int64     // immutable
	ptm          end       // its only one
}

// makePair makes a pair for c, who opens the instance's own ptmx by name, through m, or
// another clone device.
func (i *Instance) makePair(m *Mount, byName bool, c pts.Caller, flags int) (pts.End, int, error) {
	s := i.system
	if err := s.enter(i.reserve); err != nil {
		return nil, 0, err
	}
	t, err := i.take(m, c)
	if err != nil {
		s.nr.Add(-1)
		return nil, 0, err
	}
	if s.nodeError != nil {
		if err := s.nodeError(); err != nil {
			t.free()
			i.drop(m)
			return nil, 0, err
		}
	}
	t.m = pty.New(c, pty.Config{Index: int(t.index), Released: t.free})
	tapped := s.tap(i, c, int(t.index), t.m.End(c).(pts.Starter))
	t.ptm = end{Starter: tapped, t: t, m: m, ptm: true, times: byName, access: uint8(flags & accessMode)}
	i.mu.Lock()
	t.older = i.newest
	if t.older != nil {
		t.older.newer = t
	}
	i.newest = t
	t.gone = false
	i.mu.Unlock()
	return &t.ptm, int(t.index), nil
}

// enter counts one more terminal.
func (s *System) enter(reserve bool) error {
	n := s.nr.Add(1)
	limit := s.max.Load()
	if !reserve {
		limit -= s.reserve.Load()
	}
	switch {
	case s.generation == Cloned: // each namespace has the limit to itself
	case s.generation == Always && n >= limit, n > limit:
		s.nr.Add(-1)
		return pts.ENOSPC
	}
	return nil
}

// take makes the terminal of the lowest free index, which has no name yet, and holds the
// instance and m for its ptm.
func (i *Instance) take(m *Mount, c pts.Caller) (*terminal, error) {
	s := i.system
	t := &terminal{i: i}
	uid, gid := 0, 0
	if c != nil {
		uid, gid = c.FSUID(), c.FSGID()
	}
	t.created = s.now().UnixNano()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead {
		return nil, pts.ENODEV
	}
	limit, full := i.options.Max, pts.ENOSPC
	switch {
	case s.generation == Always && limit == 0:
		limit = pts.MaxTerminals
	case s.generation == Cloned:
		limit, full = min(int(s.max.Load()), pts.MaxTerminals), pts.EIO
	}
	index, ok := i.used.take(limit)
	if !ok {
		return nil, full
	}
	if i.options.UID >= 0 {
		uid = i.options.UID
	}
	if i.options.GID >= 0 {
		gid = i.options.GID
	}
	t.index = int32(index)
	t.make(s, uid, gid, S_IFCHR|i.options.Mode, t.created)
	t.gone = true
	if index == len(i.terms) {
		i.terms = append(i.terms, nil)
	}
	i.terms[index] = t
	i.holdLocked(m)
	return t, nil
}

func (i *Instance) holdLocked(m *Mount) {
	i.ends++
	if m != nil {
		m.opens++
	}
}

// drop gives up what an end held.
func (i *Instance) drop(m *Mount) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ends--
	if m != nil {
		m.opens--
	}
	i.endLocked()
}

// free gives the index back. Somebody still holds the instance.
func (t *terminal) free() {
	i := t.i
	i.mu.Lock()
	i.terms[t.index] = nil
	i.used.free(int(t.index))
	i.mu.Unlock()
	i.system.nr.Add(-1)
}

// unlink takes the terminal's name away: its ptm is being closed.
func (t *terminal) unlink() {
	i := t.i
	i.mu.Lock()
	defer i.mu.Unlock()
	t.gone = true
	if t.newer != nil {
		t.newer.older = t.older
	} else {
		i.newest = t.older
	}
	if t.older != nil {
		t.older.newer = t.newer
	}
	t.newer, t.older = nil, nil
}

// open opens the terminal's pts through m.
func (t *terminal) open(m *Mount, c pts.Caller, flags int) (pts.End, error) {
	i := t.i
	i.mu.Lock()
	if t.gone {
		i.mu.Unlock()
		return nil, pts.EIO
	}
	i.holdLocked(m)
	i.mu.Unlock()
	s, err := t.m.OpenPTS(c, flags)
	if err != nil {
		i.drop(m)
		return nil, openError(err)
	}
	e := &end{Starter: s.End(c).(pts.Starter), t: t, m: m, times: true, access: uint8(flags & accessMode)}
	if _, ok := c.(job.Process); ok && flags&oNoctty == 0 {
		t.controls()
	}
	return e, nil
}

// openError is the number that open(2) gives for what OpenPTS failed with. The ptm may
// have been closed since the terminal was found.
func openError(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return pts.EIO
	}
	var errno pts.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

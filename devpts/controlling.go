package devpts

import (
	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
)

// controls remembers, for /dev/tty, that the terminal controls a session now, where it does.
func (t *terminal) controls() {
	j := t.m.Job()
	if !j.Has() {
		return
	}
	s := t.i.system
	t.i.mu.Lock()
	defer t.i.mu.Unlock()
	if t.gone {
		return // and forgotten
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controlling[j] = t
}

// forget is the end of that.
func (t *terminal) forget() {
	s := t.i.system
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.controlling, t.m.Job())
}

// OpenControlling is opening /dev/tty: another open of the pts that is c's controlling
// terminal. ENXIO: c is no job.Process, or has none in this system.
func (s *System) OpenControlling(c pts.Caller, flags int) (pts.End, error) {
	t := s.terminalOf(c)
	if t == nil {
		return nil, pts.ENXIO
	}
	return t.open(nil, c, flags)
}

func (s *System) terminalOf(c pts.Caller) *terminal {
	p, ok := c.(job.Process)
	if !ok {
		return nil
	}
	j := p.Terminal()
	if j == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.controlling[j]
}

// openTTY opens the node tty that was made in a namespace: the caller's controlling
// terminal, where that is of this namespace.
func (i *Instance) openTTY(m *Mount, c pts.Caller, flags int) (pts.End, error) {
	t := i.system.terminalOf(c)
	if t == nil || t.i != i {
		return nil, pts.ENXIO
	}
	return t.open(m, c, flags)
}

//go:build linux

package procjob

import (
	"maps"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/procfs"
)

// identity is a process: numbers come again, but not with the same time.
type identity struct {
	pid   int
	start uint64 // clock ticks after boot
}

// abstainers are the processes of a session that do not have its terminal: they gave it
// up, were there before the leader got it, or descend from one of those. Who gave it up
// has the children that it had before, who keep the terminal.
type abstainers map[identity]map[identity]bool

// identify tells who has a number, and whether somebody has.
func identify(pid int) (identity, bool) {
	s, err := procfs.ReadStat(pid)
	return identity{pid, s.StartTime}, err == nil
}

// followers are the processes of a session but its leader.
func followers(sid int) abstainers {
	var list abstainers
	for pid := range processes() {
		if own, err := unix.Getsid(pid); err != nil || own != sid || pid == sid {
			continue
		}
		if who, alive := identify(pid); alive {
			if list == nil {
				list = make(abstainers)
			}
			list[who] = nil
		}
	}
	return list
}

// leave notes that a process, not the leader, has given up its session's terminal.
func (s *System) leave(sid, pid int) {
	t, _ := s.terminalOf(sid)
	who, alive := identify(pid)
	if t == nil || !alive {
		return
	}
	kept := make(map[identity]bool)
	for _, child := range procfs.Children(pid) {
		if c, alive := identify(child); alive {
			kept[c] = true
		}
	}
	s.note(sid, t, abstainers{who: kept})
}

// note adds to the abstainers of a session that still has t, and now and then drops
// those that are no more.
func (s *System) note(sid int, t *job.Terminal, more abstainers) {
	_, old := s.terminalOf(sid)
	gone := make(map[identity]bool)
	if n := len(old); n&(n-1) == 0 { // each time it has doubled
		for who := range old {
			now, alive := identify(who.pid)
			gone[who] = !alive || now != who
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.sessions[sid]
	if e == nil || e.terminal != t {
		return
	}
	without := maps.Clone(more)
	for who, kept := range e.without {
		if !gone[who] {
			without[who] = kept
		}
	}
	e.without = without
}

// lacks tells whether a process of a session that has t is among those without, or was
// born to one.
func (s *System) lacks(sid int, t *job.Terminal, without abstainers, pid int) bool {
	below := make(abstainers)
	var child identity
	for {
		stat, err := procfs.ReadStat(pid)
		if err != nil || stat.Session != sid {
			return false
		}
		who := identity{pid, stat.StartTime}
		if kept, gaveUp := without[who]; gaveUp {
			if kept[child] {
				return false
			}
			if len(below) > 0 {
				s.note(sid, t, below) // their parents may die
			}
			return true
		}
		if _, again := below[who]; again || pid == sid {
			return false
		}
		below[who] = nil
		pid, child = stat.PPID, who
	}
}

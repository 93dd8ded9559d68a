package devpts

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ptsns/ptsns/pts"
)

// TestStress has many goroutines mount, open, close, remount and unmount the same few
// mounts at once. Whatever happens, what fails has an errno, and nothing is left.
func TestStress(t *testing.T) {
	for g := Always; g <= Cloned; g++ {
		t.Run(g.String(), func(t *testing.T) { stress(t, NewSystem(Config{Generation: g})) })
	}
}

// shared is a set of mounts that goroutines take from and put back.
type shared struct {
	mu     sync.Mutex
	mounts []*Mount
}

func (s *shared) any(r *rand.Rand) *Mount {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mounts) == 0 {
		return nil
	}
	return s.mounts[r.IntN(len(s.mounts))]
}

func (s *shared) add(m *Mount, r *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mounts) < 8 {
		s.mounts = append(s.mounts, m)
		return
	}
	n := r.IntN(len(s.mounts))
	old := s.mounts[n]
	s.mounts[n] = m
	_ = old.Detach() // somebody may have been first
}

func stress(t *testing.T, s *System) {
	var all shared
	var users sync.WaitGroup
	for n := range 8 {
		users.Go(func() { stressOne(t, s, &all, rand.New(rand.NewPCG(1, uint64(n)))) })
	}
	users.Wait()
	for _, m := range all.mounts {
		_ = m.Detach() // as above
	}
	for _, m := range all.mounts {
		want(t, "ends of an instance", m.Instance().ends, 0)
		want(t, "alive", m.Instance().Alive(), m.Instance() == s.Initial())
	}
	want(t, "pty.nr", s.PtyNr(), 0)
	want(t, "terminals that control", len(s.controlling), 0)
}

func stressOne(t *testing.T, s *System, all *shared, r *rand.Rand) {
	var ends []pts.End
	var tasks []*Namespace
	check := func(err error) bool {
		var e pts.Errno
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%v is no errno", err)
		}
		return err == nil
	}
	for range 400 {
		m := all.any(r)
		op := r.IntN(12)
		if op < 2 || m == nil {
			mount := s.Mount
			if s.generation == Cloned && op == 0 {
				n, err := s.Clone()
				if !check(err) {
					continue
				}
				mount = n.Mount
				check(n.Get())
				tasks = append(tasks, n, n)
			}
			if m, err := mount(Mounter{}, [...]string{"uid=0", "newinstance", "mode=620"}[r.IntN(3)]); check(err) {
				if s.generation == Cloned {
					_ = m.Instance().Mknod(nil, "ptmx", S_IFCHR|0o666, ptmxRdev) // it may be there
				}
				all.add(m, r)
			}
			continue
		}
		switch op {
		case 2, 3, 4, 5:
			open := m.OpenPtmx
			if s.generation == Legacy || op == 5 {
				open = m.Instance().MakePair
			}
			e, index, err := open(nil, 2)
			if !check(err) {
				continue
			}
			_, err = e.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4))
			check(err)
			ends = append(ends, e)
			if f, err := m.OpenPts(nil, index, 2); check(err) {
				ends = append(ends, f)
			}
		case 6:
			if f, err := m.OpenPts(nil, r.IntN(8), 2); check(err) {
				ends = append(ends, f)
			}
		case 7:
			check(m.Remount([...]string{"ptmxmode=666", "max=5,ptmxmode=600", "bogus"}[r.IntN(3)]))
		case 8:
			if b, err := m.Bind(); check(err) {
				all.add(b, r)
			}
		case 9:
			check(m.Unmount())
		case 10:
			nodes, err := m.ReadDir()
			check(err)
			for _, n := range nodes {
				_ = n.Stat()
				check(n.Chmod(nil, 0o600))
			}
			for range m.Terminals() {
			}
			_ = m.String()
		}
		if len(tasks) > 0 && op == 11 {
			check(tasks[0].Put())
			tasks = tasks[1:]
		}
		if len(ends) > 0 {
			n := r.IntN(len(ends))
			_, _ = ends[n].Write([]byte("x\n")) // the other end may be gone
			_, _ = ends[n].Read(make([]byte, 10))
			check(ends[n].Close())
			ends[n] = ends[len(ends)-1]
			ends = ends[:len(ends)-1]
		}
	}
	for _, e := range ends {
		check(e.Close())
	}
	for _, n := range tasks {
		check(n.Put())
	}
}

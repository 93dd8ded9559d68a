package devpts

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/ptsns/ptsns/pts"
)

// What is said here of the older generations nobody measured: it is what the kernel's
// documentation and its source of the time say.

func mountOf(t *testing.T, s *System, data string) *Mount {
	t.Helper()
	m, err := s.Mount(Mounter{}, data)
	if err != nil {
		t.Fatalf("mounting %q: %v", data, err)
	}
	return m
}

// opened opens ptmx and unlocks the pair.
func opened(t *testing.T, i pts.Instance) (pts.End, int) {
	t.Helper()
	e, index, err := i.OpenPtmx(nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	return e, index
}

func closeAll(t *testing.T, ends ...pts.End) {
	t.Helper()
	for _, e := range ends {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestGenerationsHaveNames(t *testing.T) {
	for g := Always; g <= Cloned; g++ {
		if got, err := ParseGeneration(g.String()); err != nil || got != g {
			t.Errorf("%s parses as %s, %v", g, got, err)
		}
		want(t, "generation", NewSystem(Config{Generation: g}).Generation(), g)
	}
	if _, err := ParseGeneration("2.6"); err == nil {
		t.Error("2.6 is a generation")
	}
}

func TestAlwaysEachMountIsAnInstance(t *testing.T) {
	s := NewSystem(Config{})
	a, b := mountOf(t, s, ""), mountOf(t, s, "")
	if a.Instance() == b.Instance() || s.Initial() != nil || s.InitialNamespace() != nil {
		t.Error("instances are shared")
	}
	x, n := opened(t, a)
	y, k := opened(t, b)
	want(t, "indices", [2]int{n, k}, [2]int{0, 0})
	closeAll(t, x, y)
	if _, err := s.Clone(); err != pts.EINVAL {
		t.Errorf("clone: %v", err)
	}
}

// A mount without newinstance is the initial instance, whose options become its own.
func TestMultiple(t *testing.T) {
	s := NewSystem(Config{Generation: Multiple})
	want(t, "ptmx", nodeOf(t, s.Initial(), "ptmx").Mode, S_IFCHR)
	first := mountOf(t, s, "gid=5,mode=620,max=9")
	want(t, "instance", first.Instance(), s.Initial())
	e, _ := opened(t, first)
	want(t, "mode", nodeOf(t, first, "0").Mode, S_IFCHR|0o620)
	second := mountOf(t, s, "ptmxmode=666")
	want(t, "options of both", first.String(), "rw,relatime,mode=600,ptmxmode=666")
	want(t, "ptmx's mode until a remount", nodeOf(t, second, "ptmx").Mode, S_IFCHR)
	if err := second.Remount("ptmxmode=666,newinstance"); err != nil {
		t.Error(err)
	}
	want(t, "ptmx's mode", nodeOf(t, first, "ptmx").Mode, S_IFCHR|0o666)
	want(t, "newinstance by a remount", second.Options().NewInstance, false)

	own := mountOf(t, s, "newinstance,ptmxmode=666")
	if own.Instance() == s.Initial() || own.Instance() == mountOf(t, s, "newinstance").Instance() {
		t.Error("newinstance gives no new instance")
	}
	f, index := opened(t, own)
	want(t, "index", index, 0)
	want(t, "shown", own.String(), "rw,relatime,mode=600,ptmxmode=666")
	if err := own.Remount(""); err != nil {
		t.Error(err)
	}
	want(t, "newinstance after a remount", own.Options().NewInstance, true)
	closeAll(t, e, f)

	for _, data := range []string{"bogus", "mode=8", "newinstance=1", "max=1048577", "uid=2147483648", "mode=+620", "ro", "=", "max=-1"} {
		if _, err := s.Mount(Mounter{}, data); !errors.Is(err, pts.EINVAL) {
			t.Errorf("%q: %v", data, err)
		}
	}
	want(t, "options after refusals", first.String(), "rw,relatime,mode=600,ptmxmode=666")
	// A remount that is refused has been half done.
	err := first.Remount("mode=640,bogus,ptmxmode=777")
	var refused *pts.OptionError
	if !errors.As(err, &refused) || refused.Option != "bogus" {
		t.Errorf("remount: %v", err)
	}
	want(t, "options after it", first.String(), "rw,relatime,mode=640,ptmxmode=000")
	want(t, "ptmx's mode after it", nodeOf(t, first, "ptmx").Mode, S_IFCHR)

	// The initial instance outlives its mounts.
	for _, m := range []*Mount{first, second} {
		if err := m.Unmount(); err != nil {
			t.Error(err)
		}
	}
	want(t, "alive", s.Initial().Alive(), true)
	e, _ = opened(t, s.Initial())
	closeAll(t, e)
	if err := s.Initial().Close(); err != nil || !s.Initial().Alive() {
		t.Errorf("closing the initial instance: %v", err)
	}
}

func TestLegacy(t *testing.T) {
	s := NewSystem(Config{Generation: Legacy})
	m := mountOf(t, s, "newinstance,mode=620,ptmxmode=0666,max=3,gid=5")
	want(t, "instance", m.Instance(), s.Initial())
	want(t, "warnings", fmt.Sprint(m.Warnings()), fmt.Sprint([]Warning{{"newinstance"}, {"ptmxmode=0666"}, {"max=3"}}))
	want(t, "warning", Warning{"newinstance"}.String(), `devpts: called with bogus options: "newinstance" is ignored`)
	want(t, "shown", m.String(), "rw,relatime,gid=5,mode=620")
	if _, _, err := m.OpenPtmx(nil, 2); err != pts.ENOENT {
		t.Errorf("there is a ptmx: %v", err)
	}
	nodes, err := m.ReadDir()
	if err != nil || len(nodes) != 0 {
		t.Errorf("%v, %v", nodes, err)
	}
	e, index, err := s.Initial().MakePair(nil, 2) // through /dev/ptmx
	if err != nil || index != 0 {
		t.Fatal(index, err)
	}
	want(t, "mode", nodeOf(t, m, "0").Mode, S_IFCHR|0o620)
	other := mountOf(t, s, "")
	want(t, "instance", other.Instance(), s.Initial())
	want(t, "shown", m.String(), "rw,relatime,mode=600")
	if len(other.Warnings()) != 0 {
		t.Errorf("warnings of a mount without options: %v", other.Warnings())
	}
	want(t, "warnings", fmt.Sprint(mountOf(t, s, "bogus,mode=8").Warnings()), fmt.Sprint([]Warning{{"bogus"}, {"mode=8"}}))
	if err := m.Remount("mode=640,ptmxmode=666"); err != nil || len(m.Warnings()) != 1 {
		t.Errorf("remount: %v, %v", err, m.Warnings())
	}
	if err := m.Remount("mode=640,bogus"); !errors.Is(err, pts.EINVAL) {
		t.Errorf("remount: %v", err)
	}
	closeAll(t, e)
}

// nodeOf is stat(2) by name.
func nodeOf(t *testing.T, i interface {
	Lookup(name string) (*Node, error)
}, name string) Stat {
	t.Helper()
	n, err := i.Lookup(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n.Stat()
}

// openable tells how many terminals i can have before it says why not.
func openable(t *testing.T, i *Instance, most int) (int, error) {
	t.Helper()
	var ends []pts.End
	defer func() { closeAll(t, ends...) }()
	for range most {
		e, _, err := i.MakePair(nil, 2)
		if err != nil {
			return len(ends), err
		}
		ends = append(ends, e)
	}
	return len(ends), nil
}

// The limits as measured on 6.18, row 2 among them, and as the older ones had them.
func TestLimits(t *testing.T) {
	for _, x := range []struct {
		generation   Generation
		by           Mounter
		data         string
		max, reserve int
		n            int
		err          error
	}{
		{Always, Mounter{}, "", 20, 0, 19, pts.ENOSPC},
		{Always, Mounter{}, "", 21, 0, 20, nil},
		{Always, Mounter{}, "", 22, 1024, 20, nil},
		{Always, Mounter{OtherMountNS: true}, "", 22, 2, 19, pts.ENOSPC},
		{Always, Mounter{OtherMountNS: true}, "", 22, 22, 0, pts.ENOSPC},
		{Always, Mounter{}, "max=5", 22, 0, 5, pts.ENOSPC},
		{Always, Mounter{}, "max=0", 22, 0, 20, nil},
		{Always, Mounter{}, "", 0, 0, 0, pts.ENOSPC},
		{Multiple, Mounter{}, "", 10, 4, 10, pts.ENOSPC},
		{Multiple, Mounter{}, "newinstance", 10, 4, 6, pts.ENOSPC},
		{Multiple, Mounter{}, "newinstance,max=3", 10, 4, 3, pts.ENOSPC},
		{Multiple, Mounter{}, "max=0", 10, 4, 0, pts.ENOSPC},
		{Legacy, Mounter{}, "max=0", 10, 4, 10, pts.ENOSPC},
		{Cloned, Mounter{}, "", 10, 4, 10, pts.EIO},
	} {
		s := NewSystem(Config{Generation: x.generation})
		want(t, "pty.max and reserve", [2]int{s.PtyMax(), s.PtyReserve()}, [2]int{4096, 1024})
		if err := errors.Join(s.SetPtyMax(x.max), s.SetPtyReserve(x.reserve)); err != nil {
			t.Fatal(err)
		}
		m, err := s.Mount(x.by, x.data)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := openable(t, m.Instance(), 20); n != x.n || err != x.err {
			t.Errorf("%s %q, pty.max %d, reserve %d: %d terminals, %v, want %d, %v", x.generation, x.data, x.max, x.reserve, n, err, x.n, x.err)
		}
		want(t, "pty.nr", s.PtyNr(), 0)
	}
	s := NewSystem(Config{})
	over := math.MaxInt32
	over++ // negative, where an int has 32 bits
	for _, n := range []int{-1, over} {
		if s.SetPtyMax(n) != pts.EINVAL || s.SetPtyReserve(n) != pts.EINVAL {
			t.Errorf("%d is taken for a limit", n)
		}
	}
	// All instances count together, until both ends are closed.
	_ = s.SetPtyMax(4)
	a, b := mountOf(t, s, ""), mountOf(t, s, "")
	x, _ := opened(t, a)
	y, _ := opened(t, b)
	z, err := b.OpenPts(nil, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	closeAll(t, y)
	want(t, "pty.nr", s.PtyNr(), 2)
	if n, err := openable(t, a.Instance(), 3); n != 1 || err != pts.ENOSPC {
		t.Errorf("%d, %v", n, err)
	}
	closeAll(t, x, z)
	want(t, "pty.nr", s.PtyNr(), 0)
}

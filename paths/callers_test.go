package paths_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/paths"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

// build runs a script that has to come out as it says.
func build(t *testing.T, g devpts.Generation, script string) *model {
	t.Helper()
	m := newModel(g)
	for _, wrong := range runOpen(script, m) {
		t.Fatal(wrong)
	}
	return m
}

// TestTTY opens /dev/tty, which is its caller's controlling terminal wherever it lies.
func TestTTY(t *testing.T) {
	m := build(t, devpts.Always, start+`
mknod /c/tty 5:0 666
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
open /b/any = 2/0 peer /b/pts/0 self /b/any`)
	defer m.close()
	leader := job.NewTable(nil).Start(nil, 0, 0)
	if _, err := m.v.Open(leader, "/c/tty", pty.O_RDWR); errnoName(err) != "ENXIO" {
		t.Errorf("without a controlling terminal: %v", err)
	}
	// TIOCGPTPEER without O_NOCTTY gives it one.
	s, err := paths.OpenPeer(m.last, leader, pty.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tty, err := m.v.Open(leader, "/c/tty", pty.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := paths.Describe(tty)
	if peer, _ := paths.Describe(s); o.Instance != peer.Instance || o.Index != 0 || m.v.Path(o.Place) != "/c/tty" {
		t.Errorf("/c/tty is %+v, the controlling terminal %+v", o, peer)
	}
	if err := m.v.Unmount("/b/pts"); errnoName(err) != "EBUSY" {
		t.Errorf("the pts is open through /b/pts: %v", err)
	}
	for _, e := range []pts.End{tty, s} {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := m.v.Unmount("/b/pts"); err != nil {
		t.Error(err)
	}
	if err := tty.Close(); errnoName(err) != "EBADF" {
		t.Errorf("closed again: %v", err)
	}
}

// prober is a caller whose answers come from the tree.
type prober struct {
	user
	v *paths.View
}

func (p prober) look() {
	_, err := p.v.Resolve(nil, "/a/ptmx")
	check(err)
}

func (p prober) FSUID() int                      { p.look(); return p.uid }
func (p prober) FSGID() int                      { p.look(); return p.uid }
func (p prober) Groups() []int                   { p.look(); return nil }
func (p prober) Privileged() bool                { p.look(); return false }
func (p prober) PTSNamespace() *devpts.Namespace { p.look(); return nil }

// TestQuestionsMayUseTheTree would hang if a caller were asked with the tree locked.
func TestQuestionsMayUseTheTree(t *testing.T) {
	for _, g := range []devpts.Generation{devpts.Always, devpts.Cloned} {
		m := newModel(g)
		check(m.v.MkdirAll("/a/pts"))
		check(m.v.MountDevpts("/a/pts", ""))
		check(m.v.Mknod("/a/ptmx", paths.S_IFCHR|0o666, paths.RdevPtmx))
		c := prober{user{1000}, m.v}
		ptm, err := m.v.Open(c, "/a/ptmx", pty.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		m.ends = append(m.ends, ptm)
		unlock(ptm)
		p, err := m.v.Resolve(c, "/a/pts/0")
		check(err)
		if _, err := p.Instance(c); err != nil {
			t.Error(err)
		}
		if _, err := p.Open(c, pty.O_RDWR); err != nil {
			t.Error(err)
		}
		m.close()
	}
}

// member is a user with other groups, or without privilege.
type member struct {
	user
	groups     []int
	privileged bool
}

func (m member) Groups() []int    { return m.groups }
func (m member) Privileged() bool { return m.privileged }

func TestCallers(t *testing.T) {
	m := build(t, devpts.Always, start+`
chmod 060 /a/ptmx
chown 0:5 /a/ptmx
chmod 710 /a
chown 0:5 /a`)
	defer m.close()
	for _, c := range []struct {
		who  pts.Caller
		path string
		want string
	}{
		{nil, "/a/ptmx", "ok"},
		{user{0}, "/a/ptmx", "ok"},
		{user{5}, "/a/ptmx", "ok"},
		{user{1000}, "/a/ptmx", "EACCES"},
		{member{user: user{1000}, groups: []int{4, 5}}, "/a/ptmx", "ok"},
		{member{user: user{1000}, groups: []int{4, 6}}, "/a/ptmx", "EACCES"},
		{member{user: user{1000}, privileged: true}, "/a/ptmx", "ok"},
		{member{user: user{0}}, "/a/ptmx", "EACCES"}, // root without its capabilities, and the owner's bits are none
		{member{user: user{0}}, "/a/pts/ptmx", "ok"},
	} {
		got := "ok"
		if _, err := m.v.Open(c.who, c.path, pty.O_RDWR); err != nil {
			got = errnoName(err)
		}
		if got != c.want {
			t.Errorf("%+v opens %s: got %s, want %s", c.who, c.path, got, c.want)
		}
	}
}

// TestNoEnds asks functions for ends about what is none.
func TestNoEnds(t *testing.T) {
	m := build(t, devpts.Always, start+`
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx`)
	ptm := m.last
	s, err := m.v.Open(nil, "/a/pts/0", pty.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := paths.Peer(s); err != pts.EIO {
		t.Errorf("the peer of a pts: %v", err)
	}
	if _, ok := paths.Describe(pty.New(nil, pty.Config{}).End(nil)); ok {
		t.Error("an end of package pty is described")
	}
	m.close()
	if _, err := paths.Peer(ptm); err != pts.EBADF {
		t.Errorf("the peer of a closed ptm: %v", err)
	}
	d, err := m.sys.Mount(devpts.Mounter{}, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Unmount(); err != nil {
		t.Fatal(err)
	}
	if err := m.v.Attach(d, "/c"); errnoName(err) != "EINVAL" {
		t.Errorf("attaching what is unmounted: %v", err)
	}
	if _, err := m.v.Detached(d); err != pts.EINVAL {
		t.Errorf("a place on what is unmounted: %v", err)
	}
	if err := m.v.MountDevpts("/c", "mode=8"); errnoName(err) != "EINVAL" {
		t.Errorf("a bad option: %v", err)
	}
}

// TestMountFlags mounts with words of mount(8).
func TestMountFlags(t *testing.T) {
	v := paths.New(devpts.NewSystem(devpts.Config{}))
	check(v.MkdirAll("/dev/pts"))
	check(v.MountDevpts("/dev/pts", "nodev,ptmxmode=666"))
	if _, err := v.Open(nil, "/dev/pts/ptmx", pty.O_RDWR); errnoName(err) != "EACCES" {
		t.Errorf("through nodev: %v", err)
	}
	check(v.SetFlags("/dev/pts", 0))
	if _, err := v.Open(nil, "/dev/pts/ptmx", pty.O_RDWR); err != nil {
		t.Error(err)
	}
}

// TestReserve mounts in another mount namespace than the first, which kernel.pty.reserve is
// not for.
func TestReserve(t *testing.T) {
	sys := devpts.NewSystem(devpts.Config{})
	v := paths.New(sys)
	check(v.MkdirAll("/a"))
	check(v.MkdirAll("/b"))
	check(v.MountDevpts("/a", "ptmxmode=666"))
	other := v.Unshare()
	check(other.MountDevpts("/b", "ptmxmode=666"))
	check(sys.SetPtyMax(3))
	check(sys.SetPtyReserve(3))
	if _, err := other.Open(nil, "/b/ptmx", pty.O_RDWR); errnoName(err) != "ENOSPC" {
		t.Errorf("the reserve is used by others: %v", err)
	}
	if _, err := other.Open(nil, "/a/ptmx", pty.O_RDWR); err != nil {
		t.Errorf("the reserve is not used: %v", err)
	}
}

// TestConcurrency has many processes use and change one tree.
func TestConcurrency(t *testing.T) {
	m := build(t, devpts.Always, start)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			v := m.v
			for round := range 50 {
				name := fmt.Sprintf("/c/%d-%d", i, round)
				check(v.Mkdir(name, 0o755))
				check(v.MountDevpts(name, "ptmxmode=666"))
				for _, path := range []string{"/a/ptmx", "/b/any", name + "/ptmx", "/a/pts/0", "/c/ptmx"} {
					e, err := v.Open(user{1000}, path, pty.O_RDWR)
					if err != nil {
						continue
					}
					if p, err := paths.Peer(e); err == nil {
						_ = v.Path(p)
					}
					check(e.Close())
				}
				check(v.Rename("/b/any", "/b/any")) // takes the lock and changes nothing
				mine := v.Unshare()
				check(mine.Unmount(name))
				check(v.Detach(name))
				check(v.Remove(name))
				if round%10 == 0 {
					v = mine
				}
			}
		})
	}
	all.Wait()
	if n := m.sys.PtyNr(); n != 0 {
		t.Errorf("%d terminals stay", n)
	}
}

// TestStarter reads a terminal that was opened by its path without a goroutine.
func TestStarter(t *testing.T) {
	m := build(t, devpts.Always, start+`
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx`)
	defer m.close()
	s, err := m.v.Open(nil, "/a/pts/0", pty.O_RDWR|pty.O_NOCTTY)
	check(err)
	defer s.Close()
	b, got := make([]byte, 10), make(chan string, 1)
	s.(pts.Starter).StartRead(nil, b, func(n int, err error) { got <- fmt.Sprintf("%q, %v", b[:n], err) })
	m.last.(pts.Starter).StartWrite(nil, []byte("line\n"), func(int, error) {})
	if line := <-got; line != `"line\n", <nil>` {
		t.Errorf("read %s", line)
	}
}

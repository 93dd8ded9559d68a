package devpts

import (
	"testing"
	"time"

	"github.com/ptsns/ptsns/pts"
)

var (
	_ pts.Instance = (*Instance)(nil)
	_ pts.Instance = (*Mount)(nil)
)

// starting is an end whose reads and writes take a byte as soon as they start.
type starting struct{ pts.End }

func (starting) StartRead(_ pts.Caller, _ []byte, done func(int, error)) pts.Pending {
	done(1, nil)
	return pts.Over{}
}

func (starting) StartWrite(_ pts.Caller, _ []byte, done func(int, error)) pts.Pending {
	done(1, nil)
	return pts.Over{}
}

// Started reads and writes keep the times too, and what an end was not opened for they do
// not do.
func TestStartedKeepTimes(t *testing.T) {
	now := time.Unix(1000, 0)
	s := NewSystem(Config{Now: func() time.Time { return now }})
	m := mountOf(t, s, "ptmxmode=666")
	e, _ := opened(t, m)
	inner := e.(*end)
	started := &end{Starter: starting{inner.Starter}, t: inner.t, ptm: true, times: true, access: 2}
	now = time.Unix(1020, 5)
	n := 0
	done := func(k int, err error) {
		if err == nil {
			n += k
		}
	}
	started.StartRead(nil, nil, done).Interrupt()
	st := nodeOf(t, m, "ptmx")
	want(t, "times", [2]int64{st.Atime.UnixNano(), st.Mtime.UnixNano()}, [2]int64{1020e9, 1000e9})
	started.StartWrite(nil, nil, done).Interrupt()
	want(t, "mtime", nodeOf(t, m, "ptmx").Mtime.UnixNano(), 1020e9)
	want(t, "done", n, 2)
	for _, access := range []uint8{oRdonly, oWronly} {
		started.access = access
		started.StartRead(nil, nil, done).Interrupt()
		started.StartWrite(nil, nil, done).Interrupt()
	}
	want(t, "done", n, 4)
	closeAll(t, e)
	if err := e.Close(); err != pts.EBADF {
		t.Errorf("closing again: %v", err)
	}
}

// A clone device that lies elsewhere has times of its own, and keeps no mount busy.
func TestMakePair(t *testing.T) {
	now := time.Unix(1000, 0)
	s := NewSystem(Config{Now: func() time.Time { return now }})
	m := mountOf(t, s, "")
	e, index, err := m.Instance().MakePair(&person{1000, 1000}, 2) // ptmx is 0000
	if err != nil || index != 0 {
		t.Fatal(index, err)
	}
	now = time.Unix(2000, 0)
	if _, err := e.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	want(t, "mtime", nodeOf(t, m, "ptmx").Mtime.Unix(), 1000)
	if _, err := Peer(e, nil, nil, 2); err != pts.EIO {
		t.Errorf("peer of a locked ptm: %v", err)
	}
	if _, err := e.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)); err != nil {
		t.Error(err)
	}
	p, err := Peer(e, m, nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Peer(p, nil, nil, 2); err != pts.EIO {
		t.Errorf("peer of a pts: %v", err)
	}
	if err := m.Unmount(); err != pts.EBUSY {
		t.Errorf("unmount: %v", err)
	}
	closeAll(t, p)
	if err := m.Unmount(); err != nil {
		t.Errorf("unmount: %v", err)
	}
	closeAll(t, e)
	if _, err := Peer(e, nil, nil, 2); err != pts.EBADF {
		t.Errorf("peer of a closed end: %v", err)
	}
	if _, err := Peer(nil, nil, nil, 2); err != pts.ENOTTY {
		t.Errorf("peer of nothing: %v", err)
	}
}

// The instance is gone with its last mount and end: what kept it gone is closed last.
func TestTerminals(t *testing.T) {
	s := NewSystem(Config{})
	m := mountOf(t, s, "mode=620,gid=5")
	var ends []pts.End
	for range 200 {
		e, _ := opened(t, m)
		ends = append(ends, e)
	}
	closeAll(t, ends[:100]...)
	n := 100
	for info := range m.Terminals() {
		if info.Index != n || info.GID != 5 || info.Mode != 0o620 || info.Created.IsZero() {
			t.Errorf("%+v, want %d", info, n)
		}
		n++
	}
	want(t, "terminals", n, 200)
	for range m.Terminals() {
		break
	}
	if err := m.Instance().Close(); err != nil || m.Mounted() {
		t.Errorf("close: %v", err)
	}
	want(t, "alive", m.Instance().Alive(), true)
	closeAll(t, ends[100:]...)
	want(t, "alive", m.Instance().Alive(), false)
	if err := m.Instance().Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != pts.EINVAL {
		t.Errorf("closing again: %v", err)
	}
}

// Groups and privileges are asked of a caller that knows them.
type member struct {
	person
	groups []int
	admin  bool
}

func (m *member) Groups() []int    { return m.groups }
func (m *member) Privileged() bool { return m.admin }

func TestCallersThatKnowMore(t *testing.T) {
	s := NewSystem(Config{})
	m := mountOf(t, s, "gid=5,mode=620")
	e, _ := opened(t, m)
	for _, x := range []struct {
		c    *member
		want error
	}{
		{&member{person{1000, 1000}, []int{4, 5}, false}, nil},
		{&member{person{1000, 1000}, []int{4}, false}, pts.EACCES},
		{&member{person{1000, 1000}, nil, true}, nil},
		{&member{person{0, 0}, nil, false}, nil}, // it owns it
		{&member{person{0, 0}, nil, false}, nil},
	} {
		f, err := m.OpenPts(x.c, 0, 1)
		if err != x.want {
			t.Errorf("%+v: %v, want %v", x.c, err, x.want)
		}
		if err == nil {
			closeAll(t, f)
		}
	}
	n, err := m.Lookup("0")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Chown(nil, 1, -1); err != nil {
		t.Error(err)
	}
	if err := n.Access(&member{person{0, 0}, nil, false}, MayRead); err != pts.EACCES {
		t.Errorf("uid 0 without privileges: %v", err)
	}
	closeAll(t, e)
}

// An ID is one node's for ever: the next terminal of the same index has another.
func TestIDs(t *testing.T) {
	s := NewSystem(Config{})
	a, b := mountOf(t, s, ""), mountOf(t, s, "")
	seen := make(map[uint64]bool)
	for _, m := range []*Mount{a, b, a} {
		e, _ := opened(t, m)
		f, err := m.Instance().OpenPts(nil, 0, 2)
		if err != nil {
			t.Fatal(err)
		}
		n, err := m.Lookup("0")
		if err != nil {
			t.Fatal(err)
		}
		if seen[n.ID()] {
			t.Errorf("%d has been before", n.ID())
		}
		seen[n.ID()] = true
		again, err := m.Instance().Lookup("0")
		if err != nil {
			t.Fatal(err)
		}
		want(t, "the same node", again.ID(), n.ID())
		want(t, "mounts", [2]*Mount{n.Mount(), again.Mount()}, [2]*Mount{m, nil})
		want(t, "index", n.Index(), 0)
		closeAll(t, e, f)
	}
	i := a.Instance()
	want(t, "system", i.System(), s)
	want(t, "instance", i.Root().Instance(), i)
	nodes, err := i.ReadDir()
	if err != nil || len(nodes) != 1 {
		t.Fatal(nodes, err)
	}
	for _, n := range []*Node{i.Root(), nodes[0], b.Root()} {
		if seen[n.ID()] || n.Index() != -1 {
			t.Errorf("%s: ID %d, index %d", n.Name(), n.ID(), n.Index())
		}
		seen[n.ID()] = true
	}
}

// A read that waits with nobody waiting goes on through an instance's ends, and ends with
// them.
func TestWaitingReads(t *testing.T) {
	m := mountOf(t, NewSystem(Config{}), "")
	e, _ := opened(t, m)
	f, err := m.OpenPts(nil, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	var gotErr error
	start := func(e pts.End) pts.Pending {
		got, gotErr = "nothing", nil
		buf := make([]byte, 100)
		return e.(pts.Starter).StartRead(nil, buf, func(n int, err error) { got, gotErr = string(buf[:n]), err })
	}
	start(f)
	want(t, "read before", got, "nothing")
	if _, err := e.Write([]byte("line\n")); err != nil {
		t.Error(err)
	}
	want(t, "read", got, "line\n")
	start(f).Interrupt()
	want(t, "interrupted", gotErr, error(pts.EINTR))
	start(f)
	closeAll(t, e) // a reader who waits has an error of it, later ones the end of file
	want(t, "hung up", gotErr, error(pts.EIO))
	closeAll(t, f)
	want(t, "alive", m.Instance().Alive(), true)
	if err := m.Unmount(); err != nil {
		t.Error(err)
	}
	want(t, "alive", m.Instance().Alive(), false)
}

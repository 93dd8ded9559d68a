package devpts

import (
	"errors"
	"runtime"
	"testing"
	"weak"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
)

// mknods makes what the patches have root make in each mount.
func mknods(t *testing.T, i *Instance) {
	t.Helper()
	if err := errors.Join(i.Mknod(nil, "ptmx", S_IFCHR|0o666, ptmxRdev), i.Mknod(nil, "tty", S_IFCHR|0o666, ttyRdev)); err != nil {
		t.Fatal(err)
	}
}

func TestMknod(t *testing.T) {
	s := NewSystem(Config{Generation: Cloned})
	m := mountOf(t, s, "")
	i := m.Instance()
	if _, _, err := m.OpenPtmx(nil, 2); err != pts.ENOENT {
		t.Errorf("ptmx before it is made: %v", err)
	}
	for _, x := range []struct {
		c    *person
		name string
		mode uint32
		rdev uint64
		want pts.Errno
	}{
		{nil, "zero", S_IFCHR | 0o666, 1<<8 | 5, pts.EPERM},
		{nil, "ptmx", S_IFCHR | 0o666, 1<<8 | 5, pts.EPERM},
		{nil, "ptmx", S_IFCHR | 0o666, ttyRdev, pts.EPERM},
		{nil, "other", S_IFCHR | 0o666, ptmxRdev, pts.EPERM},
		{nil, "ptmx", 0o060000 | 0o666, ptmxRdev, pts.EPERM},
		{nil, "ptmx", 0o100644, 0, pts.EPERM},
		{&person{1000, 1000}, "ptmx", S_IFCHR | 0o666, ptmxRdev, pts.EACCES},
		{nil, "ptmx", S_IFCHR | 0o640, ptmxRdev, 0},
		{nil, "tty", S_IFCHR | 0o666, ttyRdev, 0},
		{nil, "ptmx", S_IFCHR | 0o666, ptmxRdev, pts.EEXIST},
	} {
		if err := i.Mknod(x.c.caller(), x.name, x.mode, x.rdev); x.want != 0 && err != x.want || x.want == 0 && err != nil {
			t.Errorf("%s: %v, want %v", x.name, err, x.want)
		}
	}
	for op, wants := range map[Op]pts.Errno{Mkdir: pts.EPERM, Symlink: pts.EPERM, Create: pts.EACCES} {
		if err := i.Refuse(nil, op, "new"); err != wants {
			t.Errorf("%d: %v", op, err)
		}
	}
	if err := i.Refuse(nil, Unlink, "tty"); err != pts.EPERM {
		t.Errorf("unlink: %v", err)
	}
	want(t, "ptmx", nodeOf(t, m, "ptmx").Mode, S_IFCHR|0o640)
	want(t, "tty", nodeOf(t, m, "tty").Rdev, ttyRdev)
	e, index := opened(t, m)
	want(t, "index", index, 0)
	nodes, err := m.ReadDir()
	if err != nil || len(nodes) != 3 || nodes[0].Name() != "0" {
		t.Errorf("%v, %v", nodes, err)
	}
	closeAll(t, e)
}

// A namespace is seen from outside by a path, and outlives its tasks while a terminal is
// open; a mount does not keep it.
func TestNamespaceLives(t *testing.T) {
	s := NewSystem(Config{Generation: Cloned})
	outer := mountOf(t, s, "")
	n, err := s.Clone()
	if err != nil {
		t.Fatal(err)
	}
	m, err := n.Mount(Mounter{}, "mode=620")
	if err != nil {
		t.Fatal(err)
	}
	mknods(t, m.Instance())
	want(t, "namespace", m.Instance().Namespace(), n)
	want(t, "shown", m.String(), "rw,relatime,mode=620")
	e, index := opened(t, m)
	f, _, err := n.OpenPtmx(nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	g, _, err := s.InitialNamespace().OpenPtmx(nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "index", index, 0)
	nodes, _ := outer.ReadDir()
	want(t, "terminals outside", len(nodes), 1)
	// echo foo > /vserver/vserver1/dev/pts/0
	h, err := m.OpenPts(nil, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Write([]byte("foo\n")); err != nil {
		t.Error(err)
	}
	buf := make([]byte, 10)
	k, err := e.Read(buf)
	if err != nil {
		t.Error(err)
	}
	want(t, "through the parent's path", string(buf[:k]), "foo\r\n")

	if err := n.Get(); err != nil { // a fork
		t.Error(err)
	}
	if err := errors.Join(n.Put(), n.Put()); err != nil {
		t.Error(err)
	}
	want(t, "alive with terminals", n.Alive(), true)
	if err := n.Put(); err != pts.ENODEV {
		t.Errorf("one put too many: %v", err)
	}
	closeAll(t, e, f)
	want(t, "alive with a pts", n.Alive(), true)
	closeAll(t, h)
	want(t, "alive", n.Alive(), false)

	if _, err := m.Lookup("ptmx"); err != pts.ENODEV {
		t.Errorf("lookup in a stale mount: %v", err)
	}
	if _, err := m.ReadDir(); err != pts.ENODEV {
		t.Errorf("readdir of a stale mount: %v", err)
	}
	if _, _, err := m.OpenPtmx(nil, 2); err != pts.ENODEV {
		t.Errorf("ptmx of a stale mount: %v", err)
	}
	if _, err := m.OpenPts(nil, 0, 2); err != pts.ENODEV {
		t.Errorf("a pts of a stale mount: %v", err)
	}
	if err := m.Remount(""); err != pts.ENODEV {
		t.Errorf("remount: %v", err)
	}
	if _, err := m.Bind(); err != pts.ENODEV {
		t.Errorf("bind: %v", err)
	}
	if err := m.Instance().Mknod(nil, "ptmx", S_IFCHR, ptmxRdev); err != pts.ENODEV {
		t.Errorf("mknod: %v", err)
	}
	if _, _, err := n.OpenPtmx(nil, 2); err != pts.ENODEV {
		t.Errorf("open: %v", err)
	}
	if _, err := n.Mount(Mounter{}, ""); err != pts.ENODEV {
		t.Errorf("mount: %v", err)
	}
	if err := n.Get(); err != pts.ENODEV {
		t.Errorf("get: %v", err)
	}
	if err := m.Unmount(); err != nil {
		t.Error(err)
	}
	// The first process's is never freed.
	closeAll(t, g)
	_ = s.InitialNamespace().Put()
	want(t, "initial alive", s.InitialNamespace().Alive(), true)
}

// What making the node fails with is what opening ptmx fails with, and the index is free
// again (patches 1 and 2).
func TestNodeErrorsArePropagated(t *testing.T) {
	s := NewSystem(Config{Generation: Cloned})
	n := s.InitialNamespace()
	s.nodeError = func() error { return pts.ENOMEM }
	if _, _, err := n.OpenPtmx(nil, 2); err != pts.ENOMEM {
		t.Errorf("%v", err)
	}
	want(t, "pty.nr", s.PtyNr(), 0)
	s.nodeError = nil
	e, index, err := n.OpenPtmx(nil, 2)
	if err != nil || index != 0 {
		t.Errorf("%d, %v", index, err)
	}
	closeAll(t, e)
}

// Nothing holds a namespace once its tasks and terminals are gone: not the system, not an
// instance or a mount that is left, not the closed ends.
func TestNamespacesAreFreed(t *testing.T) {
	s := NewSystem(Config{Generation: Cloned})
	type left struct {
		m *Mount
		e []pts.End
	}
	var kept []left
	var namespaces []weak.Pointer[Namespace]
	for range 100 {
		n, err := s.Clone()
		if err != nil {
			t.Fatal(err)
		}
		m, err := n.Mount(Mounter{}, "")
		if err != nil {
			t.Fatal(err)
		}
		mknods(t, m.Instance())
		e, _ := opened(t, m)
		f, err := m.OpenPts(nil, 0, 2)
		if err != nil {
			t.Fatal(err)
		}
		_ = n.Put() // the count is tested elsewhere
		closeAll(t, e, f)
		kept = append(kept, left{m, []pts.End{e, f}})
		namespaces = append(namespaces, weak.Make(n))
	}
	runtime.GC()
	for k, n := range namespaces {
		if n.Value() != nil {
			t.Fatalf("namespace %d is held", k)
		}
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(s)
}

// Nothing holds an instance either, and no terminal, once the last mount and end are gone.
func TestInstancesAreFreed(t *testing.T) {
	s := NewSystem(Config{})
	var instances []weak.Pointer[Instance]
	for range 100 {
		m := mountOf(t, s, "")
		e, _ := opened(t, m)
		if err := m.Detach(); err != nil {
			t.Fatal(err)
		}
		want(t, "alive", m.Instance().Alive(), true)
		closeAll(t, e)
		want(t, "alive", m.Instance().Alive(), false)
		if _, _, err := m.OpenPtmx(nil, 2); err != pts.ENODEV {
			t.Errorf("open: %v", err)
		}
		instances = append(instances, weak.Make(m.Instance()))
	}
	runtime.GC()
	for k, i := range instances {
		if i.Value() != nil {
			t.Fatalf("instance %d is held", k)
		}
	}
	runtime.KeepAlive(s)
}

// /dev/tty, and the node tty of a namespace, are another open of the controlling terminal.
func TestControllingTerminal(t *testing.T) {
	s := NewSystem(Config{Generation: Cloned})
	m := mountOf(t, s, "")
	mknods(t, m.Instance())
	table := job.NewTable(nil)
	shell := table.Start(nil, 0, 0)
	other := table.Start(nil, 0, 0)
	open := func(c pts.Caller) pts.End {
		t.Helper()
		e, err := s.OpenControlling(c, 2)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	refused := func(c pts.Caller) {
		t.Helper()
		if _, err := s.OpenControlling(c, 2); err != pts.ENXIO {
			t.Errorf("%v, want ENXIO", err)
		}
	}
	refused(nil)
	refused(shell)
	e, _ := opened(t, m)
	a, err := m.OpenPts(shell, 0, 2|oNoctty)
	if err != nil {
		t.Fatal(err)
	}
	refused(shell)
	b, err := m.OpenPts(shell, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	tty := open(shell)
	x, ok := Describe(tty)
	if !ok || x.Index != 0 || x.PTM || x.Instance != m.Instance() || x.Mount != nil {
		t.Errorf("%+v", x)
	}
	node, err := m.Lookup("tty")
	if err != nil {
		t.Fatal(err)
	}
	d, err := node.Open(shell, 2)
	if err != nil {
		t.Fatal(err)
	}
	if x, _ := Describe(d); x.Mount != m {
		t.Errorf("%+v", x)
	}
	refused(other)

	f, _ := opened(t, m) // through TIOCSCTTY
	g, err := m.OpenPts(other, 1, 2|oNoctty)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Ioctl(other, pts.TIOCSCTTY, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	closeAll(t, open(other))
	n, err := s.Clone()
	if err != nil {
		t.Fatal(err)
	}
	mknods(t, n.Instance())
	node, err = n.Instance().Lookup("tty")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Open(other, 2); err != pts.ENXIO {
		t.Errorf("the tty of another namespace: %v", err)
	}
	closeAll(t, f)
	refused(other)
	closeAll(t, a, b, d, e, g, tty)
	want(t, "terminals remembered", len(s.controlling), 0)
}

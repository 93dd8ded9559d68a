package paths_test

import (
	"testing"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/paths"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

// older are layouts on the Linuxes before. Instance 0 is the initial one; there is no
// TIOCGPTPEER.
var older = []struct {
	generation devpts.Generation
	layout
}{
	// The document of 2.6.29 on, item by item.
	{devpts.Multiple, layout{"container", documentStart + `
chmod 666 /dev/pts/ptmx
rm /dev/ptmx
symlink pts/ptmx /dev/ptmx
open /dev/ptmx rdwr 1000 = 0/0 peer ENOTTY self /dev/pts/ptmx
unshare
umount /dev/pts
devpts /dev/pts newinstance
open /dev/ptmx = 1/0 peer ENOTTY self /dev/pts/ptmx
open /dev/ptmx = 1/1 peer ENOTTY self /dev/pts/ptmx
back
open /dev/pts/0 = pts 0/0 self /dev/pts/0
open /dev/pts/1 = ENOENT`}},
	{devpts.Multiple, layout{"item 1", documentStart + `
open /dev/ptmx rdwr 1000 = 0/0 peer ENOTTY self /dev/ptmx
open /dev/pts/0 rdwr 1000 = pts 0/0 self /dev/pts/0
open /dev/pts/ptmx rdwr 1000 = EACCES`}},
	{devpts.Multiple, layout{"item 2 with a symlink", documentStart + `
devpts /dev/pts newinstance
rm /dev/ptmx
symlink pts/ptmx /dev/ptmx
chmod 666 /dev/pts/ptmx
open /dev/ptmx rdwr 1000 = 1/0 peer ENOTTY self /dev/pts/ptmx`}},
	{devpts.Multiple, layout{"item 2 with a bind mount", documentStart + `
devpts /dev/pts newinstance
bind /dev/pts/ptmx /dev/ptmx
open /dev/ptmx = 1/0 peer ENOTTY self /dev/ptmx
open /dev/ptmx rdwr 1000 = EACCES`}},
	{devpts.Multiple, layout{"item 3", documentStart + `
rm /dev/ptmx
symlink pts/ptmx /dev/ptmx
open /dev/ptmx rdwr 1000 = EACCES
devpts /dev/pts newinstance,ptmxmode=0666
open /dev/ptmx rdwr 1000 = 1/0 peer ENOTTY self /dev/pts/ptmx
umount-l /dev/pts
chmod 666 /dev/pts/ptmx
open /dev/ptmx rdwr 1000 = 0/0 peer ENOTTY self /dev/pts/ptmx`}},
	{devpts.Multiple, layout{"item 4", documentStart + `
unshare
devpts /dev/pts newinstance,ptmxmode=0666
bind /dev/pts/ptmx /dev/ptmx
open /dev/ptmx rdwr 1000 = 1/0 peer ENOTTY self /dev/ptmx
back
open /dev/ptmx rdwr 1000 = 0/0 peer ENOTTY self /dev/ptmx`}},
	{devpts.Multiple, layout{"item 5: the unreachable pty", documentStart + sevenPtys + `
devpts /dev/pts newinstance
open /dev/ptmx = 0/7 peer ENOTTY self /dev/ptmx
open /dev/pts/7 = ENOENT
open /dev/pts/ptmx = 1/0 peer ENOTTY self /dev/pts/ptmx
umount-l /dev/pts
open /dev/pts/7 = pts 0/7 self /dev/pts/7`}},
	{devpts.Multiple, layout{"item 6", documentStart + `
devpts /dev/pts newinstance,ptmxmode=0644
open /dev/pts/ptmx rdwr 1000 = EACCES
open /dev/pts/ptmx rdonly 1000 = 1/0 peer ENOTTY self /dev/pts/ptmx
chmod 666 /dev/pts/ptmx
open /dev/pts/ptmx rdwr 1000 = 1/1 peer ENOTTY self /dev/pts/ptmx`}},
	{devpts.Multiple, layout{"item 7: a view of the host's", documentStart + `
open /dev/ptmx = 0/0 peer ENOTTY self /dev/ptmx
unshare
mkdir /srv
mkdir /srv/pts
devpts /srv/pts
chroot /srv
open /pts/0 = pts 0/0 self /pts/0
open /pts/ptmx = 0/1 peer ENOTTY self /pts/ptmx`}},
	{devpts.Multiple, layout{"pts plays no part", start + `
open /a/ptmx = 0/0 peer ENOTTY self /a/ptmx
open /c/ptmx = 0/1 peer ENOTTY self /c/ptmx
file /c/x
bind /a/pts/ptmx /c/x
open /c/x = 0/2 peer ENOTTY self /c/x
mknod /c/s0 136:0 666
open /c/s0 = EIO
fsmount d newinstance
open @d/ptmx = 1/0 peer ENOTTY self /ptmx`}},

	{devpts.Legacy, layout{"one instance", documentStart + `
open /dev/ptmx rdwr 1000 = 0/0 peer ENOTTY self /dev/ptmx
open /dev/pts/ptmx = ENOENT
mkdir /b
devpts /b newinstance,ptmxmode=666
open /b/ptmx = ENOENT
open /b/0 rdwr 1000 = pts 0/0 self /b/0
mknod /b0 136:0 666
open /b0 = EIO`}},

	{devpts.Cloned, layout{"one namespace", documentStart + `
open /dev/ptmx rdwr 1000 = 0/0 peer ENOTTY self /dev/ptmx
open /dev/pts/ptmx = ENOENT
mknod /dev/pts/other 5:2 666 = EPERM
mknod /dev/pts/ptmx 5:3 666 = EPERM
file /dev/pts/ptmx = EACCES
mknod /dev/pts/ptmx 5:2 600
mknod /dev/pts/ptmx 5:2 600 = EEXIST
mknod /dev/pts/tty 5:0 666
open /dev/pts/tty = ENXIO
open /dev/pts/ptmx rdwr 1000 = EACCES
open /dev/pts/ptmx = 0/1 peer ENOTTY self /dev/pts/ptmx
mknod /dev/one 136:1 666
open /dev/one = pts 0/1 self /dev/one
mknod /dev/two 136:2 666
open /dev/two = EIO`}},
}

func TestOlderLayouts(t *testing.T) {
	for _, l := range older {
		for _, wrong := range run(l.script, newModel(l.generation)) {
			t.Errorf("%v, %s: %s", l.generation, l.name, wrong)
		}
	}
}

// task is a process in a PTS namespace.
type task struct {
	user
	ns *devpts.Namespace
}

func (t task) PTSNamespace() *devpts.Namespace { return t.ns }

// TestClonedNamespaces is what the patches of 2008 are for: a terminal of a child by its
// path, `echo foo > /vserver/vserver1/dev/pts/0`, and the caller's namespace where a node
// names none.
func TestClonedNamespaces(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sys := devpts.NewSystem(devpts.Config{Generation: devpts.Cloned})
	host := paths.New(sys)
	for _, dir := range []string{"/dev/pts", "/vserver/vserver1/dev/pts"} {
		must(host.MkdirAll(dir))
	}
	must(host.MountDevpts("/dev/pts", ""))
	must(host.Mknod("/dev/ptmx", paths.S_IFCHR|0o666, paths.RdevPtmx))

	ns, err := sys.Clone()
	must(err)
	init, child := task{ns: sys.InitialNamespace()}, task{ns: ns}
	m, err := ns.Mount(devpts.Mounter{}, "")
	must(err)
	must(host.Attach(m, "/vserver/vserver1/dev/pts"))
	must(host.Mknod("/vserver/vserver1/dev/pts/ptmx", paths.S_IFCHR|0o666, paths.RdevPtmx))
	must(host.Symlink("pts/ptmx", "/vserver/vserver1/dev/ptmx"))
	must(host.Mknod("/vserver/vserver1/dev/old", paths.S_IFCHR|0o666, paths.RdevPtmx))
	inside, err := host.Unshare().Chroot("/vserver/vserver1")
	must(err)

	var ends []pts.End
	open := func(v *paths.View, c pts.Caller, path string, ns *devpts.Namespace, index int) pts.End {
		t.Helper()
		e, err := v.Open(c, path, pty.O_RDWR|pty.O_NOCTTY)
		must(err)
		ends = append(ends, e)
		o, ok := paths.Describe(e)
		if !ok || o.Instance != ns.Instance() || o.Index != index {
			t.Fatalf("%s is %+v", path, o)
		}
		p, err := v.Resolve(c, path)
		must(err)
		if inst, err := p.Instance(c); err != nil || inst != o.Instance {
			t.Errorf("%s would be of %p, %v, and is of %p", path, inst, err, o.Instance)
		}
		if o.PTM {
			unlock(e)
		}
		return e
	}
	ptm := open(inside, child, "/dev/ptmx", ns, 0)
	open(host, init, "/dev/ptmx", init.ns, 0)
	open(inside, child, "/dev/old", ns, 1)                    // a node elsewhere: the caller's
	open(inside, init, "/dev/old", init.ns, 1)                // whoever that is
	open(host, nil, "/vserver/vserver1/dev/old", init.ns, 2)  // nobody is in the first
	open(host, init, "/vserver/vserver1/dev/ptmx", ns, 2)     // on a devpts: its namespace's
	open(host, init, "/vserver/vserver1/dev/pts/ptmx", ns, 3) //
	must(inside.Mknod("/dev/n0", paths.S_IFCHR|0o666, 136<<8))
	open(inside, child, "/dev/n0", ns, 0)
	open(host, init, "/vserver/vserver1/dev/n0", init.ns, 0)

	// echo foo > /vserver/vserver1/dev/pts/0
	foo := open(host, init, "/vserver/vserver1/dev/pts/0", ns, 0)
	if _, err := foo.Write([]byte("foo\n")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	if n, err := ptm.Read(b); string(b[:n]) != "foo\r\n" {
		t.Errorf("the child's terminal shows %q, %v", b[:n], err)
	}

	// The namespace is gone with its last task and its last end; the mount is not.
	must(ns.Put())
	if !ns.Alive() {
		t.Error("the namespace does not outlive its tasks in its ends")
	}
	for _, e := range ends {
		must(e.Close())
	}
	if ns.Alive() {
		t.Error("the namespace is held by its mounts")
	}
	for _, path := range []string{"/vserver/vserver1/dev/pts/0", "/vserver/vserver1/dev/ptmx"} {
		if _, err := host.Open(init, path, pty.O_RDWR); errnoName(err) != "ENODEV" {
			t.Errorf("%s of a namespace that is gone: %v", path, err)
		}
	}
	open(host, init, "/dev/ptmx", init.ns, 0)
}

// process is a process in a PTS namespace.
type process struct {
	*job.Proc
	ns *devpts.Namespace
}

func (p process) PTSNamespace() *devpts.Namespace { return p.ns }

// TestClonedTTY opens the nodes 5:0 of two namespaces, and one that lies in neither, for who
// has a controlling terminal in one of them.
func TestClonedTTY(t *testing.T) {
	m := build(t, devpts.Cloned, `
mkdir /dev
mkdir /dev/pts
mkdir /child
devpts /dev/pts
mknod /dev/pts/tty 5:0 666
mknod /dev/tty 5:0 666
mknod /dev/ptmx 5:2 666`)
	defer m.close()
	ns, err := m.sys.Clone()
	check(err)
	d, err := ns.Mount(devpts.Mounter{}, "")
	check(err)
	check(m.v.Attach(d, "/child"))
	check(m.v.Mknod("/child/tty", paths.S_IFCHR|0o666, paths.RdevTTY))

	child := process{job.NewTable(nil).Start(nil, 0, 0), ns}
	ptm, err := m.v.Open(child, "/dev/ptmx", pty.O_RDWR)
	check(err)
	unlock(ptm)
	s, err := m.v.Open(child, "/child/0", pty.O_RDWR)
	check(err)
	m.ends = append(m.ends, ptm, s)
	for path, want := range map[string]string{"/dev/tty": "ok", "/child/tty": "ok", "/dev/pts/tty": "ENXIO"} {
		got := "ok"
		e, err := m.v.Open(child, path, pty.O_RDWR)
		if err != nil {
			got = errnoName(err)
		} else if o, _ := paths.Describe(e); o.Instance != ns.Instance() || o.PTM {
			t.Errorf("%s is %+v", path, o)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

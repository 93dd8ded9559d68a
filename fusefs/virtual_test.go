//go:build linux

package fusefs

import (
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/procjob"
	"github.com/ptsns/ptsns/pts"
)

// The virtual kind of terminals: an instance of package devpts as a directory.

func (r *run) startVirtual(g devpts.Generation, options string) {
	r.newLoop()
	processes, err := procjob.New(r.loop)
	if err != nil {
		r.tb.Fatal(err)
	}
	mount, err := mountVirtual(g, options)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.first = processes.Close
	callers := func(pid, uid, gid int) pts.Caller {
		mostGoroutines.Store(max(mostGoroutines.Load(), int64(runtime.NumGoroutine())))
		return processes.Process(pid, uid, gid)
	}
	r.start(func(fuse *os.File) (*Door, error) {
		return ServeTree(fuse, virtualDir{virtualNode{mount.Root()}, mount}, callers, r.loop, nil)
	})
}

func mountVirtual(g devpts.Generation, options string) (*devpts.Mount, error) {
	system := devpts.NewSystem(devpts.Config{Generation: g})
	if g != devpts.Cloned {
		return system.Mount(devpts.Mounter{}, options)
	}
	namespace, err := system.Clone()
	if err != nil {
		return nil, err
	}
	return namespace.Mount(devpts.Mounter{}, options)
}

type virtualNode struct{ *devpts.Node }

func (n virtualNode) Stat() (Stat, error) {
	st := n.Node.Stat()
	return Stat{Ino: st.Ino, Mode: st.Mode, Nlink: st.Nlink, UID: st.UID, GID: st.GID, Rdev: st.Rdev, Blksize: devpts.BlockSize,
		Atime: st.Atime, Mtime: st.Mtime, Ctime: st.Ctime}, nil
}

func (n virtualNode) Utimens(c pts.Caller, atime, mtime SetTime) error {
	if atime.Now && mtime.Now && n.Access(c, devpts.MayWrite) == nil {
		c = nil // who can write to it may
	} else if atime.Now && mtime.Now && n.Node.Utimens(c, time.Time{}, time.Time{}) != nil {
		return pts.EACCES
	}
	return n.Node.Utimens(c, atime.at(), mtime.at())
}

func (t SetTime) at() time.Time {
	switch {
	case !t.Set:
		return time.Time{}
	case t.Now:
		return time.Now()
	}
	return t.Time
}

type virtualDir struct {
	virtualNode
	mount *devpts.Mount
}

func (d virtualDir) Lookup(name string) (Node, error) {
	n, err := d.mount.Lookup(name)
	if err == pts.ENOENT && name == "tty" && d.Instance().System().Generation() != devpts.Cloned { // where it is made
		return ttyNode{d.virtualNode}, nil
	}
	if err != nil {
		return nil, err
	}
	return virtualNode{n}, nil
}

func (d virtualDir) Entries() ([]Entry, error) {
	nodes, err := d.mount.ReadDir()
	entries := make([]Entry, len(nodes))
	for i, n := range nodes {
		entries[i] = Entry{Name: n.Name(), Ino: n.Ino()}
	}
	return entries, err
}

func (d virtualDir) Mknod(c pts.Caller, name string, mode uint32, rdev uint64) error {
	return d.mount.Instance().Mknod(c, name, mode, rdev)
}

// ttyNode is a name that no instance lists: /dev/tty.
type ttyNode struct{ virtualNode }

func (n ttyNode) ID() uint64 { return 1 << 61 }

func (n ttyNode) Stat() (Stat, error) {
	st, err := n.virtualNode.Stat()
	st.Ino, st.Mode, st.Nlink, st.Rdev = 1<<20+3, unix.S_IFCHR|0o666, 1, 5<<8
	return st, err
}

func (n ttyNode) Open(c pts.Caller, flags int) (pts.End, error) {
	return n.Instance().System().OpenControlling(c, flags)
}

func init() {
	scenarios["made nodes"] = scenario{options: "mode=620", generation: devpts.Cloned, run: madeNodes, notCompared: true}
	scenarios["held up"] = scenario{run: heldUp, notCompared: true}
	scenarios["many readers"] = scenario{options: "ptmxmode=666,max=600", run: manyReaders, notCompared: true}
}

// TestMadeNodes is the instance of a cloned namespace, whose ptmx and tty are made by
// those inside.
func TestMadeNodes(t *testing.T) {
	got, _ := runScenario(t, "made nodes", onEmpty)
	want := []string{
		"before: .=1 ..=1 ",
		"mknod of ptmx by nobody: EPERM",
		"mknod of null: EPERM",
		"mknod of ptmx: ok",
		"ptmx: inode 2 permissions 666 links 1 uid 0 gid 0 block 1024 blocks 0",
		"mknod of ptmx again: EEXIST",
		"mknod of tty: ok",
		"after: .=1 ..=1 tty=1048579 ptmx=2 ",
		"index 0",
		`through it: read 6 "hello\n"`,
		"tty without a terminal: ENXIO",
	}
	if d := cmp.Diff(want, strings.Split(strings.TrimSpace(got), "\n")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func madeNodes(s *stage) {
	const everybody = unix.S_IFCHR | 0o666
	_ = unix.Umask(0)
	s.list("before")
	s.asNobody(func() { s.say("mknod of ptmx by nobody: %s", name(unix.Mknod("/dev/pts/ptmx", everybody, 0x502))) })
	s.say("mknod of null: %s", name(unix.Mknod("/dev/pts/ptmx", everybody, 0x103)))
	s.say("mknod of ptmx: %s", name(unix.Mknod("/dev/pts/ptmx", everybody, 0x502)))
	s.stat("ptmx", "/dev/pts/ptmx")
	s.say("mknod of ptmx again: %s", name(unix.Mknod("/dev/pts/ptmx", everybody, 0x502)))
	s.say("mknod of tty: %s", name(unix.Mknod("/dev/pts/tty", everybody, 0x500)))
	s.list("after")
	m, err := unix.Open("/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY, 0)
	s.must(err, "opening ptmx")
	s.say("index %d", s.index(m))
	s.unlock(m)
	p := s.pts(m)
	s.put(m, "hello\n")
	s.await(p, unix.POLLIN)
	s.read("through it", p, 10)
	_, err = unix.Open("/dev/pts/tty", unix.O_RDWR, 0)
	s.say("tty without a terminal: %s", name(err))
}

// TestManyReaders checks that a read or write that waits has no goroutine and no thread of
// ours.
func TestManyReaders(t *testing.T) {
	before := runtime.NumGoroutine()
	mostGoroutines.Store(0)
	got, _ := runScenario(t, "many readers", onVirtual)
	if want := "500 wait\n500 have read\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := mostGoroutines.Load() - int64(before); n > 20 {
		t.Errorf("%d goroutines more while 500 readers waited", n)
	}
}

func manyReaders(s *stage) {
	const readers = 500
	var m, p [readers]int
	var tids [readers]int
	var dones [readers]chan struct{}
	for i := range m {
		m[i], p[i] = s.rawPair()
		tids[i], dones[i] = s.thread(func() {
			if n, err := unix.Read(p[i], make([]byte, 10)); n != 1 || err != nil {
				s.say("reader %d: %d %s", i, n, name(err))
			}
		})
	}
	for i := range m {
		s.untilIn(tids[i], unix.SYS_READ)
	}
	s.say("%d wait", readers)
	for i := range m {
		s.put(m[i], "x")
		<-dones[i]
	}
	s.say("%d have read", readers)
}

// mostGoroutines is the most that were there when something was asked of a terminal.
var mostGoroutines atomic.Int64

// TestHeldUp is a limit: the kernel holds a file's lock while a write to it waits.
func TestHeldUp(t *testing.T) {
	got, _ := runScenario(t, "held up", onVirtual)
	want := "another terminal: \"hello\"\nopen(O_TRUNC) waits for the write\nand goes on: ok\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func heldUp(s *stage) {
	m, p := s.rawPair()
	s.flow(p, unix.TCOOFF)
	writer, written := s.thread(func() { s.put(p, "x") })
	s.untilIn(writer, unix.SYS_WRITE)
	var opened error
	opener, done := s.thread(func() { _, opened = unix.Open(s.node(m), unix.O_WRONLY|unix.O_TRUNC|unix.O_NOCTTY, 0) })
	s.untilIn(opener, unix.SYS_OPENAT)
	s.another()
	select {
	case <-done:
		s.say("open(O_TRUNC) did not wait")
	default:
		s.say("open(O_TRUNC) waits for the write")
	}
	s.flow(p, unix.TCOON)
	<-written
	<-done
	s.say("and goes on: %s", name(opened))
}

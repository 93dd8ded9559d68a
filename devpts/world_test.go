package devpts

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// world is a kernel, ours or the real one, as the scenarios see it. What scenarios print is
// compared.
type world interface {
	mount(data string) (mounted, error)
}

// mounted is one mount.
type mounted interface {
	options() string
	remount(data string) error
	bind() (mounted, error)
	umount(lazy bool) error
	stat(name string) (Stat, error) // "" is the root
	names() string
	statfs() Statfs
	ptmx(c *person, flags int) (file, error)
	pts(c *person, index, flags int) (file, error)
	refused(c *person, op Op, name string) error
	mknod(c *person, name string, mode uint32, rdev uint64) error
	chmod(c *person, name string, mode uint32) error
	chown(c *person, name string, uid, gid int) error
	utimens(c *person, name string, atime, mtime time.Time) error
	touch(c *person, name string) error
	truncate(name string) error
	setxattr(name, attr string) error
	flags(f pts.MountFlags) error
	hold(name string) (held, error)
}

// held is a node that is kept by a descriptor, whatever becomes of its name.
type held interface {
	open() error // and close again
	nlink() uint32
}

// file is an open end.
type file interface {
	index() int
	lock(on bool)
	read() (string, error)
	write(s string) error
	peer(flags int) (file, error)
	close()
}

// person is a caller; nil is root.
type person struct{ uid, gid int }

func (p *person) PID() int   { return 1 }
func (p *person) FSUID() int { return p.uid }
func (p *person) FSGID() int { return p.gid }

func (p *person) caller() pts.Caller {
	if p == nil {
		return nil
	}
	return p
}

// errno is an error's name.
func errno(err error) string {
	if err == nil {
		return "ok"
	}
	for _, e := range []pts.Errno{pts.EPERM, pts.ENOENT, pts.EIO, pts.EAGAIN, pts.EACCES, pts.EBUSY, pts.EEXIST, pts.ENODEV,
		pts.ENOTDIR, pts.EISDIR, pts.EINVAL, pts.ENOTTY, pts.ENOSPC, pts.EOPNOTSUPP, pts.ENAMETOOLONG, pts.EBADF, pts.ENXIO} {
		if is(err, e) {
			return e.Name()
		}
	}
	return err.Error()
}

// stage runs a scenario and collects what it says.
type stage struct {
	t testing.TB
	w world
	b strings.Builder
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

func (s *stage) mount(data string) mounted {
	s.t.Helper()
	m, err := s.w.mount(data)
	if err != nil {
		s.t.Fatalf("mounting %q: %v", data, err)
	}
	return m
}

// open opens ptmx, unlocks the pair, and says what index it has.
func (s *stage) open(m mounted, c *person) file {
	s.t.Helper()
	f, err := m.ptmx(c, 2)
	if err != nil {
		s.t.Fatal(err)
	}
	f.lock(false)
	s.say("opened %d", f.index())
	return f
}

func (s *stage) pts(m mounted, c *person, index, flags int) file {
	f, err := m.pts(c, index, flags)
	s.say("open %d: %s", index, errno(err))
	return f
}

// stat says all of a node but its times.
func (s *stage) stat(m mounted, name string) {
	x, err := m.stat(name)
	s.say("%q: %o ino %d nlink %d owner %d:%d rdev %#x: %s", name, x.Mode, x.Ino, x.Nlink, x.UID, x.GID, x.Rdev, errno(err))
}

// ours is a system of this package.
type ours struct{ s *System }

func (o ours) mount(data string) (mounted, error) {
	m, err := o.s.Mount(Mounter{}, data)
	if err != nil {
		return nil, err
	}
	return ourMount{m}, nil
}

type ourMount struct{ m *Mount }

func (o ourMount) options() string           { return o.m.String() }
func (o ourMount) remount(data string) error { return o.m.Remount(data) }
func (o ourMount) umount(lazy bool) error    { return o.m.unmount(lazy) }
func (o ourMount) statfs() Statfs            { return o.m.Instance().Statfs() }

func (o ourMount) bind() (mounted, error) {
	m, err := o.m.Bind()
	return ourMount{m}, err
}

func (o ourMount) node(name string) (*Node, error) {
	if name == "" {
		return o.m.Root(), nil
	}
	return o.m.Lookup(name)
}

func (o ourMount) stat(name string) (Stat, error) {
	n, err := o.node(name)
	if err != nil {
		return Stat{}, err
	}
	return n.Stat(), nil
}

func (o ourMount) names() string {
	nodes, err := o.m.ReadDir()
	if err != nil {
		return errno(err)
	}
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name())
	}
	return strings.Join(names, " ")
}

func (o ourMount) ptmx(c *person, flags int) (file, error) {
	e, index, err := o.m.OpenPtmx(c.caller(), flags)
	if err != nil {
		return nil, err
	}
	return &ourFile{e, index}, nil
}

func (o ourMount) pts(c *person, index, flags int) (file, error) {
	e, err := o.m.OpenPts(c.caller(), index, flags)
	if err != nil {
		return nil, err
	}
	return &ourFile{e, index}, nil
}

func (o ourMount) refused(c *person, op Op, name string) error {
	return o.m.Instance().Refuse(c.caller(), op, name)
}

func (o ourMount) mknod(c *person, name string, mode uint32, rdev uint64) error {
	return o.m.Instance().Mknod(c.caller(), name, mode, rdev)
}

func (o ourMount) chmod(c *person, name string, mode uint32) error {
	n, err := o.node(name)
	if err != nil {
		return err
	}
	return n.Chmod(c.caller(), mode)
}

func (o ourMount) chown(c *person, name string, uid, gid int) error {
	n, err := o.node(name)
	if err != nil {
		return err
	}
	return n.Chown(c.caller(), uid, gid)
}

func (o ourMount) utimens(c *person, name string, atime, mtime time.Time) error {
	n, err := o.node(name)
	if err != nil {
		return err
	}
	return n.Utimens(c.caller(), atime, mtime)
}

func (o ourMount) touch(c *person, name string) error {
	n, err := o.node(name)
	if err != nil {
		return err
	}
	return n.Touch(c.caller())
}

func (o ourMount) truncate(name string) error {
	n, err := o.node(name)
	if err != nil {
		return err
	}
	return n.Truncate()
}

func (o ourMount) setxattr(name, attr string) error {
	n, err := o.node(name)
	if err != nil {
		return err
	}
	return n.Setxattr(attr)
}

func (o ourMount) flags(f pts.MountFlags) error {
	o.m.SetFlags(f)
	return nil
}

func (o ourMount) hold(name string) (held, error) {
	n, err := o.node(name)
	return ourNode{n}, err
}

type ourNode struct{ n *Node }

func (o ourNode) nlink() uint32 { return o.n.Stat().Nlink }
func (o ourNode) open() error {
	e, err := o.n.Open(nil, 2)
	if err == nil {
		err = e.Close()
	}
	return err
}

type ourFile struct {
	e pts.End
	n int
}

func (f *ourFile) index() int { return f.n }

func (f *ourFile) lock(on bool) {
	arg := make([]byte, 4)
	if on {
		arg[0] = 1
	}
	if _, err := f.e.Ioctl(nil, pts.TIOCSPTLCK, arg); err != nil {
		panic(err)
	}
}

func (f *ourFile) read() (string, error) {
	b := make([]byte, 4096)
	n, err := f.e.Read(b)
	return string(b[:n]), err
}

func (f *ourFile) write(s string) error {
	_, err := f.e.Write([]byte(s))
	return err
}

func (f *ourFile) peer(flags int) (file, error) {
	e, err := Peer(f.e, nil, nil, flags)
	if err != nil {
		return nil, err
	}
	return &ourFile{e, f.n}, nil
}

func (f *ourFile) close() {
	if err := f.e.Close(); err != nil {
		panic(err)
	}
}

func is(err error, e pts.Errno) bool { return errors.Is(err, e) || errors.Is(err, numbered(e)) }

//go:build linux

package fusefs

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
)

// fakeStarter is a terminal whose reads and writes are over when the test says so.
type fakeStarter struct {
	fakeEnd
	begun []*fakeOp
}

type fakeOp struct {
	c    pts.Caller
	p    []byte
	done func(int, error)
	over bool
}

func (o *fakeOp) finish(n int, err error) {
	if !o.over {
		o.over = true
		o.done(n, err)
	}
}

func (o *fakeOp) Interrupt() { o.finish(0, pts.EINTR) }

func (e *fakeStarter) start(c pts.Caller, p []byte, done func(int, error)) pts.Pending {
	o := &fakeOp{c: c, p: p, done: done}
	e.begun = append(e.begun, o)
	return o
}

func (e *fakeStarter) StartRead(c pts.Caller, p []byte, done func(int, error)) pts.Pending {
	return e.start(c, p, done)
}

func (e *fakeStarter) StartWrite(c pts.Caller, p []byte, done func(int, error)) pts.Pending {
	return e.start(c, p, done)
}

func (e *fakeStarter) last() *fakeOp { return e.begun[len(e.begun)-1] }

// fakeNode is a node of a tree of the names 0, 1, ... and tty, which is not listed.
type fakeNode struct {
	id     uint64
	stat   Stat
	ends   []*fakeStarter
	flags  int
	change string
}

func (n *fakeNode) ID() uint64          { return n.id }
func (n *fakeNode) Stat() (Stat, error) { return n.stat, nil }
func (n *fakeNode) Open(_ pts.Caller, flags int) (pts.End, error) {
	e := &fakeStarter{fakeEnd: fakeEnd{room: 8}}
	n.ends, n.flags = append(n.ends, e), flags
	return e, nil
}
func (n *fakeNode) Chmod(_ pts.Caller, mode uint32) error {
	n.change = fmt.Sprintf("mode %o", mode)
	return nil
}
func (n *fakeNode) Chown(_ pts.Caller, uid, gid int) error {
	n.change = fmt.Sprint("owner ", uid, gid)
	return nil
}
func (n *fakeNode) Utimens(_ pts.Caller, atime, mtime SetTime) error {
	n.change = fmt.Sprint("times ", atime.Set, atime.Now, atime.Time.UnixNano(), mtime.Set, mtime.Now)
	return nil
}

type fakeDir struct {
	fakeNode
	names []string
	nodes map[string]*fakeNode
	made  string
	last  uint64
}

func (d *fakeDir) add(name string) *fakeNode {
	d.last++
	n := &fakeNode{id: d.last + 9, stat: Stat{Ino: d.last + 2, Mode: 0o620, Nlink: 1, Rdev: 0x8800}}
	d.nodes[name] = n
	return n
}

func (d *fakeDir) Lookup(name string) (Node, error) {
	if n := d.nodes[name]; n != nil {
		return n, nil
	}
	return nil, pts.ENOENT
}

func (d *fakeDir) Entries() (all []Entry, err error) {
	for _, name := range d.names {
		all = append(all, Entry{Name: name, Ino: d.nodes[name].stat.Ino})
	}
	return all, nil
}

func (d *fakeDir) Mknod(_ pts.Caller, name string, mode uint32, rdev uint64) error {
	if name != "ptmx" {
		return pts.EPERM
	}
	d.made = fmt.Sprintf("%s %o %x", name, mode, rdev)
	d.add(name)
	return nil
}

// newTreeKernel is a kernel whose mount is a directory with the names.
func newTreeKernel(tb testing.TB, names ...string) (*kernel, *fakeDir) {
	k := newKernel(tb)
	dir := &fakeDir{fakeNode: fakeNode{id: 9, stat: Stat{Ino: 1, Mode: 0o755, Nlink: 2}}, names: names, nodes: make(map[string]*fakeNode)}
	for _, name := range names {
		dir.add(name)
	}
	fd := k.door.fd
	k.door = newTree(fd, dir, func(pid, uid, gid int) pts.Caller { return caller{pid: pid, uid: uid, gid: gid} })
	return k, dir
}

// about sends a request about a node.
func (k *kernel) about(node uint64, op wire.Op, body ...any) uint64 {
	k.node = node
	defer func() { k.node = wire.RootNode }()
	return k.ask(op, body...)
}

// lookup gives the number of a name.
func (k *kernel) lookup(name string) uint64 {
	k.tb.Helper()
	k.ask(wire.OpLookup, []byte(name+"\x00"))
	all := k.answers()
	if len(all) != 1 || all[0].errno != 0 || len(all[0].body) != 128 {
		k.tb.Fatalf("answers to a lookup of %q: %v", name, all)
	}
	return binary.LittleEndian.Uint64(all[0].body)
}

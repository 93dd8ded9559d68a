package paths

import (
	"strconv"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

// Flags of Open beside those of package pty, by Linux's values on most architectures
// (arm and powerpc have others for the last two).
const (
	O_CREAT     = 0x40
	O_EXCL      = 0x80
	O_DIRECTORY = 0x10000
	O_NOFOLLOW  = 0x20000

	accessMode = 0x3
)

// end is an open terminal that keeps the mount busy through which it was opened.
type end struct {
	pts.End // of package devpts

	place  Place // immutable
	closed bool  // guarded by tree.mu
}

// opener is an end whose inner one is a pts.Starter too.
type opener struct{ end }

func (o *opener) StartRead(c pts.Caller, p []byte, done func(n int, err error)) pts.Pending {
	return o.End.(pts.Starter).StartRead(c, p, done)
}

func (o *opener) StartWrite(c pts.Caller, p []byte, done func(n int, err error)) pts.Pending {
	return o.End.(pts.Starter).StartWrite(c, p, done)
}

// Open opens the terminal that path means for c: a ptmx (5:2) makes one in the instance
// that Place.Instance says, a pts (136:N) is the one it is, /dev/tty (5:0) the one that
// controls c. Nodes, and the directories before them, have to permit it; nil is always
// permitted. flags are those of open(2). Nothing is created, and what is no terminal is
// not opened: ENOENT, EISDIR for a directory, ENXIO for another device, ENOTTY for any other
// file that could have been opened. It does not block.
func (v *View) Open(c pts.Caller, path string, flags int) (pts.End, error) {
	cr := credsOf(c)
	p, err := v.place(cr, path, flags)
	if err != nil {
		return nil, failed("open", path, err)
	}
	e, err := p.open(c, cr, flags)
	return e, failed("open", path, err)
}

// place finds what is to be opened.
func (v *View) place(cr creds, path string, flags int) (Place, error) {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	exclusive := flags&(O_CREAT|O_EXCL) == O_CREAT|O_EXCL
	f, err := v.walkLocked(cr, path, flags&O_NOFOLLOW == 0 && !exclusive)
	switch {
	case err != nil:
	case f.at.m == nil && flags&O_CREAT != 0 && f.dirs:
		err = pts.EISDIR
	case f.at.m == nil && flags&O_CREAT != 0 && f.dir.e.node != nil:
		err = pts.EACCES // a devpts has no way to create
	case f.at.m == nil:
		err = pts.ENOENT
	case exclusive:
		err = pts.EEXIST
	case f.at.e.statLocked().Mode&S_IFMT == S_IFLNK && flags&O_DIRECTORY == 0:
		err = pts.ELOOP
	}
	return f.at, err
}

// Open opens the terminal that p means, as opening /proc/self/fd/N of a descriptor of
// O_PATH does: only the bits of the node itself are asked.
func (p Place) Open(c pts.Caller, flags int) (pts.End, error) {
	e, err := p.open(c, credsOf(c), flags)
	return e, failed("open", p.name(), err)
}

func (p Place) name() string {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return p.e.name
}

// open is open(2) of a place.
func (p Place) open(c pts.Caller, cr creds, flags int) (pts.End, error) {
	start, err := p.prepare(c, cr, flags)
	if err != nil {
		return nil, err
	}
	return p.opened(start)
}

// opened opens with start, and p's mount is busy if that succeeds.
func (p Place) opened(start func() (pts.End, error)) (pts.End, error) {
	p.hold(1)
	inner, err := start()
	if err != nil {
		p.hold(-1)
		return nil, err
	}
	o := &opener{end{End: inner, place: p}}
	if _, ok := inner.(pts.Starter); ok {
		return o, nil
	}
	return &o.end, nil
}

// hold counts an open end of p's mount.
func (p Place) hold(n int) {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	p.m.ends += n
}

// Close gives the end up.
func (e *end) Close() error {
	err := e.End.Close()
	t := e.place.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if !e.closed {
		e.closed = true
		e.place.m.ends--
	}
	return err
}

// prepare asks whether p may be opened and says what opens it, with no lock held.
func (p Place) prepare(c pts.Caller, cr creds, flags int) (func() (pts.End, error), error) {
	ns := p.t.namespaceOf(c)
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	st := p.e.statLocked()
	kind := st.Mode & S_IFMT
	// The ways in which open(2) refuses, in its order.
	switch {
	case kind != S_IFDIR && flags&O_DIRECTORY != 0:
		return nil, pts.ENOTDIR
	case kind == S_IFLNK:
		return nil, pts.ELOOP
	case kind == S_IFDIR && wanted(flags)&2 != 0:
		return nil, pts.EISDIR
	case kind == S_IFCHR && p.m.flags&pts.MountNoDev != 0, !cr.allow(st, wanted(flags)):
		return nil, pts.EACCES
	case kind == S_IFDIR:
		return nil, pts.EISDIR
	case kind != S_IFCHR:
		return nil, pts.ENOTTY
	}
	flags &^= O_CREAT | O_EXCL | O_DIRECTORY | O_NOFOLLOW
	if node := p.e.node; node != nil {
		return func() (pts.End, error) { return node.Open(c, flags) }, nil
	}
	// A node that lies on no devpts.
	index, isPts := ptsIndex(st.Rdev)
	switch {
	case st.Rdev == RdevPtmx:
		inst, err := p.ptmxLocked(ns)
		return func() (pts.End, error) {
			e, _, err := inst.MakePair(c, flags)
			return e, err
		}, err
	case isPts && p.t.sys.Generation() == devpts.Cloned:
		return func() (pts.End, error) { return ns.OpenPts(c, index, flags) }, nil
	case st.Rdev == RdevTTY:
		return func() (pts.End, error) { return p.t.sys.OpenControlling(c, flags) }, nil
	case isPts, st.Rdev>>8&0xfff == ptmMajor:
		return nil, pts.EIO
	}
	return nil, pts.ENXIO
}

// wanted is what an access mode asks of the permission bits; 3 is both.
func wanted(flags int) uint32 {
	switch flags & accessMode {
	case pty.O_RDONLY:
		return 4
	case pty.O_WRONLY:
		return 2
	}
	return 6
}

// Opened is what is known of an end that this package opened.
type Opened struct {
	devpts.Opened
	Place Place // where: of a ptm that of the ptmx, also when it lies outside its instance
}

// Describe tells what e is, and false when it is not of this package.
func Describe(e pts.End) (Opened, bool) {
	x := innerEnd(e)
	if x == nil {
		return Opened{}, false
	}
	o, ok := devpts.Describe(x.End)
	return Opened{Opened: o, Place: x.place}, ok
}

func innerEnd(e pts.End) *end {
	switch e := e.(type) {
	case *end:
		return e
	case *opener:
		return &e.end
	}
	return nil
}

// Peer is the place at which TIOCGPTPEER on the ptm e opens its pts: in the mount of the
// instance that lies beside the ptmx through which e was opened, or around it. ENOENT,
// ENODEV: no such mount can be reached from there; EIO: e is no ptm; EBADF: it is closed; ENOTTY: the system is
// of a generation without TIOCGPTPEER, or e is not of this package.
func Peer(e pts.End) (Place, error) {
	o, ok := Describe(e)
	if !ok || o.Instance.System().Generation() != devpts.Always {
		return Place{}, pts.ENOTTY
	}
	if !o.PTM {
		return Place{}, pts.EIO
	}
	t := o.Place.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if innerEnd(e).closed {
		return Place{}, pts.EBADF
	}
	m, err := o.Place.peerLocked(o.Instance)
	if err != nil {
		return Place{}, err
	}
	child := m.sb.root.childLocked(strconv.Itoa(o.Index))
	if child == nil {
		return Place{}, pts.EBADF // being closed
	}
	return Place{t, m, child}, nil
}

// OpenPeer is TIOCGPTPEER on the ptm e: it opens the pts for c, whatever the permission
// bits of its node and of the directories before it. Errors are Peer's, and those of a
// pts.
func OpenPeer(e pts.End, c pts.Caller, flags int) (pts.End, error) {
	p, err := Peer(e)
	if err != nil {
		return nil, failed("TIOCGPTPEER", "ptmx", err)
	}
	peer, err := p.opened(func() (pts.End, error) { return devpts.Peer(innerEnd(e).End, nil, c, flags) })
	if err != nil {
		return nil, failed("TIOCGPTPEER", "ptmx", err)
	}
	return peer, nil
}

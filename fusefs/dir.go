//go:build linux

package fusefs

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
)

// Dir is the root of a tree, which has no directories below.
type Dir interface {
	Node
	// Lookup finds the node with a name, also one that is not listed: ENOENT. A name
	// `tty` that stands for the controlling terminal of whoever opens it is such a one.
	Lookup(name string) (Node, error)
	// Entries lists the names, without "." and "..", in the order in which they are shown.
	Entries() ([]Entry, error)
	// Mknod makes a node; mode is that of mknod(2) without the bits of the umask. EPERM:
	// this is not such an instance. Whether c may write to the directory is checked.
	Mknod(c pts.Caller, name string, mode uint32, rdev uint64) error
}

// Entry is a name that a directory lists.
type Entry struct {
	Name string
	Ino  uint64
}

const (
	nameMax = 255
	search  = unix.X_OK
	alter   = unix.W_OK | unix.X_OK
)

// dir finds the directory that a request is about, if the caller may do mask in it, or
// answers. The kernel does not check: it would need default_permissions for that.
func (d *Door) dir(in wire.In, mask uint32) Dir {
	n := d.node(in)
	if n == nil {
		return nil
	}
	dir, is := n.(Dir)
	if !is {
		d.replyError(in.Unique, unix.ENOTDIR)
		return nil
	}
	if err := d.caller(in).may(dir, mask); err != nil {
		d.replyError(in.Unique, err)
		return nil
	}
	return dir
}

func (d *Door) lookup(in wire.In, out []byte) {
	dir := d.dir(in, search)
	if dir == nil {
		return
	}
	name, err := wire.ParseName(in.Body)
	if err == nil {
		err = checkName(name)
	}
	var n Node
	if err == nil {
		n, err = dir.Lookup(string(name))
	}
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.replyEntry(in, out, n, 0)
}

func checkName(name []byte) error {
	if len(name) > nameMax {
		return unix.ENAMETOOLONG
	}
	return nil
}

// mknod answers with a node of the type that was asked for, and the number under which
// it is that.
func (d *Door) mknod(in wire.In, out []byte) {
	dir := d.dir(in, alter)
	if dir == nil {
		return
	}
	m, err := wire.ParseMknod(in.Body)
	if err == nil {
		err = checkName(m.Name)
	}
	if err == nil && m.Mode&unix.S_IFMT == unix.S_IFREG {
		err = unix.EACCES // another name of creat(2)
	}
	if err == nil {
		err = dir.Mknod(d.asker(d.caller(in)), string(m.Name), m.Mode, uint64(m.Rdev))
	}
	var n Node
	if err == nil {
		n, err = dir.Lookup(string(m.Name))
	}
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.replyEntry(in, out, n, m.Mode&unix.S_IFMT)
}

// refuse answers what a directory of terminals knows no way to do, as devpts does: only
// lookups have one. Who must not write to it is told so first, but for link(2), which
// nobody may use on what is not a file of his own (protected_hardlinks).
func (d *Door) refuse(in wire.In) {
	mask := uint32(alter)
	if in.Op == wire.OpLink {
		mask = 0
	}
	if d.dir(in, mask) == nil {
		return
	}
	if in.Op == wire.OpCreate {
		d.replyError(in.Unique, unix.EACCES)
		return
	}
	d.replyError(in.Unique, unix.EPERM)
}

// listing is an open directory: what it held when its reader began.
type listing struct {
	dir     Dir
	entries []wire.Dirent // used by the loop alone
}

func (d *Door) opendir(in wire.In, out []byte) {
	dir := d.dir(in, unix.R_OK)
	if dir == nil {
		return
	}
	if _, err := wire.ParseOpen(in.Body); err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.mu.Lock()
	fh := d.nextFH
	d.nextFH++
	d.dirs[fh] = &listing{dir: dir}
	d.mu.Unlock()
	if !d.reply(in.Unique, wire.AppendOpenOut(out[:wire.OutHeaderSize], fh, 0)) {
		d.dropDir(fh) // as in open
	}
}

func (d *Door) releasedir(in wire.In) {
	fh, err := wire.ParseFH(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.dropDir(fh)
	d.replyOK(in.Unique)
}

func (d *Door) dropDir(fh uint64) {
	d.mu.Lock()
	delete(d.dirs, fh)
	d.mu.Unlock()
}

// readdir gives the entries from an offset on, and looks again what there is when that
// is the beginning.
func (d *Door) readdir(in wire.In, out []byte) {
	r, err := wire.ParseReaddir(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	d.mu.Lock()
	l := d.dirs[r.FH]
	d.mu.Unlock()
	if l == nil {
		d.replyError(in.Unique, unix.EBADF)
		return
	}
	if r.Offset == 0 {
		err = l.look()
	}
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	b := out[:wire.OutHeaderSize]
	size := int(min(r.Size, maxTransfer))
	for _, e := range l.entries[min(r.Offset, uint64(len(l.entries))):] {
		var fits bool
		if b, fits = wire.AppendDirent(b, wire.OutHeaderSize, size, e); !fits {
			break
		}
	}
	d.reply(in.Unique, b)
}

// look fills the listing. ".." is the root as ".", as it is in the root of any mount
// that nobody has walked out of.
func (l *listing) look() error {
	st, err := l.dir.Stat()
	if err != nil {
		return err
	}
	entries, err := l.dir.Entries()
	if err != nil {
		return err
	}
	l.entries = append(make([]wire.Dirent, 0, len(entries)+2),
		wire.Dirent{Ino: st.Ino, Offset: 1, Type: wire.DirentDir, Name: "."},
		wire.Dirent{Ino: st.Ino, Offset: 2, Type: wire.DirentDir, Name: ".."})
	for i, e := range entries {
		// The type is what stat(2) will say, or programs would find two.
		l.entries = append(l.entries, wire.Dirent{Ino: e.Ino, Offset: uint64(i) + 3, Type: wire.DirentFile, Name: e.Name})
	}
	return nil
}

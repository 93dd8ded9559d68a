//go:build linux

package fusefs

import (
	"encoding/binary"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
)

// ioctl answers a request on the ptm. FUSE copied the argument only if the request's
// number carries its size; the rest is fetched from, or stored into, the caller's
// memory, which is somebody else's to slow down, so it is done aside.
func (d *Door) ioctl(in wire.In) {
	q, err := wire.ParseIoctl(in.Body)
	if err != nil {
		d.replyError(in.Unique, err)
		return
	}
	h := d.handle(in, q.FH)
	if h == nil {
		return
	}
	r, known := pts.LookupIoctl(q.Cmd)
	if !known {
		d.replyError(in.Unique, unix.ENOTTY)
		return
	}
	t := transfer{caller: d.caller(in), req: r, arg: q.Arg, outSize: int(q.OutSize), data: append([]byte(nil), q.Data...)}
	if t.touchesMemory() {
		d.goAside(in.Unique, h.end, t)
		return
	}
	result, data, err := t.do(h.end, nil)
	d.replyIoctl(in.Unique, result, data, err)
}

func (d *Door) replyIoctl(unique uint64, result int, data []byte, err error) {
	if err != nil {
		d.replyError(unique, err)
		return
	}
	b := make([]byte, wire.OutHeaderSize, wire.OutHeaderSize+16+len(data))
	d.reply(unique, wire.AppendIoctlOut(b, result, data))
}

// memory is a caller's memory. Addresses that it does not have give EFAULT.
type memory interface {
	read(address uint64, b []byte) error
	write(address uint64, b []byte) error
}

// transfer carries one ioctl and its argument between its caller and us.
type transfer struct {
	caller  caller
	req     pts.Ioctl
	arg     uint64 // a number, or an address in the caller's memory
	data    []byte // what FUSE copied in
	outSize int    // what FUSE copies out
}

func (t transfer) touchesMemory() bool {
	switch t.req.Dir {
	case pts.IoctlIn:
		return len(t.data) < t.req.Size
	case pts.IoctlOut:
		return t.outSize < t.req.Size
	default:
		return false
	}
}

// do performs the request on end, in the kernel's order: whether the caller may, its
// argument, the request, its result. mem may be nil where the transfer does not touch
// memory. data is for FUSE to copy out.
func (t transfer) do(end pts.End, mem memory) (result int, data []byte, err error) {
	if err := permitted(end, t.caller, t.req); err != nil {
		return 0, nil, err
	}
	arg, err := t.fetch(mem)
	if err != nil {
		return 0, nil, err
	}
	if result, err = perform(end, t.caller, t.req, arg); err != nil {
		return 0, nil, err
	}
	if t.req.Dir == pts.IoctlOut {
		data, err = t.store(mem, arg)
	}
	return result, data, err
}

func (t transfer) fetch(mem memory) ([]byte, error) {
	switch {
	case t.req.Dir == pts.IoctlValue:
		return binary.LittleEndian.AppendUint64(nil, t.arg), nil
	case t.req.Dir == pts.IoctlOut:
		return make([]byte, t.req.Size), nil
	case len(t.data) >= t.req.Size:
		return t.data[:t.req.Size], nil
	}
	b := make([]byte, t.req.Size)
	return b, mem.read(t.arg, b)
}

// store puts b where the caller asked for it, or returns it for FUSE to do so.
func (t transfer) store(mem memory, b []byte) ([]byte, error) {
	if t.outSize >= len(b) {
		return b, nil
	}
	return nil, mem.write(t.arg, b)
}

// permitted decides what the kernel decides before it looks at the argument.
func permitted(end pts.End, c caller, r pts.Ioctl) error {
	switch {
	case r.Req == pts.TIOCSTI:
		if !procfs.Capable(c.pid, unix.CAP_SYS_ADMIN) {
			return refuseSTI()
		}
	case r.Req == pts.TIOCVHANGUP:
		if !procfs.Capable(c.pid, unix.CAP_SYS_ADMIN) {
			return unix.EPERM
		}
	case r.Req == pts.TIOCSLCKTRMIOS:
		if !procfs.Capable(c.pid, unix.CAP_SYS_ADMIN) && !procfs.Capable(c.pid, unix.CAP_CHECKPOINT_RESTORE) {
			return unix.EPERM
		}
	case r.SetsTermios():
		return checkBackground(end, c)
	}
	return nil
}

// perform does one request for c as the kernel would have done it for c itself. Most
// go to the end as they are; those whose answer depends on who asks are decided here.
func perform(end pts.End, c caller, r pts.Ioctl, arg []byte) (int, error) {
	switch r.Req {
	case pts.TIOCGPTPEER:
		return 0, unix.ENOTTY // a descriptor cannot be passed back; openers fall back to the name
	case pts.TIOCSIG:
		return 0, unix.EFAULT // what the kernel says before it even asks us
	case pts.TIOCNOTTY:
		return 0, unix.ENOTTY // a ptm is nobody's controlling terminal
	case pts.TIOCSCTTY:
		return 0, setControlling(end, c, binary.LittleEndian.Uint64(arg))
	case pts.TIOCGPGRP, pts.TIOCGSID:
		n, err := end.Ioctl(c, r.Req, arg)
		if err == nil {
			putInt(arg, pidFor(c.pid, getInt(arg)))
		}
		return n, err
	case pts.TIOCSPGRP:
		if getInt(arg) < 0 {
			return 0, unix.EINVAL
		}
		return 0, unix.ENOTTY // only a process of the terminal's session could, and only itself
	case pts.TIOCSETD:
		if err := checkDiscipline(getInt(arg)); err != nil {
			return 0, err
		}
	}
	return end.Ioctl(c, r.Req, arg)
}

// checkDiscipline lets a caller change the ptm's line discipline only among those that
// need no module and no privilege: the kernel would load and allow any for us.
func checkDiscipline(ldisc int) error {
	const nTTY, nNull = 0, 27
	if ldisc != nTTY && ldisc != nNull {
		return unix.EINVAL
	}
	return nil
}

// refuseSTI is the errno of TIOCSTI for a caller without CAP_SYS_ADMIN: EIO where
// dev.tty.legacy_tiocsti is off, which the kernel looks at first.
func refuseSTI() error {
	b, err := os.ReadFile("/proc/sys/dev/tty/legacy_tiocsti")
	if err == nil && strings.TrimSpace(string(b)) == "0" {
		return unix.EIO
	}
	return unix.EPERM
}

func getInt(b []byte) int    { return int(int32(binary.LittleEndian.Uint32(b))) }
func putInt(b []byte, v int) { binary.LittleEndian.PutUint32(b, uint32(int32(v))) }

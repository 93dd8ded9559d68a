//go:build linux

package fusefs

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
)

// ioctl answers a request on an end. FUSE copied the argument only if the request's
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
	result, data, err := t.do(d.rules, h.end, nil)
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

// rules say in whose place an end is asked.
type rules interface {
	// ask performs r on end for c with what fetch gives, in the kernel's order: whether
	// c may, the argument, the request. It returns the argument as the request left it.
	ask(end pts.End, c caller, r pts.Ioctl, fetch func() ([]byte, error)) (result int, arg []byte, err error)
}

// do performs the request on end. mem may be nil where the transfer does not touch
// memory. data is for FUSE to copy out.
func (t transfer) do(how rules, end pts.End, mem memory) (result int, data []byte, err error) {
	result, arg, err := how.ask(end, t.caller, t.req, func() ([]byte, error) { return t.fetch(mem) })
	if err != nil {
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

func getInt(b []byte) int    { return int(int32(binary.LittleEndian.Uint32(b))) }
func putInt(b []byte, v int) { binary.LittleEndian.PutUint32(b, uint32(int32(v))) }

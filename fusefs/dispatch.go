//go:build linux

package fusefs

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
)

// dispatch answers one request, or parks it, or leaves it to a goroutine. msg is
// reused once it returns.
func (d *Door) dispatch(msg, out []byte) {
	in, err := wire.ParseIn(msg)
	if err != nil {
		return // no header, nobody to answer
	}
	switch in.Op {
	case wire.OpForget, wire.OpBatchForget:
		d.forgotten(in)
	case wire.OpInit:
		d.init(in, out)
	case wire.OpDestroy, wire.OpFlush:
		d.replyOK(in.Unique)
	case wire.OpAccess:
		d.access(in)
	case wire.OpGetattr:
		d.getattr(in, out)
	case wire.OpSetattr:
		d.setattr(in, out)
	case wire.OpStatfs:
		d.reply(in.Unique, wire.AppendStatfsOut(out[:wire.OutHeaderSize]))
	case wire.OpOpen:
		d.open(in, out)
	case wire.OpRelease:
		d.release(in)
	case wire.OpRead:
		d.read(in, out)
	case wire.OpWrite:
		d.write(in, out)
	case wire.OpPoll:
		d.poll(in, out)
	case wire.OpIoctl:
		d.ioctl(in)
	case wire.OpInterrupt:
		d.interrupt(in)
	case wire.OpFsync:
		d.replyError(in.Unique, unix.EINVAL) // as a terminal does
	case wire.OpFallocate:
		d.replyError(in.Unique, unix.ENODEV)
	default:
		d.dispatchDir(in, out)
	}
}

// dispatchDir does the same for what is asked of directories.
func (d *Door) dispatchDir(in wire.In, out []byte) {
	switch in.Op {
	case wire.OpLookup:
		d.lookup(in, out)
	case wire.OpOpendir:
		d.opendir(in, out)
	case wire.OpReaddir:
		d.readdir(in, out)
	case wire.OpReleasedir:
		d.releasedir(in)
	case wire.OpFsyncdir:
		d.replyOK(in.Unique)
	case wire.OpMknod:
		d.mknod(in, out)
	case wire.OpMkdir, wire.OpUnlink, wire.OpRmdir, wire.OpRename, wire.OpRename2, wire.OpSymlink, wire.OpLink, wire.OpCreate:
		d.refuse(in)
	default:
		d.replyError(in.Unique, unix.ENOSYS) // the kernel does not ask again, or says EOPNOTSUPP
	}
}

// forgotten drops nodes that the kernel has dropped. It has no answer.
func (d *Door) forgotten(in wire.In) {
	if in.Op == wire.OpBatchForget {
		list, _ := wire.ParseBatchForget(in.Body) // none when there is an error
		d.forgetNodes(list...)
		return
	}
	if count, err := wire.ParseForget(in.Body); err == nil {
		d.forgetNodes(wire.Forget{Node: in.Node, Count: count})
	}
}

func (d *Door) init(in wire.In, out []byte) {
	i, err := wire.ParseInit(in.Body)
	if err != nil || i.Major != wire.Major {
		d.replyError(in.Unique, unix.EPROTO)
		return
	}
	flags := i.Flags & (wire.InitAsyncRead | wire.InitBigWrites | wire.InitMaxPages)
	d.reply(in.Unique, wire.AppendInit(out[:wire.OutHeaderSize], min(i.Minor, wire.Minor), flags, 0, maxBackground, maxPages))
}

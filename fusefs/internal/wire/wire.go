// Package wire is the part of the FUSE protocol that terminals and a directory of them
// need: the layouts of include/uapi/linux/fuse.h as functions from bytes to values and
// back. It does no I/O and keeps no state.
//
// Everything parsed here was written by the kernel, but sizes and data inside come
// from any process that opens the file: each parser checks what it reads against
// the bytes there are and returns ErrShort instead of trusting a length.
package wire

import (
	"encoding/binary"
	"errors"
)

// ErrShort means that a message ends before its fields do.
var ErrShort = errors.New("fuse message is too short")

var le = binary.LittleEndian

// The protocol version we speak. The kernel speaks down to the minor we answer.
const (
	Major = 7
	Minor = 36 // the first with 64 bits of init flags
)

// Op is a request's operation, fuse_opcode.
type Op uint32

// The operations that a terminal's file meets.
const (
	OpForget      Op = 2
	OpGetattr     Op = 3
	OpSetattr     Op = 4
	OpOpen        Op = 14
	OpRead        Op = 15
	OpWrite       Op = 16
	OpStatfs      Op = 17
	OpRelease     Op = 18
	OpFsync       Op = 20
	OpFlush       Op = 25
	OpInit        Op = 26
	OpAccess      Op = 34
	OpInterrupt   Op = 36
	OpDestroy     Op = 38
	OpIoctl       Op = 39
	OpPoll        Op = 40
	OpBatchForget Op = 42
	OpFallocate   Op = 43
)

// Flags of OpenOut.
const (
	OpenDirectIO             = 1 << 0
	OpenNonSeekable          = 1 << 2
	OpenStream               = 1 << 4
	OpenNoFlush              = 1 << 5
	OpenParallelDirectWrites = 1 << 6
)

// Flags of InitIn and InitOut.
const (
	InitAsyncRead = 1 << 0
	InitBigWrites = 1 << 5
	InitMaxPages  = 1 << 22
	InitExt       = 1 << 30
)

// Bits of SetattrIn.Valid.
const (
	SetMode     = 1 << 0
	SetUID      = 1 << 1
	SetGID      = 1 << 2
	SetSize     = 1 << 3
	SetAtime    = 1 << 4
	SetMtime    = 1 << 5
	SetFH       = 1 << 6 // through an open file: ftruncate(2)
	SetAtimeNow = 1 << 7
	SetMtimeNow = 1 << 8
)

// ReadLockOwner is set in ReadIn.ReadFlags for each read(2) of a file that is open with
// OpenDirectIO, and is not for the page faults of a mapping.
const ReadLockOwner = 1 << 1

// PollScheduleNotify asks for a NotifyPoll when readiness changes.
const PollScheduleNotify = 1 << 0

// Sizes of what messages begin with.
const (
	InHeaderSize  = 40
	OutHeaderSize = 16
	writeInSize   = 40
	ioctlInSize   = 32
)

// In is a request: its header and what follows.
type In struct {
	Op     Op
	Unique uint64
	Node   uint64 // what the request is about: RootNode, or a number that an Entry gave
	UID    uint32 // fsuid of the caller, in the user namespace of the mount
	GID    uint32
	PID    uint32 // thread of the caller in the pid namespace of the mount; 0 when it has none there
	Body   []byte // aliases the buffer the request was read into
}

// ParseIn splits a message read from /dev/fuse.
func ParseIn(b []byte) (In, error) {
	if len(b) < InHeaderSize {
		return In{}, ErrShort
	}
	return In{
		Op: Op(le.Uint32(b[4:])), Unique: le.Uint64(b[8:]), Node: le.Uint64(b[16:]),
		UID: le.Uint32(b[24:]), GID: le.Uint32(b[28:]), PID: le.Uint32(b[32:]),
		Body: b[InHeaderSize:],
	}, nil
}

// InitIn is what the kernel offers.
type InitIn struct{ Major, Minor, MaxReadahead, Flags, Flags2 uint32 }

// ParseInit parses the body of INIT.
func ParseInit(b []byte) (InitIn, error) {
	if len(b) < 16 {
		return InitIn{}, ErrShort
	}
	i := InitIn{Major: le.Uint32(b), Minor: le.Uint32(b[4:]), MaxReadahead: le.Uint32(b[8:]), Flags: le.Uint32(b[12:])}
	if i.Flags&InitExt != 0 && len(b) >= 20 {
		i.Flags2 = le.Uint32(b[16:])
	}
	return i, nil
}

// AppendInit appends the answer to INIT: the flags we take, up to maxPages pages a
// request and maxBackground requests that nobody waits for.
func AppendInit(b []byte, minor, flags, flags2 uint32, maxBackground, maxPages uint16) []byte {
	b = le.AppendUint32(b, Major)
	b = le.AppendUint32(b, minor)
	b = le.AppendUint32(b, 0) // max_readahead: direct I/O has none
	b = le.AppendUint32(b, flags)
	b = le.AppendUint16(b, maxBackground)
	b = le.AppendUint16(b, maxBackground*3/4) // congestion_threshold
	b = le.AppendUint32(b, uint32(maxPages)*4096)
	b = le.AppendUint32(b, 1) // time_gran
	b = le.AppendUint16(b, maxPages)
	b = le.AppendUint16(b, 0) // map_alignment
	b = le.AppendUint32(b, flags2)
	return append(b, make([]byte, 28)...)
}

// Attr is struct fuse_attr without the fields that a terminal has no use for.
type Attr struct {
	Ino                 uint64
	Size                uint64
	Atime, Mtime, Ctime Time
	Mode, Nlink         uint32
	UID, GID            uint32
	Rdev                uint32
	Blksize             uint32
}

// Time is seconds and nanoseconds since the epoch.
type Time struct {
	Sec  uint64
	Nsec uint32
}

// AppendAttrOut appends the answer to GETATTR and SETATTR, valid for no time at all,
// so that each stat asks again.
func AppendAttrOut(b []byte, a Attr) []byte {
	b = append(b, make([]byte, 16)...) // attr_valid 0, padding
	return appendAttr(b, a)
}

func appendAttr(b []byte, a Attr) []byte {
	b = le.AppendUint64(b, a.Ino)
	b = le.AppendUint64(b, a.Size)
	b = le.AppendUint64(b, 0) // blocks
	for _, t := range []Time{a.Atime, a.Mtime, a.Ctime} {
		b = le.AppendUint64(b, t.Sec)
	}
	for _, t := range []Time{a.Atime, a.Mtime, a.Ctime} {
		b = le.AppendUint32(b, t.Nsec)
	}
	for _, v := range []uint32{a.Mode, a.Nlink, a.UID, a.GID, a.Rdev, a.Blksize, 0} {
		b = le.AppendUint32(b, v)
	}
	return b
}

// SetattrIn is what chmod, chown, utimes and truncate ask for.
type SetattrIn struct {
	Valid          uint32
	Size           uint64
	Atime, Mtime   Time
	Mode, UID, GID uint32
}

// ParseSetattr parses the body of SETATTR.
func ParseSetattr(b []byte) (SetattrIn, error) {
	if len(b) < 84 {
		return SetattrIn{}, ErrShort
	}
	return SetattrIn{Valid: le.Uint32(b), Size: le.Uint64(b[16:]),
		Atime: Time{le.Uint64(b[32:]), le.Uint32(b[56:])}, Mtime: Time{le.Uint64(b[40:]), le.Uint32(b[60:])},
		Mode: le.Uint32(b[68:]), UID: le.Uint32(b[76:]), GID: le.Uint32(b[80:])}, nil
}

// ParseOpen returns the flags of open(2).
func ParseOpen(b []byte) (flags uint32, err error) {
	if len(b) < 8 {
		return 0, ErrShort
	}
	return le.Uint32(b), nil
}

// AppendOpenOut appends the answer to OPEN: the handle that later requests name.
func AppendOpenOut(b []byte, fh uint64, flags uint32) []byte {
	b = le.AppendUint64(b, fh)
	b = le.AppendUint32(b, flags)
	return le.AppendUint32(b, 0)
}

// ParseAccess returns the permissions that access(2) asks about.
func ParseAccess(b []byte) (mask uint32, err error) { return ParseOpen(b) }

// ParseFH returns the file handle that the bodies of RELEASE, FSYNC and FLUSH begin with.
func ParseFH(b []byte) (uint64, error) {
	if len(b) < 8 {
		return 0, ErrShort
	}
	return le.Uint64(b), nil
}

// ReadIn is a read of up to Size bytes; Flags are the file's, O_NONBLOCK among them.
type ReadIn struct {
	FH        uint64
	Size      uint32
	ReadFlags uint32
	Flags     uint32
}

// ParseRead parses the body of READ.
func ParseRead(b []byte) (ReadIn, error) {
	if len(b) < 40 {
		return ReadIn{}, ErrShort
	}
	return ReadIn{FH: le.Uint64(b), Size: le.Uint32(b[16:]), ReadFlags: le.Uint32(b[20:]), Flags: le.Uint32(b[32:])}, nil
}

// WriteIn is a write of Data, which aliases the request's buffer. Flags are the file's;
// Offset is where a regular file would have put the data.
type WriteIn struct {
	FH     uint64
	Offset uint64
	Flags  uint32
	Data   []byte
}

// ParseWrite parses the body of WRITE, whose data must all be there.
func ParseWrite(b []byte) (WriteIn, error) {
	if len(b) < writeInSize {
		return WriteIn{}, ErrShort
	}
	size := le.Uint32(b[16:])
	if uint64(size) > uint64(len(b)-writeInSize) {
		return WriteIn{}, ErrShort
	}
	return WriteIn{FH: le.Uint64(b), Offset: le.Uint64(b[8:]), Flags: le.Uint32(b[32:]), Data: b[writeInSize:][:size]}, nil
}

// AppendWriteOut appends the answer to WRITE: how much was taken.
func AppendWriteOut(b []byte, n int) []byte {
	b = le.AppendUint32(b, uint32(n))
	return le.AppendUint32(b, 0)
}

// IoctlIn is an ioctl. The kernel copied Data from the caller, and will copy up to
// OutSize bytes back, for a request number that carries a size; otherwise Arg is a
// number or an address in the caller's memory.
type IoctlIn struct {
	FH      uint64
	Flags   uint32
	Cmd     uint32
	Arg     uint64
	OutSize uint32
	Data    []byte
}

// ParseIoctl parses the body of IOCTL, whose data must all be there.
func ParseIoctl(b []byte) (IoctlIn, error) {
	if len(b) < ioctlInSize {
		return IoctlIn{}, ErrShort
	}
	size := le.Uint32(b[24:])
	if uint64(size) > uint64(len(b)-ioctlInSize) {
		return IoctlIn{}, ErrShort
	}
	return IoctlIn{FH: le.Uint64(b), Flags: le.Uint32(b[8:]), Cmd: le.Uint32(b[12:]), Arg: le.Uint64(b[16:]),
		OutSize: le.Uint32(b[28:]), Data: b[ioctlInSize:][:size]}, nil
}

// AppendIoctlOut appends the answer to IOCTL: what ioctl(2) returns, and what goes to the
// caller.
func AppendIoctlOut(b []byte, result int, data []byte) []byte {
	b = le.AppendUint32(b, uint32(int32(result)))
	b = append(b, make([]byte, 12)...) // flags and counts, for unrestricted ioctls
	return append(b, data...)
}

// PollIn asks for readiness; KH names whom to notify later.
type PollIn struct {
	FH, KH uint64
	Flags  uint32
	Events uint32
}

// ParsePoll parses the body of POLL.
func ParsePoll(b []byte) (PollIn, error) {
	if len(b) < 24 {
		return PollIn{}, ErrShort
	}
	return PollIn{FH: le.Uint64(b), KH: le.Uint64(b[8:]), Flags: le.Uint32(b[16:]), Events: le.Uint32(b[20:])}, nil
}

// AppendPollOut appends the answer to POLL: the poll(2) bits now.
func AppendPollOut(b []byte, events uint32) []byte {
	b = le.AppendUint32(b, events)
	return le.AppendUint32(b, 0)
}

// ParseInterrupt returns the request that a signal wants ended.
func ParseInterrupt(b []byte) (unique uint64, err error) { return ParseFH(b) }

// AppendStatfsOut appends the answer to STATFS: no blocks, no files, long names.
func AppendStatfsOut(b []byte) []byte {
	b = append(b, make([]byte, 40)...)
	b = le.AppendUint32(b, 4096) // bsize
	b = le.AppendUint32(b, 255)  // namelen
	return append(b, make([]byte, 32)...)
}

// PutOutHeader writes the header of an answer of size bytes in all to b. errno is
// 0 or positive.
func PutOutHeader(b []byte, size int, errno int32, unique uint64) {
	le.PutUint32(b, uint32(size))
	le.PutUint32(b[4:], uint32(-errno))
	le.PutUint64(b[8:], unique)
}

// NotifyPollSize is the size of the message that PutNotifyPoll makes.
const NotifyPollSize = OutHeaderSize + 8

// PutNotifyPoll writes the message that wakes whoever polls with kh.
func PutNotifyPoll(b []byte, kh uint64) {
	const notifyPoll = 1
	le.PutUint32(b, NotifyPollSize)
	le.PutUint32(b[4:], notifyPoll)
	le.PutUint64(b[8:], 0)
	le.PutUint64(b[OutHeaderSize:], kh)
}

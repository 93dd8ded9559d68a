package wire

import "bytes"

// RootNode is the number of the root of a mount. 0 is none.
const RootNode = 1

// The operations that a directory meets.
const (
	OpLookup     Op = 1
	OpSymlink    Op = 6
	OpMknod      Op = 8
	OpMkdir      Op = 9
	OpUnlink     Op = 10
	OpRmdir      Op = 11
	OpRename     Op = 12
	OpLink       Op = 13
	OpOpendir    Op = 27
	OpReaddir    Op = 28
	OpReleasedir Op = 29
	OpFsyncdir   Op = 30
	OpCreate     Op = 35
	OpRename2    Op = 45
)

// Types of a Dirent: the file types of stat(2), 12 bits to the right.
const (
	DirentDir  = 4
	DirentFile = 8
)

// AppendEntryOut appends the answer to LOOKUP and MKNOD: the number that names the node
// from now on and what it is, both valid for no time at all, so that each walk of a path
// asks again. A number stands for one node for ever, so there are no generations.
func AppendEntryOut(b []byte, node uint64, a Attr) []byte {
	b = le.AppendUint64(b, node)
	b = append(b, make([]byte, 32)...) // generation, entry_valid, attr_valid
	return appendAttr(b, a)
}

// ParseName returns the name that the body of LOOKUP is, without its NUL. It aliases b.
func ParseName(b []byte) ([]byte, error) {
	name, _, ended := bytes.Cut(b, []byte{0})
	if !ended {
		return nil, ErrShort
	}
	return name, nil
}

// MknodIn asks for a node. Mode has the type and the permission bits without those of
// the caller's umask; Rdev is as stat(2) gives it; Name aliases the request's buffer.
type MknodIn struct {
	Mode uint32
	Rdev uint32
	Name []byte
}

// ParseMknod parses the body of MKNOD.
func ParseMknod(b []byte) (MknodIn, error) {
	if len(b) < 16 {
		return MknodIn{}, ErrShort
	}
	name, err := ParseName(b[16:])
	if err != nil {
		return MknodIn{}, err
	}
	return MknodIn{Mode: le.Uint32(b), Rdev: le.Uint32(b[4:]), Name: name}, nil
}

// ReaddirIn asks for up to Size bytes of entries from Offset on: 0, or that of the last
// entry the reader has.
type ReaddirIn struct {
	FH     uint64
	Offset uint64
	Size   uint32
}

// ParseReaddir parses the body of READDIR.
func ParseReaddir(b []byte) (ReaddirIn, error) {
	if len(b) < 40 {
		return ReaddirIn{}, ErrShort
	}
	return ReaddirIn{FH: le.Uint64(b), Offset: le.Uint64(b[8:]), Size: le.Uint32(b[16:])}, nil
}

// Dirent is an entry of a directory.
type Dirent struct {
	Ino    uint64
	Offset uint64 // with which a reader goes on after it
	Type   uint32
	Name   string
}

// AppendDirent appends an entry to the answer to READDIR if the answer, which began at
// the length start, then has no more than size bytes. It tells whether it did.
func AppendDirent(b []byte, start, size int, d Dirent) ([]byte, bool) {
	padded := (24 + len(d.Name) + 7) &^ 7
	if len(b)-start+padded > size {
		return b, false
	}
	b = le.AppendUint64(b, d.Ino)
	b = le.AppendUint64(b, d.Offset)
	b = le.AppendUint32(b, uint32(len(d.Name)))
	b = le.AppendUint32(b, d.Type)
	b = append(b, d.Name...)
	return append(b, make([]byte, padded-24-len(d.Name))...), true
}

// ParseForget returns how many of the answers that named the node the kernel drops.
func ParseForget(b []byte) (count uint64, err error) { return ParseFH(b) }

// Forget is one node of a BATCH_FORGET.
type Forget struct{ Node, Count uint64 }

// ParseBatchForget parses the body of BATCH_FORGET, whose list must all be there.
func ParseBatchForget(b []byte) ([]Forget, error) {
	if len(b) < 8 {
		return nil, ErrShort
	}
	count := le.Uint32(b)
	b = b[8:]
	if uint64(count)*16 > uint64(len(b)) {
		return nil, ErrShort
	}
	list := make([]Forget, count)
	for i := range list {
		list[i] = Forget{le.Uint64(b[i*16:]), le.Uint64(b[i*16+8:])}
	}
	return list, nil
}

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fields writes values one after the other, as a C structure without padding has them.
func fields(values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// parsers has each parser with a body as include/uapi/linux/fuse.h lays it out, what it
// means, and the shortest length that will do.
var parsers = []struct {
	name  string
	parse func([]byte) (any, error)
	body  []byte
	want  any
	least int
}{
	{"header", func(b []byte) (any, error) { return ParseIn(b) },
		fields(uint32(43), uint32(15), uint64(8), uint64(1), uint32(1000), uint32(100), uint32(77), uint16(0), uint16(0), []byte("abc")),
		In{Op: OpRead, Unique: 8, Node: 1, UID: 1000, GID: 100, PID: 77, Body: []byte("abc")}, 40},
	{"INIT", func(b []byte) (any, error) { return ParseInit(b) },
		fields(uint32(7), uint32(45), uint32(4096), uint32(InitExt|InitMaxPages), uint32(9), [11]uint32{}),
		InitIn{Major: 7, Minor: 45, MaxReadahead: 4096, Flags: InitExt | InitMaxPages, Flags2: 9}, 16},
	{"INIT without a second word of flags", func(b []byte) (any, error) { return ParseInit(b) },
		fields(uint32(7), uint32(30), uint32(0), uint32(InitMaxPages), uint32(9)),
		InitIn{Major: 7, Minor: 30, Flags: InitMaxPages}, 16},
	{"SETATTR", func(b []byte) (any, error) { return ParseSetattr(b) },
		fields(uint32(SetMode|SetSize), uint32(0), uint64(1), uint64(5), uint64(2), [3]uint64{11, 12, 13}, [3]uint32{21, 22, 23}, uint32(0o600), uint32(0), uint32(7), uint32(8), uint32(0)),
		SetattrIn{Valid: SetMode | SetSize, Size: 5, Atime: Time{11, 21}, Mtime: Time{12, 22}, Mode: 0o600, UID: 7, GID: 8}, 84},
	{"OPEN", func(b []byte) (any, error) { return ParseOpen(b) }, fields(uint32(2), uint32(0)), uint32(2), 8},
	{"ACCESS", func(b []byte) (any, error) { return ParseAccess(b) }, fields(uint32(6), uint32(0)), uint32(6), 8},
	{"RELEASE", func(b []byte) (any, error) { return ParseFH(b) }, fields(uint64(9), [16]byte{}), uint64(9), 8},
	{"INTERRUPT", func(b []byte) (any, error) { return ParseInterrupt(b) }, fields(uint64(10)), uint64(10), 8},
	{"READ", func(b []byte) (any, error) { return ParseRead(b) },
		fields(uint64(3), uint64(4), uint32(5), uint32(ReadLockOwner), uint64(6), uint32(0o4000), uint32(0)),
		ReadIn{FH: 3, Size: 5, ReadFlags: ReadLockOwner, Flags: 0o4000}, 40},
	{"WRITE", func(b []byte) (any, error) { return ParseWrite(b) },
		fields(uint64(3), uint64(4), uint32(2), uint32(0), uint64(6), uint32(0o4000), uint32(0), []byte("abc")),
		WriteIn{FH: 3, Offset: 4, Flags: 0o4000, Data: []byte("ab")}, 42},
	{"IOCTL", func(b []byte) (any, error) { return ParseIoctl(b) },
		fields(uint64(3), uint32(1), uint32(0x5401), uint64(0xdead), uint32(2), uint32(36), []byte("abc")),
		IoctlIn{FH: 3, Flags: 1, Cmd: 0x5401, Arg: 0xdead, OutSize: 36, Data: []byte("ab")}, 34},
	{"POLL", func(b []byte) (any, error) { return ParsePoll(b) },
		fields(uint64(3), uint64(4), uint32(PollScheduleNotify), uint32(1)),
		PollIn{FH: 3, KH: 4, Flags: PollScheduleNotify, Events: 1}, 24},
	{"LOOKUP", func(b []byte) (any, error) { return ParseName(b) }, fields([]byte("ptmx\x00")), []byte("ptmx"), 5},
	{"LOOKUP of nothing", func(b []byte) (any, error) { return ParseName(b) }, fields(uint8(0)), []byte{}, 1},
	{"MKNOD", func(b []byte) (any, error) { return ParseMknod(b) },
		fields(uint32(0o20666), uint32(0x502), uint32(0o22), uint32(0), []byte("ptmx\x00")), MknodIn{Mode: 0o20666, Rdev: 0x502, Name: []byte("ptmx")}, 21},
	{"READDIR", func(b []byte) (any, error) { return ParseReaddir(b) },
		fields(uint64(3), uint64(4), uint32(4096), uint32(0), uint64(6), uint32(0), uint32(0)), ReaddirIn{FH: 3, Offset: 4, Size: 4096}, 40},
	{"FORGET", func(b []byte) (any, error) { return ParseForget(b) }, fields(uint64(2)), uint64(2), 8},
	{"BATCH_FORGET", func(b []byte) (any, error) { return ParseBatchForget(b) },
		fields(uint32(2), uint32(0), uint64(7), uint64(1), uint64(8), uint64(3)), []Forget{{7, 1}, {8, 3}}, 40},
}

func TestParsers(t *testing.T) {
	for _, p := range parsers {
		t.Run(p.name, func(t *testing.T) {
			got, err := p.parse(p.body)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(p.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for n := range len(p.body) {
				_, err := p.parse(p.body[:n:n])
				if short := n < p.least; short != errors.Is(err, ErrShort) {
					t.Errorf("of %d bytes: %v, want an error %v", n, err, short)
				}
			}
		})
	}
}

// TestAnswers compares the answers with the structures that the kernel reads.
func TestAnswers(t *testing.T) {
	header := make([]byte, OutHeaderSize)
	PutOutHeader(header, 20, 11, 8)
	notify := make([]byte, NotifyPollSize)
	PutNotifyPoll(notify, 5)
	attr := Attr{Ino: 1, Size: 2, Atime: Time{3, 4}, Mtime: Time{5, 6}, Ctime: Time{7, 8}, Mode: 0o100666, Nlink: 1, UID: 9, GID: 10, Rdev: 11, Blksize: 4096}
	attrWant := fields(uint64(1), uint64(2), uint64(0), uint64(3), uint64(5), uint64(7), uint32(4), uint32(6), uint32(8),
		uint32(0o100666), uint32(1), uint32(9), uint32(10), uint32(11), uint32(4096), uint32(0))
	dirent, fits := AppendDirent(make([]byte, 16), 16, 32, Dirent{Ino: 5, Offset: 2, Type: DirentFile, Name: "tty"})
	if _, more := AppendDirent(dirent, 16, 63, Dirent{Name: "0"}); !fits || more {
		t.Errorf("an entry of 32 bytes fits in 32: %v; another in 63: %v", fits, more)
	}
	for _, c := range []struct {
		name      string
		got, want []byte
	}{
		{"header", header, fields(uint32(20), int32(-11), uint64(8))},
		{"notification", notify, fields(uint32(24), uint32(1), uint64(0), uint64(5))},
		{"INIT", AppendInit(nil, 36, 1, 2, 40, 32), fields(uint32(7), uint32(36), uint32(0), uint32(1), uint16(40), uint16(30),
			uint32(32*4096), uint32(1), uint16(32), uint16(0), uint32(2), [7]uint32{})},
		{"GETATTR", AppendAttrOut(nil, attr), append(make([]byte, 16), attrWant...)},
		{"LOOKUP", AppendEntryOut(nil, 9, attr), append(fields(uint64(9), [32]byte{}), attrWant...)},
		{"READDIR", dirent[16:], fields(uint64(5), uint64(2), uint32(3), uint32(DirentFile), []byte("tty"), [5]byte{})},
		{"OPEN", AppendOpenOut(nil, 3, OpenDirectIO), fields(uint64(3), uint32(1), uint32(0))},
		{"WRITE", AppendWriteOut(nil, 7), fields(uint32(7), uint32(0))},
		{"IOCTL", AppendIoctlOut(nil, -1, []byte("ab")), fields(int32(-1), [12]byte{}, []byte("ab"))},
		{"POLL", AppendPollOut(nil, 5), fields(uint32(5), uint32(0))},
		{"STATFS", AppendStatfsOut(nil), fields([40]byte{}, uint32(4096), uint32(255), [32]byte{})},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// FuzzParsers checks that no parser reads past what there is, or hands out more than it
// was given.
func FuzzParsers(f *testing.F) {
	for _, p := range parsers {
		f.Add(p.body)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:len(b):len(b)]
		for _, p := range parsers {
			got, err := p.parse(b)
			if (err != nil) != errors.Is(err, ErrShort) {
				t.Errorf("%s: %v", p.name, err)
			}
			var data []byte
			switch v := got.(type) {
			case In:
				data = v.Body
			case WriteIn:
				data = v.Data
			case IoctlIn:
				data = v.Data
			case []byte:
				data = v
			case MknodIn:
				data = v.Name
			case []Forget:
				data = make([]byte, 16*len(v))
			}
			if err == nil && len(data) > len(b) {
				t.Errorf("%s: %d bytes of %d", p.name, len(data), len(b))
			}
		}
	})
}

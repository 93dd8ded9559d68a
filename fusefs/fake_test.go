//go:build linux

package fusefs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// fakeEnd is a terminal in memory: what is written can be read, up to room bytes.
type fakeEnd struct {
	mu     sync.Mutex
	buf    []byte
	room   int
	closed bool
	tries  int // calls of Read and Write
	queue  wait.Queue
}

func (e *fakeEnd) Read(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tries++
	if len(e.buf) == 0 {
		return 0, unix.EAGAIN
	}
	n := copy(p, e.buf)
	e.buf = e.buf[:copy(e.buf, e.buf[n:])]
	return n, nil
}

func (e *fakeEnd) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tries++
	n := min(len(p), e.room-len(e.buf))
	if n <= 0 && len(p) > 0 {
		return 0, unix.EAGAIN
	}
	e.buf = append(e.buf, p[:n]...)
	return n, nil
}

func (e *fakeEnd) Ioctl(_ pts.Caller, req uint32, arg []byte) (int, error) {
	if req == pts.TIOCGSID {
		return 0, unix.ENOTTY
	}
	clear(arg)
	return 0, nil
}

func (e *fakeEnd) Poll() wait.Events {
	e.mu.Lock()
	defer e.mu.Unlock()
	var events wait.Events
	if len(e.buf) > 0 {
		events |= wait.In
	}
	if len(e.buf) < e.room {
		events |= wait.Out
	}
	return events
}

func (e *fakeEnd) Notify(mask wait.Events, f func(wait.Events)) func() {
	return e.queue.Notify(mask, f)
}

func (e *fakeEnd) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return unix.EBADF
	}
	e.closed = true
	return nil
}

type fakePtmx struct {
	opened []*fakeEnd
	fail   error
	owner  uint32
}

func (p *fakePtmx) OpenPtmx(pts.Caller, int) (pts.End, error) {
	if p.fail != nil {
		return nil, p.fail
	}
	e := &fakeEnd{room: 8}
	p.opened = append(p.opened, e)
	return e, nil
}

func (p *fakePtmx) Stat() (unix.Stat_t, error) {
	return unix.Stat_t{Mode: unix.S_IFCHR | 0o620, Uid: p.owner}, nil
}
func (p *fakePtmx) Chmod(uint32) error   { return nil }
func (p *fakePtmx) Chown(int, int) error { return nil }

// strangerPID is one that no process can have.
const strangerPID = 1 << 23

// kernel is the other side of a door without a file system: what the kernel would send,
// and what it would get.
type kernel struct {
	tb   testing.TB
	door *Door
	ptmx *fakePtmx
	fd   int
	next uint64
	node uint64
}

func newKernel(tb testing.TB) *kernel {
	tb.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	p := new(fakePtmx)
	k := &kernel{tb: tb, door: newDoor(fds[0], p, false), ptmx: p, fd: fds[1], node: wire.RootNode}
	tb.Cleanup(func() {
		k.door.Close()
		unix.Close(k.fd)
	})
	return k
}

func request(op wire.Op, unique uint64, body []byte) []byte {
	b := make([]byte, wire.InHeaderSize, wire.InHeaderSize+len(body))
	binary.LittleEndian.PutUint32(b, uint32(cap(b)))
	binary.LittleEndian.PutUint32(b[4:], uint32(op))
	binary.LittleEndian.PutUint64(b[8:], unique)
	binary.LittleEndian.PutUint64(b[16:], wire.RootNode)
	binary.LittleEndian.PutUint32(b[32:], strangerPID)
	return append(b, body...)
}

// ask sends a request and gives its number.
func (k *kernel) ask(op wire.Op, body ...any) uint64 {
	k.tb.Helper()
	var b bytes.Buffer
	for _, v := range body {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			k.tb.Fatal(err)
		}
	}
	k.next += 2 // as the kernel counts
	msg := request(op, k.next, b.Bytes())
	binary.LittleEndian.PutUint64(msg[16:], k.node)
	k.door.dispatch(msg, k.door.out)
	return k.next
}

type answer struct {
	unique uint64
	errno  unix.Errno
	notify int32
	body   []byte
}

// answers gives all that the door has sent, and checks that the kernel would take it.
func (k *kernel) answers() (all []answer) {
	k.tb.Helper()
	b := make([]byte, requestSize)
	for {
		n, err := unix.Read(k.fd, b)
		if errors.Is(err, unix.EAGAIN) || err == nil && n == 0 { // no more, or the door is closed
			return all
		}
		if err != nil {
			k.tb.Fatal(err)
		}
		if n < wire.OutHeaderSize || int(binary.LittleEndian.Uint32(b)) != n {
			k.tb.Fatalf("a message of %d bytes with the header %x", n, b[:min(n, 16)])
		}
		code := int32(binary.LittleEndian.Uint32(b[4:]))
		a := answer{unique: binary.LittleEndian.Uint64(b[8:]), body: bytes.Clone(b[wire.OutHeaderSize:n])}
		switch {
		case a.unique == 0:
			a.notify = code
		case code > 0 || code <= -512:
			k.tb.Fatalf("the errno %d, which the kernel refuses", code)
		default:
			a.errno = unix.Errno(-code)
		}
		if a.errno != 0 && len(a.body) > 0 {
			k.tb.Fatalf("an error with a body of %d bytes", len(a.body))
		}
		all = append(all, a)
	}
}

// want checks that the door has sent exactly these, as "unique errno body".
func (k *kernel) want(doing string, want ...string) {
	k.tb.Helper()
	var got []string
	for _, a := range k.answers() {
		got = append(got, a.String())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		k.tb.Errorf("%s: got %q, want %q", doing, got, want)
	}
}

func (a answer) String() string {
	if a.unique == 0 {
		return fmt.Sprintf("notify %d", a.notify)
	}
	if a.errno != 0 {
		return fmt.Sprintf("%d %s", a.unique, unix.ErrnoName(a.errno))
	}
	return fmt.Sprintf("%d %q", a.unique, a.body)
}

func taken(n int) string { return fmt.Sprintf("%q", append([]byte{byte(n)}, make([]byte, 7)...)) }

func (k *kernel) open() (fh uint64, end *fakeEnd) {
	k.tb.Helper()
	k.ask(wire.OpOpen, uint32(unix.O_RDWR), uint32(0))
	all := k.answers()
	if len(all) != 1 || all[0].errno != 0 {
		k.tb.Fatalf("answers to an open: %v", all)
	}
	return binary.LittleEndian.Uint64(all[0].body), k.ptmx.opened[len(k.ptmx.opened)-1]
}

func (k *kernel) read(fh uint64, size, flags uint32) uint64 {
	return k.ask(wire.OpRead, fh, uint64(0), size, uint32(wire.ReadLockOwner), uint64(1), flags, uint32(0))
}

func (k *kernel) write(fh uint64, data string, flags uint32) uint64 {
	return k.ask(wire.OpWrite, fh, uint64(0), uint32(len(data)), uint32(0), uint64(1), flags, uint32(0), []byte(data))
}

func (k *kernel) poll(fh uint64, events wait.Events) uint64 {
	return k.ask(wire.OpPoll, fh, uint64(77), uint32(wire.PollScheduleNotify), uint32(events))
}

func (k *kernel) interrupt(unique uint64) {
	k.tb.Helper()
	b := binary.LittleEndian.AppendUint64(nil, unique)
	k.door.dispatch(request(wire.OpInterrupt, unique|1, b), k.door.out)
}

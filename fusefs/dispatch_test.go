//go:build linux

package fusefs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

func TestParkedReads(t *testing.T) {
	k := newKernel(t)
	fh, end := k.open()
	first, second := k.read(fh, 3, 0), k.read(fh, 10, 0)
	other := k.read(fh, 10, unix.O_NONBLOCK)
	k.want("a non-blocking read behind others", fmt.Sprint(other, " EAGAIN"))
	third := k.read(fh, 10, 0)
	k.interrupt(second)
	k.want("an interrupt", fmt.Sprint(second, " EINTR"))
	k.interrupt(second)
	k.want("an interrupt for what is answered")
	_, _ = end.Write([]byte("abcdef"))
	end.queue.Wake(wait.In)
	k.want("data", fmt.Sprint(first, ` "abc"`), fmt.Sprint(third, ` "def"`))
	last := k.read(fh, 10, 0)
	k.door.Close()
	k.want("the end of the door", fmt.Sprint(last, " EIO"))
	if !end.closed {
		t.Error("the end is open after the door has closed")
	}
}

func TestParkedWrites(t *testing.T) {
	k := newKernel(t)
	fh, end := k.open()
	first := k.write(fh, "0123456789", 0)
	k.want("a write that does not fit")
	second := k.write(fh, "ab", 0)
	other := k.write(fh, "x", unix.O_NONBLOCK)
	k.want("a non-blocking write behind others", fmt.Sprint(other, " EAGAIN"))
	other = k.write(fh, "x", unix.O_APPEND)
	k.want("an appending write behind others", fmt.Sprint(other, " EAGAIN"))
	k.interrupt(second)
	k.want("an interrupt before a write has begun", fmt.Sprint(second, " EINTR"))
	k.interrupt(first)
	k.want("an interrupt in the middle", fmt.Sprint(first, " ", taken(8)))

	third := k.write(fh, "yz", 0)
	if n, err := end.Read(make([]byte, 4)); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	end.queue.Wake(wait.Out)
	k.want("room", fmt.Sprint(third, " ", taken(2)))
	if got := string(end.buf); got != "4567yz" {
		t.Errorf("the end got %q, want %q", got, "4567yz")
	}
	short := k.write(fh, "0123456", unix.O_NONBLOCK)
	k.want("a non-blocking write that does not fit", fmt.Sprint(short, " ", taken(2)))
}

// The kernel reports an edge after each write to a ptm, also one that took nothing. If it
// led to another write, a writer that waits while its echo is not read would keep the
// loop busy for ever.
func TestParkedRequestsAreTriedForTheirOwnEventsAlone(t *testing.T) {
	k := newKernel(t)
	fh, end := k.open()
	end.room = 0
	for _, c := range []struct {
		name  string
		park  func()
		now   wait.Events
		tries int
	}{
		{"a read when there is room", func() { k.read(fh, 1, 0) }, wait.Out | wait.WrNorm, 0},
		{"a read when there is data", func() {}, wait.In, 1},
		{"a read when there is a packet", func() {}, wait.Pri, 1},
		{"a read at the end", func() {}, wait.Hup, 1},
		{"a read and a write when there is data", func() { k.write(fh, "x", 0) }, wait.In | wait.RdNorm | wait.Pri, 1},
		{"a read and a write when there is room", func() {}, wait.Out, 1},
		{"a read and a write when there are both", func() {}, wait.In | wait.Out, 2},
		{"a read and a write after the last close of the pts", func() {}, wait.In | wait.Hup, 1},
		{"a read and a write when there is no end any more", func() {}, wait.Err, 2},
	} {
		c.park()
		before := end.tries
		end.queue.Wake(c.now)
		if tries := end.tries - before; tries != c.tries {
			t.Errorf("%s: the end was tried %d times, want %d", c.name, tries, c.tries)
		}
	}
	k.want("all still wait")
}

// Whoever tells of room may do so on any goroutine, also when the door is just closed: the
// number of its descriptor may be another file's by then.
func TestNotificationsAfterTheClose(t *testing.T) {
	k := newKernel(t)
	fh, end := k.open()
	k.poll(fh, wait.Out)
	k.answers()
	look := k.door.handles[fh].look
	end.room = 0
	k.write(fh, "x", 0)
	k.door.Close()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	k.door.fd = fds[0]
	look(wait.Out)
	if n, err := unix.Read(fds[1], make([]byte, 100)); err != unix.EAGAIN {
		t.Errorf("another file gets %d bytes, %v", n, err)
	}
}

func TestReadsThatMustNotWait(t *testing.T) {
	k := newKernel(t)
	fh, end := k.open()
	end.room = 1 << 20
	_, _ = end.Write(bytes.Repeat([]byte{'x'}, 200_000))
	k.read(fh, maxTransfer, 0)
	if got := k.answers(); len(got) != 1 || len(got[0].body) != maxRead {
		t.Errorf("a read of all that one request can be: %d answers, want one of %d bytes", len(got), maxRead)
	}
	page := k.ask(wire.OpRead, fh, uint64(0), uint32(4096), uint32(0), uint64(0), uint32(0), uint32(0))
	k.want("a page for a mapping", fmt.Sprint(page, " EINVAL"))
}

func TestNotifications(t *testing.T) {
	k := newKernel(t)
	fh, end := k.open()
	end.queue.Wake(wait.In)
	k.want("nobody waits")
	id := k.poll(fh, wait.RdNorm)
	k.want("a poll", fmt.Sprint(id, " ", taken(int(wait.Out))))
	end.queue.Wake(wait.Out)
	k.want("nobody waits for room")
	end.queue.Wake(wait.In | wait.Out)
	k.want("data", "notify 1")
	end.queue.Wake(wait.In)
	k.want("nobody has asked again")
	k.poll(fh, wait.Out)
	k.poll(fh, wait.Pri)
	k.answers()
	end.queue.Wake(wait.Out)
	k.want("one of two", "notify 1")
	k.poll(fh, 0)
	k.answers()
	end.queue.Wake(wait.In | wait.Out)
	k.want("who waits for nothing")
	end.queue.Wake(wait.Hup | wait.Out)
	k.want("hears of the end", "notify 1")
}

func TestOpenFails(t *testing.T) {
	k := newKernel(t)
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("opening: %w", unix.ENOSPC), "ENOSPC"},
		{errors.New("no number"), "EIO"},
		{unix.Errno(0), "EIO"},
		{unix.Errno(513), "EIO"}, // would leave its caller waiting
		{pts.ERESTARTSYS, "EINTR"},
		{fmt.Errorf("opening: %w", pts.EBUSY), "EBUSY"},
	} {
		k.ptmx.fail = c.err
		id := k.ask(wire.OpOpen, uint64(0))
		k.want("open", fmt.Sprint(id, " ", c.want))
	}
}

// TestOpenWithoutTaker is an opener that is gone when its answer comes.
func TestOpenWithoutTaker(t *testing.T) {
	k := newKernel(t)
	if err := unix.Shutdown(k.fd, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	k.ask(wire.OpOpen, uint64(0))
	if !k.ptmx.opened[0].closed || len(k.door.handles) != 0 {
		t.Error("the terminal of an opener that is gone is open")
	}
}

func TestUnknownRequests(t *testing.T) {
	k := newKernel(t)
	fh, _ := k.open()
	for _, c := range []struct {
		op   wire.Op
		body []any
		want string
	}{
		{999, nil, " ENOSYS"},
		{wire.OpRead, []any{fh}, " EIO"},
		{wire.OpRead, []any{uint64(99), [32]byte{20: wire.ReadLockOwner}}, " EINVAL"},
		{wire.OpPoll, []any{uint64(99), [16]byte{}}, " EBADF"},
		{wire.OpFsync, []any{fh}, " EINVAL"},
		{wire.OpIoctl, []any{fh, uint32(0), uint32(0x5499), [16]byte{}}, " ENOTTY"},
		{wire.OpIoctl, []any{fh, uint32(0), uint32(unix.TIOCGPTN), uint64(0), uint32(0), uint32(4)}, fmt.Sprintf(" %q", make([]byte, 20))},
		{wire.OpInit, []any{uint32(8), [60]byte{}}, " EPROTO"},
		{wire.OpRelease, []any{uint64(99)}, ` ""`},
		{wire.OpAccess, []any{uint32(7), uint32(0)}, " EACCES"},
	} {
		id := k.ask(c.op, c.body...)
		k.want(fmt.Sprint("operation ", c.op), fmt.Sprint(id, c.want))
	}
	k.ask(wire.OpForget, uint64(1))
	k.door.dispatch(nil, k.door.out)
	k.door.dispatch(make([]byte, wire.InHeaderSize-1), k.door.out)
	k.want("what has no answer")
}

// TestUserNamespace is a door in whose mount everybody is us.
func TestUserNamespace(t *testing.T) {
	k := newKernel(t)
	setMode := func() uint64 {
		return k.ask(wire.OpSetattr, uint32(wire.SetMode), [84]byte{64: 0o200, 65: 1}) // mode 0600
	}
	k.ptmx.owner = 1234
	id := setMode()
	k.want("chmod by a stranger", fmt.Sprint(id, " EPERM"))
	k.door.userNS = true
	setMode()
	got := k.answers()
	if len(got) != 1 || got[0].errno != 0 || len(got[0].body) != 104 {
		t.Fatalf("chmod inside: %v", got)
	}
	if uid := binary.LittleEndian.Uint32(got[0].body[16+68:]); uid != 0 {
		t.Errorf("the file belongs to %d inside, want 0", uid)
	}
	if c := k.door.caller(wire.In{UID: 77, GID: 78, PID: 79}); c.FSUID() != unix.Geteuid() || c.FSGID() != unix.Getegid() || c.PID() != 79 {
		t.Errorf("a caller inside is %+v", c)
	}
}

// TestHotPathAllocatesNothing covers what every keystroke does.
func TestHotPathAllocatesNothing(t *testing.T) {
	k := newKernel(t)
	fh, end := k.open()
	message := func(op wire.Op, unique uint64) []byte {
		var body [41]byte
		binary.LittleEndian.PutUint64(body[:], fh)
		binary.LittleEndian.PutUint32(body[16:], 1) // size; for a poll, the flag that asks to be notified
		binary.LittleEndian.PutUint32(body[20:], wire.ReadLockOwner)
		return request(op, unique, body[:])
	}
	write, read, poll := message(wire.OpWrite, 2), message(wire.OpRead, 4), message(wire.OpPoll, 6)
	sink := make([]byte, 256)
	allocs := testing.AllocsPerRun(500, func() {
		k.door.dispatch(write, k.door.out) // answered at once
		k.door.dispatch(read, k.door.out)
		k.door.dispatch(read, k.door.out) // parked
		k.door.dispatch(poll, k.door.out)
		_, _ = end.Write([]byte{'x'})
		end.queue.Wake(wait.In)
		for {
			if _, err := unix.Read(k.fd, sink); err != nil {
				return
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a write, two reads and a poll", allocs)
	}
}

// FuzzDispatch sends what no kernel would. Whatever it is, each request gets at most one
// answer that a kernel would take, and the door still works and closes.
func FuzzDispatch(f *testing.F) {
	f.Add([]byte{byte(wire.OpRead), 4, 1, 2, 3, 4})
	f.Add(append([]byte{byte(wire.OpWrite), 60}, make([]byte, 60)...))
	f.Add(append([]byte{byte(wire.OpIoctl), 40}, make([]byte, 40)...))
	f.Add(append([]byte{byte(wire.OpSetattr), 90}, make([]byte, 90)...))
	f.Add([]byte{byte(wire.OpOpen), 8, 2, 0, 0, 0, 0, 0, 0, 0, byte(wire.OpRelease), 8, 2, 0, 0, 0, 0, 0, 0, 0})
	f.Add(append([]byte{byte(wire.OpInit), 64, 7, 0, 0, 0, 45}, make([]byte, 62)...))
	f.Fuzz(func(t *testing.T, script []byte) {
		k := newKernel(t)
		k.open()
		k.open()
		answered := make(map[uint64]bool)
		for len(script) >= 2 && len(answered) < 200 {
			op, size := wire.Op(script[0]), min(int(script[1]), len(script)-2)
			body := bytes.Clone(script[2 : 2+size])
			script = script[2+size:]
			if len(body) >= 8 {
				clear(body[1:8]) // so that files that are open are met
			}
			if op == wire.OpIoctl && len(body) >= 16 {
				copy(body[12:16], []byte{body[12], 0x54, 0, 0}) // and terminal requests
			}
			k.next += 2
			k.door.dispatch(request(op, k.next, body), k.door.out)
			k.collect(answered)
			for _, e := range k.ptmx.opened {
				e.queue.Wake(wait.In | wait.Out)
			}
			k.collect(answered)
		}
		k.door.mu.Lock()
		aside := len(k.door.aside)
		k.door.mu.Unlock()
		if aside > 0 {
			return // their answers come when they come; Close waits for them
		}
		k.collect(answered)
		fh, _ := k.open()
		k.write(fh, "ok", 0)
		k.read(fh, 10, 0)
		if got := k.answers(); len(got) != 2 || string(got[1].body) != "ok" {
			t.Fatalf("afterwards a write and a read give %v", got)
		}
	})
}

// collect takes the answers that are there and refuses a second one to a request.
func (k *kernel) collect(answered map[uint64]bool) {
	k.tb.Helper()
	for _, a := range k.answers() {
		if a.unique == 0 {
			continue
		}
		if a.unique > k.next || answered[a.unique] {
			k.tb.Fatalf("an answer too many to request %d", a.unique)
		}
		answered[a.unique] = true
	}
}

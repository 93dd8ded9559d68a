//go:build linux

package fusefs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fusefs/internal/wire"
	"github.com/ptsns/ptsns/pts"
)

func (k *kernel) openNode(node uint64, flags uint32) uint64 {
	k.tb.Helper()
	k.about(node, wire.OpOpen, flags, uint32(0))
	all := k.answers()
	if len(all) != 1 || all[0].errno != 0 {
		k.tb.Fatalf("answers to an open: %v", all)
	}
	return binary.LittleEndian.Uint64(all[0].body)
}

func TestNodesAreKnownWhileTheKernelKnowsThem(t *testing.T) {
	k, dir := newTreeKernel(t, "0", "ptmx")
	first, second := k.lookup("0"), k.lookup("0")
	if first != second || first == k.lookup("ptmx") || first == wire.RootNode {
		t.Fatalf("numbers %d and %d of the same node", first, second)
	}
	missing := k.ask(wire.OpLookup, []byte("tty\x00"))
	k.want("a name that is not there", fmt.Sprint(missing, " ENOENT"))
	delete(dir.nodes, "0") // closed, but known
	dir.add("0")
	if again := k.lookup("0"); again == first {
		t.Error("another node of the same name has the same number")
	}
	k.about(first, wire.OpForget, uint64(1))
	k.about(first, wire.OpGetattr)
	if got := k.answers(); len(got) != 1 || got[0].errno != 0 {
		t.Fatalf("getattr of what one lookup still holds: %v", got)
	}
	k.ask(wire.OpBatchForget, uint32(2), uint32(0), first, uint64(1), uint64(999), uint64(5))
	id := k.about(first, wire.OpGetattr)
	k.want("getattr of what is forgotten", fmt.Sprint(id, " ESTALE"))
	if len(k.door.known) != 2 {
		t.Errorf("%d nodes are known, want 2", len(k.door.known))
	}
	notDir := k.about(k.lookup("ptmx"), wire.OpLookup, []byte("x\x00"))
	k.want("a lookup in a file", fmt.Sprint(notDir, " ENOTDIR"))
	long := k.ask(wire.OpLookup, []byte(strings.Repeat("x", 256)+"\x00"))
	k.want("a long name", fmt.Sprint(long, " ENAMETOOLONG"))
}

// TestLookupWithoutTaker is a caller that is gone when its answer comes: the kernel will
// not say that it forgets the node.
func TestLookupWithoutTaker(t *testing.T) {
	k, _ := newTreeKernel(t, "0")
	if err := unix.Shutdown(k.fd, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	k.ask(wire.OpLookup, []byte("0\x00"))
	k.ask(wire.OpOpendir, uint64(0))
	if len(k.door.known) != 0 || len(k.door.dirs) != 0 {
		t.Error("what nobody has been told of is remembered")
	}
}

func TestReaddir(t *testing.T) {
	k, dir := newTreeKernel(t, "1", "0", "ptmx")
	k.ask(wire.OpOpendir, uint64(0))
	fh := binary.LittleEndian.Uint64(k.answers()[0].body)
	read := func(offset uint64, size uint32) string {
		t.Helper()
		k.ask(wire.OpReaddir, fh, offset, size, [20]byte{})
		all := k.answers()
		if len(all) != 1 || all[0].errno != 0 || len(all[0].body) > int(size) {
			t.Fatalf("readdir from %d of %d: %v", offset, size, all)
		}
		var names []string
		for b := all[0].body; len(b) > 0; {
			n := binary.LittleEndian.Uint32(b[16:])
			names = append(names, fmt.Sprintf("%s=%d/%d", b[24:24+n], b[0], b[20]))
			b = b[(24+n+7)&^7:]
		}
		return strings.Join(names, " ")
	}
	const all = ".=1/4 ..=1/4 1=3/8 0=4/8 ptmx=5/8"
	for _, c := range []struct {
		offset uint64
		size   uint32
		want   string
	}{
		{0, 4096, all}, {0, 1 << 31, all}, {0, 64, ".=1/4 ..=1/4"}, {2, 40, "1=3/8"}, {2, 31, ""}, {3, 4096, "0=4/8 ptmx=5/8"},
		{5, 4096, ""}, {1 << 63, 4096, ""}, {1<<64 - 1, 4096, ""}, {0, 0, ""},
	} {
		if got := read(c.offset, c.size); got != c.want {
			t.Errorf("from %d of %d bytes: %q, want %q", c.offset, c.size, got, c.want)
		}
	}
	dir.names = dir.names[1:]
	if got := read(3, 4096); got != "0=4/8 ptmx=5/8" {
		t.Errorf("going on after a change: %q", got)
	}
	if got := read(0, 4096); strings.Contains(got, "1=3/8") {
		t.Errorf("from the beginning after a change: %q", got)
	}
	id := k.ask(wire.OpReaddir, uint64(99), [32]byte{})
	k.want("a directory that is not open", fmt.Sprint(id, " EBADF"))
	id = k.ask(wire.OpReleasedir, fh)
	k.want("closing", fmt.Sprint(id, ` ""`))
	id = k.ask(wire.OpReaddir, fh, [32]byte{})
	k.want("a directory that is closed", fmt.Sprint(id, " EBADF"))
}

// TestMknod makes ptmx: the answer has the type that was asked for, and who looks the
// name up has the regular file under another number.
func TestMknod(t *testing.T) {
	k, dir := newTreeKernel(t)
	k.ask(wire.OpMknod, uint32(unix.S_IFCHR|0o666), uint32(0x502), uint32(0), uint32(0), []byte("ptmx\x00"))
	all := k.answers()
	if len(all) != 1 || len(all[0].body) != 128 || dir.made != "ptmx 20666 502" {
		t.Fatalf("mknod: %v, made %q", all, dir.made)
	}
	mode := func(attr []byte) uint32 { return binary.LittleEndian.Uint32(attr[60:]) }
	made, looked := binary.LittleEndian.Uint64(all[0].body), k.lookup("ptmx")
	if got := mode(all[0].body[40:]); got != unix.S_IFCHR|0o620 || made == looked {
		t.Errorf("the made node has mode %o, numbers %d and %d", got, made, looked)
	}
	for node, want := range map[uint64]uint32{made: unix.S_IFCHR | 0o620, looked: unix.S_IFREG | 0o620} {
		k.about(node, wire.OpGetattr)
		if got := mode(k.answers()[0].body[16:]); got != want {
			t.Errorf("node %d has mode %o, want %o", node, got, want)
		}
	}
	k.about(made, wire.OpForget, uint64(1))
	k.about(looked, wire.OpForget, uint64(1))
	if len(k.door.known) != 0 {
		t.Error("a node is known that the kernel has forgotten under both numbers")
	}
	id := k.ask(wire.OpMknod, uint32(unix.S_IFCHR), uint32(0x103), uint64(0), []byte("null\x00"))
	k.want("another device", fmt.Sprint(id, " EPERM"))
	id = k.ask(wire.OpMkdir, uint64(0), []byte("x\x00"))
	k.want("mkdir", fmt.Sprint(id, " EPERM"))
	dir.stat.UID = 1 // the asker owns it no more and has no privilege
	id = k.ask(wire.OpCreate, uint64(0), []byte("x\x00"))
	k.want("create", fmt.Sprint(id, " EACCES"))
}

func TestChanges(t *testing.T) {
	k, dir := newTreeKernel(t, "0")
	node := k.lookup("0")
	set := func(valid uint32, body [84]byte, want string) {
		t.Helper()
		k.about(node, wire.OpSetattr, valid, body)
		if all := k.answers(); len(all) != 1 || all[0].errno != 0 {
			t.Fatalf("%s: %v", want, all)
		}
		if got := dir.nodes["0"].change; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	set(wire.SetMode, [84]byte{64: 0o244, 65: 1}, "mode 644")
	set(wire.SetUID, [84]byte{72: 7, 76: 8}, "owner 7 -1")
	set(wire.SetUID|wire.SetGID, [84]byte{72: 7, 76: 8}, "owner 7 8")
	set(wire.SetAtime, [84]byte{28: 3, 52: 4}, "times true false 3000000004 false false")
	set(wire.SetMtime|wire.SetMtimeNow, [84]byte{}, "times false false 0 true true")
}

func TestStarted(t *testing.T) {
	k, dir := newTreeKernel(t, "0")
	node := k.lookup("0")
	fh := k.openNode(node, unix.O_RDWR)
	if dir.nodes["0"].flags&unix.O_NOCTTY == 0 {
		t.Error("whose system call cannot be looked at opens without O_NOCTTY")
	}
	end := dir.nodes["0"].ends[0]

	read := k.read(fh, 10, 0)
	k.want("a read")
	if pid := end.last().c.PID(); pid != strangerPID {
		t.Errorf("it reads for %d", pid)
	}
	end.last().finish(copy(end.last().p, "abc"), nil)
	k.want("its end", fmt.Sprint(read, ` "abc"`))
	read = k.read(fh, 10, 0)
	end.last().finish(0, nil)
	k.want("the end of the file", fmt.Sprint(read, ` ""`))
	read = k.read(fh, 10, 0)
	k.interrupt(read)
	k.want("an interrupt", fmt.Sprint(read, " EINTR"))
	k.interrupt(read)
	k.want("another")
	read = k.read(fh, 10, 0)
	end.last().finish(0, pts.ERESTARTSYS)
	k.want("a signal", fmt.Sprint(read, " EINTR"))
	read = k.read(fh, 10, unix.O_NONBLOCK)
	k.want("a read that must not wait", fmt.Sprint(read, " EAGAIN"))
	k.read(fh, maxTransfer, 0)
	if n := len(end.last().p); n != maxWaiting {
		t.Errorf("a long read waits with %d bytes", n)
	}
	end.last().finish(0, pts.EIO)
	k.answers()

	data := strings.Repeat("x", 200)
	first := k.write(fh, data, 0)
	second := k.write(fh, "second", 0)
	clear(k.door.in)
	if got := end.begun[len(end.begun)-2]; string(got.p) != data {
		t.Error("a write that waits has lost its data")
	}
	end.last().finish(6, nil)
	end.begun[len(end.begun)-2].finish(150, nil)
	k.want("writes", fmt.Sprint(second, " ", taken(6)), fmt.Sprint(first, " ", taken(150)))
	for _, flags := range []uint32{unix.O_NONBLOCK, unix.O_APPEND} {
		id := k.write(fh, "x", flags)
		k.want("a write that must not wait", fmt.Sprint(id, " EAGAIN"))
	}

	last := k.read(fh, 10, 0)
	k.door.Close()
	k.want("the end of the door", fmt.Sprint(last, " EIO"))
	if !end.closed || len(k.door.started) != 0 {
		t.Error("something is open or under way after the door has closed")
	}
}

// TestStartedElsewhere ends reads on other goroutines while the loop starts more.
func TestStartedElsewhere(t *testing.T) {
	k, dir := newTreeKernel(t, "0")
	fh := k.openNode(k.lookup("0"), unix.O_RDWR)
	end := dir.nodes["0"].ends[0]
	for range 200 {
		read := k.read(fh, 10, 0)
		o := end.last()
		over := make(chan struct{})
		go func() {
			o.finish(copy(o.p, fmt.Sprint(read)), nil)
			close(over)
		}()
		k.write(fh, "x", unix.O_NONBLOCK)
		<-over
		found := false
		for _, a := range k.answers() {
			found = found || a.unique == read && string(a.body) == fmt.Sprint(read)
		}
		if !found {
			t.Fatalf("no answer to %d", read)
		}
	}
}

// TestReadersHoldLittle is one that waits after others have moved much.
func TestReadersHoldLittle(t *testing.T) {
	k, dir := newTreeKernel(t, "0")
	fh := k.openNode(k.lookup("0"), unix.O_RDWR)
	end := dir.nodes["0"].ends[0]
	for range 3 {
		k.write(fh, strings.Repeat("x", maxTransfer), 0)
		end.last().finish(maxTransfer, nil)
		k.read(fh, maxTransfer, 0)
		end.last().finish(1, nil)
	}
	k.read(fh, 1, 0)
	if n := cap(end.last().p); n > maxStarted {
		t.Errorf("a read of one byte holds %d", n)
	}
	k.answers()
}

// TestVirtualIoctls asks for process groups with bad addresses and by strangers.
func TestVirtualIoctls(t *testing.T) {
	k, _ := newTreeKernel(t, "0")
	fh := k.openNode(k.lookup("0"), unix.O_RDWR)
	for req, want := range map[uint32]string{pts.TIOCSPGRP: "EFAULT", pts.TCGETS: "EFAULT", pts.TCSETS: "EFAULT"} {
		id := k.ask(wire.OpIoctl, fh, uint32(0), req, uint64(1), uint32(0), uint32(0))
		var got []answer
		for len(got) == 0 { // it is served aside
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(k.fd), Events: unix.POLLIN}}, int(time.Minute/time.Millisecond)); err != nil && err != unix.EINTR {
				t.Fatal(err)
			}
			got = k.answers()
		}
		if got[0].String() != fmt.Sprint(id, " ", want) {
			t.Errorf("request %#x: %v, want %s", req, got, want)
		}
	}
	id := k.ask(wire.OpIoctl, fh, uint32(0), uint32(pts.TIOCSCTTY), uint64(1), uint32(0), uint32(0))
	if got := k.answers(); len(got) != 1 || got[0].unique != id || got[0].errno != 0 {
		t.Errorf("TIOCSCTTY, which the end decides: %v", got)
	}
}

// TestStrangersToOurPidNamespace have no number here: 0, which is not to mean us.
func TestStrangersToOurPidNamespace(t *testing.T) {
	if leadsSession(0) {
		t.Error("a stranger leads a session")
	}
	if got := pidFor(0, 5); got != 0 {
		t.Errorf("our group 5 is %d to a stranger", got)
	}
	if got := ourGroup(0, 5); got != noGroup {
		t.Errorf("a stranger's group 5 is %d to us", got)
	}
	if got := ourGroup(0, -5); got != -5 {
		t.Errorf("a stranger's group -5 is %d to us", got)
	}
}

// FuzzTree is FuzzDispatch for a directory. Nothing is known or under way afterwards that
// the kernel has not asked for.
func FuzzTree(f *testing.F) {
	name := func(op wire.Op, node, before int, name string) []byte {
		return append(append([]byte{byte(op), byte(node), byte(before + len(name) + 1)}, make([]byte, before)...), name+"\x00"...)
	}
	f.Add(append(name(wire.OpLookup, 1, 0, "0"), name(wire.OpOpen, 12, 8, "")...))
	f.Add(name(wire.OpMknod, 1, 16, "ptmx"))
	f.Add(append([]byte{byte(wire.OpOpendir), 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, byte(wire.OpReaddir), 1, 40, 3}, make([]byte, 39)...))
	f.Add(append([]byte{byte(wire.OpBatchForget), 0, 24, 1}, make([]byte, 23)...))
	f.Add(append([]byte{byte(wire.OpRead), 0, 40, 1}, make([]byte, 39)...))
	f.Add(append([]byte{byte(wire.OpIoctl), 0, 40, 1, 11: 0x10, 12: 0x54}, make([]byte, 30)...))
	f.Add(name(wire.OpRename2, 1, 16, "0"))
	f.Fuzz(func(t *testing.T, script []byte) {
		k, dir := newTreeKernel(t, "0", "ptmx")
		k.openNode(k.lookup("0"), unix.O_RDWR)
		answered := make(map[uint64]bool)
		for len(script) >= 3 && len(answered) < 200 {
			op, node, size := wire.Op(script[0]), uint64(script[1]), min(int(script[2]), len(script)-3)
			body := bytes.Clone(script[3 : 3+size])
			script = script[3+size:]
			if len(body) >= 8 && (op == wire.OpRead || op == wire.OpWrite || op == wire.OpIoctl || op == wire.OpReaddir || op == wire.OpInterrupt) {
				clear(body[1:8]) // so that what is open is met
			}
			if op == wire.OpRead && len(body) >= 24 {
				body[20] |= wire.ReadLockOwner
			}
			if op == wire.OpIoctl && len(body) >= 16 {
				copy(body[12:16], []byte{body[12], 0x54, 0, 0})
			}
			k.about(node, op, body)
			k.collect(answered)
		}
		k.door.mu.Lock()
		aside := len(k.door.aside)
		k.door.mu.Unlock()
		k.door.Close()
		k.collect(answered)
		if len(k.door.started) != 0 || aside == 0 && len(k.door.aside) != 0 {
			t.Errorf("%d are under way after the end", len(k.door.started))
		}
		for _, n := range dir.nodes {
			for _, e := range n.ends {
				if !e.closed {
					t.Error("an end is open after the end of the door")
				}
			}
		}
	})
}

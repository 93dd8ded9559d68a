//go:build linux

package kpts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// newInstance makes a real instance, attached nowhere.
func newInstance(t *testing.T, options string) (*Instance, *os.File) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal("needs root to make a devpts instance")
		}
		t.Skip("needs root to make a devpts instance")
	}
	mount, err := Mount("test", options)
	if err != nil {
		t.Fatal(err)
	}
	loop, err := epoll.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	i, err := NewInstance(mount, "ptmx", loop)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(loop.Close(), i.Close(), mount.Close()); err != nil {
			t.Error(err)
		}
	})
	return i, mount
}

func open(t *testing.T, i *Instance, c pts.Caller) *PTM {
	t.Helper()
	m, err := i.OpenPTM(c, unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() }) // closed by the test is as well
	return m
}

// openPts unlocks m and opens its pts, raw when asked.
func openPts(t *testing.T, mount *os.File, m *PTM, raw bool) int {
	t.Helper()
	if _, err := m.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Openat(int(mount.Fd()), fmt.Sprint(m.Index()), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if raw {
		tio, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		tio.Iflag, tio.Oflag, tio.Lflag = 0, 0, 0
		if err := unix.IoctlSetTermios(fd, unix.TCSETS, tio); err != nil {
			t.Fatal(err)
		}
	}
	return fd
}

// until waits for m's readiness: register, look, then wait.
func until(t *testing.T, m *PTM, want wait.Events) {
	t.Helper()
	look := make(chan struct{}, 1)
	stop := m.Notify(want|wait.Hup, func(wait.Events) {
		select {
		case look <- struct{}{}:
		default:
		}
	})
	defer stop()
	for m.Poll()&want == 0 {
		select {
		case <-look:
		case <-t.Context().Done():
			t.Fatal("the test ended first")
		}
	}
}

type owner struct{ uid, gid int }

func (o owner) PID() int   { return os.Getpid() }
func (o owner) FSUID() int { return o.uid }
func (o owner) FSGID() int { return o.gid }

func TestNodeBelongsToItsOpener(t *testing.T) {
	for _, tt := range []struct {
		options  string
		opener   pts.Caller
		uid, gid int
		mode     uint32
	}{
		{"ptmxmode=666", nil, 0, 0, 0o600},
		{"ptmxmode=666,mode=620,gid=5", owner{1234, 4321}, 1234, 5, 0o620},
		{"ptmxmode=666", owner{1234, 4321}, 1234, 4321, 0o600},
		{"ptmxmode=666,uid=7,gid=8,mode=644", owner{1234, 4321}, 7, 8, 0o644},
	} {
		i, _ := newInstance(t, tt.options)
		open(t, i, tt.opener)
		nodes, err := i.Nodes()
		if err != nil || len(nodes) != 1 {
			t.Fatalf("%s: nodes %v, %v", tt.options, nodes, err)
		}
		if n := nodes[0]; n.UID != tt.uid || n.GID != tt.gid || n.Mode != tt.mode || n.Index != 0 || n.Created.IsZero() {
			t.Errorf("%s opened by %v: node %+v", tt.options, tt.opener, n)
		}
	}
	if uid, err := unix.SetfsuidRetUid(-1); err != nil || uid != 0 {
		t.Errorf("this thread's fsuid is %d after opening for others", uid)
	}
}

func TestPtmxModeAppliesToTheOpener(t *testing.T) {
	i, _ := newInstance(t, "ptmxmode=600")
	if _, err := i.OpenPTM(owner{1234, 4321}, unix.O_RDWR); !errors.Is(err, unix.EACCES) {
		t.Errorf("opened by another user: %v, want EACCES", err)
	}
	open(t, i, nil)
	if err := i.Chmod(0o666); err != nil {
		t.Fatal(err)
	}
	open(t, i, owner{1234, 4321})
	if st, err := i.Stat(); err != nil || st.Mode&0o7777 != 0o666 {
		t.Errorf("mode %o, %v", st.Mode, err)
	}
}

func TestLimitAndLowestFreeIndex(t *testing.T) {
	i, _ := newInstance(t, "ptmxmode=666,max=3")
	a, b, c := open(t, i, nil), open(t, i, nil), open(t, i, nil)
	if a.Index() != 0 || b.Index() != 1 || c.Index() != 2 {
		t.Fatalf("indices %d %d %d", a.Index(), b.Index(), c.Index())
	}
	if _, err := i.OpenPTM(nil, unix.O_RDWR); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("the fourth of three: %v, want ENOSPC", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if d := open(t, i, nil); d.Index() != 1 {
		t.Errorf("after 1 was closed the next is %d", d.Index())
	}
}

func TestReadTakesMoreThanTheKernelGivesAtOnce(t *testing.T) {
	i, mount := newInstance(t, "ptmxmode=666")
	m := open(t, i, nil)
	s := openPts(t, mount, m, true)
	defer unix.Close(s)
	text := strings.Repeat("0123456789", 1000)
	written := make(chan error, 1)
	go func() {
		for rest := []byte(text); len(rest) > 0; {
			n, err := unix.Write(s, rest)
			if err != nil {
				written <- err
				return
			}
			rest = rest[n:]
		}
		written <- nil
	}()
	var got []byte
	buf := make([]byte, 64<<10)
	for len(got) < len(text) {
		until(t, m, wait.In)
		n, err := m.Read(buf)
		if err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	if string(got) != text {
		t.Error("other bytes came out")
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if _, err := m.Read(buf); err != unix.EAGAIN {
		t.Errorf("then %v, want EAGAIN", err)
	}
}

func TestPacketsAreReadOneByOne(t *testing.T) {
	i, mount := newInstance(t, "ptmxmode=666")
	m := open(t, i, nil)
	s := openPts(t, mount, m, true)
	defer unix.Close(s)
	if _, err := m.Ioctl(nil, pts.TIOCPKT, []byte{1, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(s, []byte("data")); err != nil {
		t.Fatal(err)
	}
	until(t, m, wait.In)
	if err := unix.IoctlSetInt(s, unix.TCFLSH, unix.TCIFLUSH); err != nil {
		t.Fatal(err)
	}
	if got := m.Poll(); got&wait.Pri == 0 {
		t.Errorf("poll %v with a status pending", got)
	}
	buf := make([]byte, 64)
	for _, want := range []string{"\x01", "\x00data"} {
		n, err := m.Read(buf)
		if got := string(buf[:n]); got != want || err != nil {
			t.Errorf("read %q, %v; want %q", got, err, want)
		}
	}
}

func TestHangupBothWays(t *testing.T) {
	i, mount := newInstance(t, "ptmxmode=666")
	m := open(t, i, nil)
	s := openPts(t, mount, m, true)
	if _, err := unix.Write(s, []byte("bye")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(s); err != nil {
		t.Fatal(err)
	}
	until(t, m, wait.Hup)
	buf := make([]byte, 64)
	if n, err := m.Read(buf); string(buf[:n]) != "bye" || err != nil {
		t.Errorf("read %q, %v; want what was left", buf[:n], err)
	}
	if _, err := m.Read(buf); err != unix.EIO {
		t.Errorf("then %v, want EIO", err)
	}

	s = openPts(t, mount, m, true)
	defer unix.Close(s)
	if got := m.Poll(); got&wait.Hup != 0 {
		t.Errorf("poll %v after the pts was opened again", got)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Read(s, buf); n != 0 || err != nil {
		t.Errorf("the pts reads %d, %v after the ptm was closed; want 0, nil", n, err)
	}
	for name, err := range map[string]error{
		"Read":  func() error { _, err := m.Read(buf); return err }(),
		"Write": func() error { _, err := m.Write(buf); return err }(),
		"Ioctl": func() error { _, err := m.Ioctl(nil, pts.TIOCGPTN, buf); return err }(),
		"Close": m.Close(),
	} {
		if err != unix.EBADF {
			t.Errorf("%s of a closed ptm: %v, want EBADF", name, err)
		}
	}
}

func TestIoctl(t *testing.T) {
	i, _ := newInstance(t, "ptmxmode=666")
	m := open(t, i, nil)
	size := []byte{24, 0, 80, 0, 0, 0, 0, 0}
	if _, err := m.Ioctl(nil, pts.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 8)
	if _, err := m.Ioctl(nil, pts.TIOCGWINSZ, got); err != nil || string(got) != string(size) {
		t.Errorf("window size %v, %v; want %v", got, err, size)
	}
	if _, err := m.Ioctl(nil, pts.TIOCGWINSZ, make([]byte, 7)); err != unix.EFAULT {
		t.Errorf("with a short buffer: %v, want EFAULT", err)
	}
	if _, err := m.Ioctl(nil, 0x5415, make([]byte, 8)); err != unix.ENOTTY {
		t.Errorf("TIOCMGET: %v, want ENOTTY", err)
	}
	n := make([]byte, 4)
	if _, err := m.Ioctl(nil, pts.TIOCGPTN, n); err != nil || int(binary.LittleEndian.Uint32(n)) != m.Index() {
		t.Errorf("TIOCGPTN gives %v, %v", n, err)
	}
}

func TestWatchSeesOpenAndClose(t *testing.T) {
	i, _ := newInstance(t, "ptmxmode=666")
	w, err := i.Watch()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	buf := make([]byte, 4096)
	m := open(t, i, nil)
	for _, want := range []uint32{unix.IN_CREATE, unix.IN_DELETE} {
		n, err := w.Read(buf)
		if err != nil || n < unix.SizeofInotifyEvent {
			t.Fatalf("read %d, %v", n, err)
		}
		if mask := binary.NativeEndian.Uint32(buf[4:]); mask != want {
			t.Errorf("event %#x, want %#x", mask, want)
		}
		_ = m.Close() // the second event; closed already is as well
	}
}

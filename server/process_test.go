//go:build linux

package server

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/kpts"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

// newPTM opens a terminal of the kernel's, on the host's own instance.
func newPTM(t *testing.T) *kpts.PTM {
	t.Helper()
	loop, err := epoll.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = loop.Close() })
	dir, err := os.Open("/dev/pts")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	instance, err := kpts.NewInstance(dir, "/dev/ptmx", loop)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = instance.Close() })
	ptm, err := instance.OpenPTM(nil, unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ptm.Close() })
	return ptm
}

// What a mode list does to the kernel's terminal is what it does to a value.
func TestPrepareAppliesModes(t *testing.T) {
	ptm := newPTM(t)
	want := termios.Default()
	want.Lflag &^= termios.ECHO
	want.Iflag |= termios.IUTF8
	want.Cc[termios.VERASE] = 'H' & 0x1f
	want.SetSpeed(9600)
	if err := prepare(ptm, Spec{Rows: 5, Cols: 6, Modes: want.AppendModes(nil)}); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, termios.Struct2.Size())
	if _, err := ptm.Ioctl(nil, pts.TCGETS2, b); err != nil {
		t.Fatal(err)
	}
	var got termios.Termios
	termios.Struct2.Take(b, &got)
	if got != want {
		t.Errorf("settings %+v, want %+v", got, want)
	}
	if err := prepare(ptm, Spec{Modes: []byte{53, 0}}); err == nil {
		t.Error("modes that are cut are taken")
	}
}

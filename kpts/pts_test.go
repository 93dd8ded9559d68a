//go:build linux

package kpts

import (
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fsmount"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

type user struct{ uid, gid int }

func (u user) PID() int   { return os.Getpid() }
func (u user) FSUID() int { return u.uid }
func (u user) FSGID() int { return u.gid }

func TestOpenPts(t *testing.T) {
	i, _ := newInstance(t, "mode=600,ptmxmode=666")
	end, index, err := i.OpenPtmx(user{1000, 1001}, unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	wantErr := func(what string, c pts.Caller, index int, want error) {
		t.Helper()
		e, err := i.OpenPts(c, index, unix.O_RDWR)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if err == nil {
			_ = e.Close()
		}
	}
	wantErr("locked", nil, index, unix.EIO)
	wantErr("none", nil, index+1, unix.ENOENT)
	if _, err := end.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	wantErr("another user", user{1002, 1001}, index, unix.EACCES)
	s, err := i.OpenPts(user{1000, 1001}, index, unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	buf := make([]byte, 4096)
	if _, err := s.Read(buf); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("a read of nothing: %v", err)
	}
	if _, err := end.Write([]byte("one\ntwo\n")); err != nil {
		t.Fatal(err)
	}
	settle(t, s)
	for _, want := range []string{"one\n", "two\n"} { // a read is a line, however much room there is
		if n, err := s.Read(buf); err != nil || string(buf[:n]) != want {
			t.Errorf("read %q, %v, want %q", buf[:n], err, want)
		}
	}
	infos := slices.Collect(i.Terminals())
	if len(infos) != 1 || infos[0].Index != index || infos[0].UID != 1000 || infos[0].GID != 1001 || infos[0].Mode != 0o600 {
		t.Errorf("terminals: %+v", infos)
	}
}

// settle waits until both lines have crossed the kernel's worker.
func settle(t *testing.T, s pts.End) {
	t.Helper()
	changed := make(chan struct{}, 1)
	arg := make([]byte, 4)
	stop := s.Notify(wait.In, func(wait.Events) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer stop()
	for {
		if _, err := s.Ioctl(nil, pts.FIONREAD, arg); err != nil {
			t.Fatal(err)
		}
		if arg[0] == 8 {
			return
		}
		<-changed
	}
}

// TestOptions has the options read back from the kernel.
func TestOptions(t *testing.T) {
	for _, data := range []string{"", "mode=620,gid=5,ptmxmode=666", "uid=7,max=3,ro", "max=0"} {
		i, mount := newInstance(t, data)
		want, err := pts.ParseOptions(data)
		if err != nil {
			t.Fatal(err)
		}
		detached := pts.DefaultOptions()
		detached.PtmxMode = want.PtmxMode
		if got := i.Options(); got != detached {
			t.Errorf("%q, attached nowhere: %+v, want %+v", data, got, detached)
		}
		inMountNS(t, func(t *testing.T, dir string) {
			if err := fsmount.Attach(mount, dir); err != nil {
				t.Error(err)
			}
			if got := i.Options(); got.Flags|pts.ReadOnly != pts.ReadOnly || got.String() != want.String() || got.Flags != want.Flags {
				t.Errorf("%q: %+v, want %+v", data, got, want)
			}
		})
	}
}

package conform

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/fsmount"
	"github.com/ptsns/ptsns/kpts"
)

// place makes directories to mount at.
type place struct {
	dir string
	n   int
}

func (p *place) next() (string, error) {
	p.n++
	dir := filepath.Join(p.dir, string(rune('a'+p.n%26))+"-conform")
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, os.ErrExist) {
		err = nil
	}
	return dir, err
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("PTSNS_REQUIRE") == "1" {
		t.Fatal("needs root to mount devpts and FUSE")
	}
	t.Skip("needs root to mount devpts and FUSE")
}

func newLoop(t *testing.T) *epoll.Loop {
	t.Helper()
	loop, err := epoll.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := loop.Close(); err != nil {
			t.Error(err)
		}
	})
	return loop
}

// kernel is the kind that is right.
func kernel(t *testing.T) Kind {
	needRoot(t)
	loop, at := newLoop(t), &place{dir: t.TempDir()}
	return Kind{Name: "kernel", Worker: true, As: onThread, Mount: func(options string) (Mounted, error) {
		dir, err := at.next()
		if err != nil {
			return nil, err
		}
		m, err := kpts.Mount("conform", options)
		if err != nil {
			return nil, err
		}
		defer m.Close() // the place keeps it
		if err := fsmount.Attach(m, dir); err != nil {
			return nil, err
		}
		i, err := kpts.NewInstance(m, "ptmx", loop)
		if err != nil {
			return nil, errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH))
		}
		return &kernelMount{i, dir}, nil
	}}
}

type kernelMount struct {
	*kpts.Instance
	dir string
}

func (m *kernelMount) Remount(options string) error {
	return unix.Mount("conform", m.dir, "devpts", unix.MS_REMOUNT, options)
}

func (m *kernelMount) Close() error {
	return errors.Join(m.Instance.Close(), unix.Unmount(m.dir, unix.MNT_DETACH))
}

// onThread runs f on a thread that is the user's entirely, and is thrown away after it.
func onThread(c Caller, f func()) {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked
		set := func(trap uintptr, a, b, c int) error {
			if _, _, errno := unix.RawSyscall(trap, uintptr(a), uintptr(b), uintptr(c)); errno != 0 {
				return errno
			}
			return nil
		}
		err := errors.Join(set(unix.SYS_SETGROUPS, 0, 0, 0), set(unix.SYS_SETRESGID, c.GID, c.GID, c.GID), set(unix.SYS_SETRESUID, c.UID, c.UID, c.UID))
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		panic(err)
	}
}

package conform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/devptsd"
	"github.com/ptsns/ptsns/kpts"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

// The mounts are served by this program started again, for who opens a file must not be who
// answers for it.

const homeVar = "PTSNS_CONFORM_HOME"

// serve is the life of the server.
func serve() int {
	signal.Ignore(unix.SIGINT) // it ends with its client
	err := func() error {
		f := os.NewFile(3, "client")
		first, err := net.FileConn(f)
		_ = f.Close() // FileConn has its own
		if err != nil {
			return err
		}
		dir, err := rundir.Open()
		if err != nil {
			return err
		}
		systems, err := dir.Systems()
		if err != nil {
			return err
		}
		entry, err := systems.Reserve("conform")
		if err != nil {
			return err
		}
		l, err := usock.Listen(entry.Socket())
		if err != nil {
			return errors.Join(err, entry.Remove())
		}
		publish := func(cfg server.VirtualConfig) (devptsd.Hands, error) { return parent.In(dir).Publish(cfg) }
		err = devptsd.Serve(context.Background(), entry, devptsd.Config{Generation: devpts.Always, Home: os.Getenv(homeVar), Publish: publish}, first.(*net.UnixConn), l)
		return errors.Join(err, entry.Remove())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		return 1
	}
	return 0
}

// startServer starts one, which ends with the test.
func startServer(t *testing.T) *devptsd.Client {
	t.Helper()
	home, err := devptsd.MountNamespace(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "server"), os.NewFile(uintptr(fds[1]), "client")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), roleVar+"=server", homeVar+"="+home, "PTSNS_RUNTIME_DIR="+filepath.Join(t.TempDir(), "run"), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: unix.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		_ = conn.Close()
		t.Fatal(err)
	}
	client := devptsd.NewClient(conn.(*net.UnixConn))
	t.Cleanup(func() { // it ends when nothing is mounted and nobody connected
		if err := errors.Join(client.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	return client
}

// mounted is a virtual instance as a directory, used with system calls.
func mounted(t *testing.T) Kind {
	needRoot(t)
	client, loop, at := startServer(t), newLoop(t), &place{dir: t.TempDir()}
	return Kind{Name: "mounted", As: onThread, Mount: func(options string) (Mounted, error) {
		dir, err := at.next()
		if err != nil {
			return nil, err
		}
		f, err := devptsd.Prepare("conform", options)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if _, err := client.Mount(context.Background(), devptsd.Request{Source: "conform"}, f, dir); err != nil {
			return nil, numbered(err)
		}
		root, err := os.Open(dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		i, err := kpts.NewInstance(root, "ptmx", loop)
		if err != nil {
			return nil, errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH))
		}
		return &fuseMount{i, client, f.Device(), dir}, nil
	}}
}

// fuseMount uses the directory as package kpts uses a devpts.
type fuseMount struct {
	*kpts.Instance
	client      *devptsd.Client
	device, dir string
}

func (m *fuseMount) Remount(options string) error {
	_, err := m.client.Remount(context.Background(), m.device, devptsd.Request{Options: options})
	return numbered(err)
}

// Options are what `ptsns mount` lists: /proc/mounts shows FUSE's.
func (m *fuseMount) Options() pts.Options {
	system, err := m.client.List(context.Background())
	if err != nil {
		panic(err)
	}
	for _, x := range system.Mounts {
		if x.Device != m.device {
			continue
		}
		_, data := pts.SplitOptions(x.Options)
		o, err := pts.ParseOptions(data)
		if err != nil {
			panic(err)
		}
		return o
	}
	panic("the server has forgotten a mount")
}

// Close returns when the server knows that the mount is gone, where it can be.
func (m *fuseMount) Close() error {
	return errors.Join(m.Instance.Close(), unix.Unmount(m.dir, unix.MNT_DETACH))
}

// numbered is the number that an error of the server stands for.
func numbered(err error) error {
	for e := pts.Errno(1); err != nil && e < 512; e++ {
		if errors.Is(err, unix.Errno(e)) {
			return e
		}
	}
	return err
}

//go:build linux

package fusefs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/kpts"
	"github.com/ptsns/ptsns/pts"
)

// The tests run each scenario in a child process, in a mount namespace of its own with
// a fresh devpts on /dev/pts: once with the kernel's own ptmx, once with ours over it.
// This process serves the file, so it must not be the one that opens it.

const (
	roleVar = "PTSNS_TEST_SCENARIO"
	tapVar  = "PTSNS_TEST_TAP"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVar); name != "" {
		os.Exit(inside(name))
	}
	os.Exit(m.Run())
}

// inside makes the child's mounts from the descriptors it was given, and runs the
// scenario. Descriptor 3 is the instance's mount; for the tap, 4 is
// /dev/fuse, and closing 5 tells that it is mounted.
func inside(name string) int {
	die := func(what string, err error) int {
		fmt.Fprintln(os.Stderr, what+":", err)
		return 1
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return die("making mounts private", err)
	}
	if err := unix.MoveMount(3, "", unix.AT_FDCWD, "/dev/pts", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return die("attaching the instance", err)
	}
	_ = unix.Close(3)
	if os.Getenv(tapVar) != "" {
		opts := "fd=4,rootmode=100666,user_id=0,group_id=0,allow_other"
		if err := unix.Mount("ptsns", "/dev/pts/ptmx", "fuse", unix.MS_NOSUID|unix.MS_NODEV, opts); err != nil {
			return die("mounting the file", err)
		}
		_ = unix.Close(4)
		_ = unix.Close(5) // tells the parent that it can serve
	}
	if err := unix.Mount("/dev/pts/ptmx", "/dev/ptmx", "", unix.MS_BIND, ""); err != nil {
		return die("redirecting /dev/ptmx", err)
	}
	if _, err := os.Stat("/dev/ptmx"); err != nil {
		return die("first stat", err)
	}
	f, ok := scenarios[name]
	if !ok {
		return die("scenario", fmt.Errorf("%q is unknown", name))
	}
	f(os.Stdout)
	return 0
}

// plainPtmx is what the door stands for in these tests: the kernel's, untouched.
type plainPtmx struct{ *kpts.Instance }

func (p plainPtmx) OpenPtmx(c pts.Caller, flags int) (pts.End, error) {
	m, err := p.Instance.OpenPtmx(c, flags)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func needFuse(tb testing.TB) {
	tb.Helper()
	skip := tb.Skipf
	if os.Getenv("PTSNS_REQUIRE") == "1" {
		skip = tb.Fatalf
	}
	if os.Geteuid() != 0 {
		skip("needs root to mount devpts and FUSE")
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		skip("needs a usable /dev/fuse (Linux 2.6.14): %v", err)
		return
	}
	f.Close()
}

// runScenario returns what the scenario printed.
func runScenario(tb testing.TB, name string, tap bool) string {
	tb.Helper()
	needFuse(tb)
	mount, err := kpts.Mount("test", "newinstance,mode=620,ptmxmode=666,max=64")
	if err != nil {
		tb.Fatal(err)
	}
	defer mount.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), roleVar+"="+name)
	cmd.ExtraFiles = []*os.File{mount}
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Setsid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&out, os.Stderr)
	if tap {
		loop, err := epoll.NewLoop()
		if err != nil {
			tb.Fatal(err)
		}
		instance, err := kpts.NewInstance(mount, "ptmx", loop)
		if err != nil {
			tb.Fatal(err)
		}
		fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			tb.Fatal(err)
		}
		fuse := os.NewFile(uintptr(fd), "/dev/fuse")
		dup, err := unix.FcntlInt(fuse.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			tb.Fatal(err)
		}
		shared := os.NewFile(uintptr(dup), "/dev/fuse")
		mounted, mounting, err := os.Pipe()
		if err != nil {
			tb.Fatal(err)
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, shared, mounting)
		cmd.Env = append(cmd.Env, tapVar+"=1")
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		shared.Close()
		mounting.Close()
		_, _ = io.ReadAll(mounted) // until the child has mounted the file, or died
		mounted.Close()
		door, err := Serve(fuse, plainPtmx{instance}, false, loop)
		if err != nil {
			tb.Fatal(err)
		}
		err = cmd.Wait()
		loop.Close()
		door.Close()
		instance.Close()
		if err != nil {
			tb.Fatalf("%s: %v\n%s", name, err, out.String())
		}
		return out.String()
	}
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s: %v\n%s", name, err, out.String())
	}
	return out.String()
}

// scenarios are what a child can do; each prints what it saw.
var scenarios = map[string]func(w io.Writer){}

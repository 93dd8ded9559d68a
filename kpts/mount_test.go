//go:build linux

package kpts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fsmount"
)

// inMountNS runs fn on a thread with a mount namespace of its own, which is thrown
// away with everything mounted in it.
func inMountNS(t *testing.T, fn func(t *testing.T, dir string)) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal("missing: root")
		}
		t.Skip("missing: root")
	}
	dir := t.TempDir()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Errorf("making mounts private: %v", err)
			return
		}
		fn(t, dir)
	}()
	<-done
}

// shown is what /proc has to say about the mount at path: its own options and those
// of the instance; "" when nothing is mounted there.
func shown(path string) string {
	data, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if f[4] == path {
			return strings.Join(append(f[5:6], f[len(f)-3:]...), " ")
		}
	}
	return ""
}

// attempt mounts with Mount and Attach, looks, and unmounts.
func attempt(dir, options string) (string, error) {
	m, err := Mount("devpts", options)
	if err != nil {
		return shown(dir), err
	}
	err = fsmount.Attach(m, dir)
	_ = m.Close() // it would keep the mount busy
	if err != nil {
		return "", err
	}
	return shown(dir), unix.Unmount(dir, 0)
}

// TestMountAsMount2 has mount(2) say which option strings are good and what they
// mean.
func TestMountAsMount2(t *testing.T) {
	tests := []struct{ options, refused string }{
		{options: ""},
		{options: "newinstance"},
		{options: "newinstance,mode=620,gid=5,ptmxmode=666,max=1024"},
		{options: "mode=0"}, {options: "mode=7777"}, {options: "mode=17777"},
		{options: "mode=620,mode=600"},
		{options: ",,mode=620,,"}, {options: ",=5,mode=620"},
		{options: "uid=0"}, {options: "uid=4294967294"}, {options: "uid=7,gid=8"},
		{options: "max=0x10"}, {options: "max=010"}, {options: "max=1048576"}, {options: "max=0"}, {options: "max=1048575"},
		{options: "ro"}, {options: "rw"}, {options: "ro,rw"}, {options: "sync"}, {options: "sync,async"},
		{options: "dirsync"}, {options: "mand,nomand"}, {options: "lazytime"}, {options: "ptmxmode=666,ro"}, {options: "ro=1"},
		{"mode=8", "mode=8"},
		{"mode=0x1", "mode=0x1"}, {"mode=-1", "mode=-1"}, {"mode=", "mode="}, {"mode", "mode"},
		{"mode=620,bogus", "bogus"}, {"bogus,mode=620", "bogus"}, {"bogus=1", "bogus=1"},
		{"MODE=620", "MODE=620"}, {"mode=620 ", "mode=620 "}, {" mode=620", " mode=620"},
		{"newinstance=1", "newinstance=1"}, {"newinstance=", "newinstance="},
		{"uid=-1", "uid=-1"}, {"uid=4294967295", "uid=4294967295"}, {"uid=abc", "uid=abc"}, {"gid=", "gid="}, {"uid", "uid"},
		{"max=1048577", "max=1048577"}, {"max=-1", "max=-1"}, {"max", "max"}, {"max=1=2", "max=1=2"},
		{"source=foo", "source=foo"},
	}
	inMountNS(t, func(t *testing.T, dir string) {
		for _, c := range tests {
			kernel, kernelErr := "", unix.Mount("devpts", dir, "devpts", 0, c.options)
			if kernelErr == nil {
				kernel = shown(dir)
				if err := unix.Unmount(dir, 0); err != nil {
					t.Fatal(err)
				}
			}
			ours, err := attempt(dir, c.options)
			// mount(2) gets ro as a flag from mount(8), which also makes the mount read-only.
			if strings.HasPrefix(ours, "ro,") && strings.Contains(","+c.options+",", ",ro,") {
				ours = "rw," + strings.TrimPrefix(ours, "ro,")
			}
			if ours != kernel {
				t.Errorf("%q: got %q, mount(2) has %q", c.options, ours, kernel)
			}
			if !errors.Is(err, kernelErr) {
				t.Errorf("%q: got %v, mount(2) says %v", c.options, err, kernelErr)
			}
			var m *MountError
			if errors.As(err, &m) != (c.refused != "") || m != nil && m.Option != c.refused {
				t.Errorf("%q: got %v, want %q refused", c.options, err, c.refused)
			}
		}
	})
}

// TestMountAsMount8 has mount(8) say what the options mean that it takes apart
// itself.
func TestMountAsMount8(t *testing.T) {
	if _, err := exec.LookPath("mount"); err != nil {
		t.Fatal(err)
	}
	inMountNS(t, func(t *testing.T, dir string) {
		for _, options := range []string{
			"defaults", "rw", "ro", "ro,rw", "rw,ro", "ro,defaults",
			"nosuid", "nosuid,suid", "nodev,noexec", "nodev,dev", "noexec,exec",
			"noatime", "noatime,atime", "nodiratime", "nodiratime,diratime",
			"relatime", "strictatime", "noatime,relatime",
			"noatime,strictatime", "strictatime,noatime", "strictatime,nostrictatime", "norelatime",
			"nosymfollow", "sync", "dirsync", "auto", "noauto,nofail,_netdev",
			"nosuid,noexec,gid=5,mode=620,ptmxmode=000", "nosuid,mode=8", "nosuid,nosuid=1",
		} {
			kernel := ""
			out, kernelErr := exec.Command("mount", "-i", "-t", "devpts", "-o", options, "devpts", dir).CombinedOutput()
			if kernelErr == nil {
				kernel = shown(dir)
				if err := unix.Unmount(dir, 0); err != nil {
					t.Fatal(err)
				}
			}
			ours, err := attempt(dir, options)
			if ours != kernel || (err == nil) != (kernelErr == nil) {
				t.Errorf("%q: got %q, %v; mount(8) has %q, %v %s", options, ours, err, kernel, kernelErr, out)
			}
		}
	})
}

func TestMountRefusals(t *testing.T) {
	for _, options := range []string{"mode=\x00", "a\x00b", "x,mode=8", strings.Repeat("k", 300), "mode=" + strings.Repeat("0", 300)} {
		refused, _, _ := strings.Cut(options, ",")
		want := &MountError{Option: refused, Err: syscall.EINVAL}
		inMountNS(t, func(t *testing.T, dir string) {
			_, err := Mount("", options)
			var got *MountError
			if !errors.As(err, &got) || *got != *want {
				t.Errorf("%q: got %v, want %v", options, err, want)
			}
		})
	}
	if got, want := fmt.Sprint(&MountError{Option: "mode=8", Err: syscall.EINVAL}), `devpts option "mode=8": invalid argument`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMountIsDetached checks that a mount is nowhere until it is attached, and is an
// instance of its own.
func TestMountIsDetached(t *testing.T) {
	inMountNS(t, func(t *testing.T, dir string) {
		before, err := os.ReadFile("/proc/thread-self/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		first, err := Mount("mine", "ptmxmode=666")
		if err != nil {
			t.Error(err)
			return
		}
		defer first.Close()
		second, err := Mount("", "")
		if err != nil {
			t.Error(err)
			return
		}
		defer second.Close()
		if after, _ := os.ReadFile("/proc/thread-self/mountinfo"); string(after) != string(before) {
			t.Errorf("mounts have changed:\n%s", after)
		}
		for i := range 2 {
			for _, m := range []*os.File{first, second} {
				fd, err := unix.Openat(int(m.Fd()), "ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
				if err != nil {
					t.Error(err)
					return
				}
				defer unix.Close(fd)
				if n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN); err != nil || n != i {
					t.Errorf("index %d, %v, want %d", n, err, i)
				}
			}
		}
		if err := fsmount.Attach(first, dir); err != nil {
			t.Error(err)
		}
		if got, want := shown(dir), "rw,relatime devpts mine rw,mode=600,ptmxmode=666"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if err := fsmount.Attach(second, dir+"/no/such"); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "no/such") {
			t.Errorf("attaching nowhere: %v", err)
		}
	})
}

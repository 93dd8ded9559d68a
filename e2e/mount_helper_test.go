//go:build linux

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// installed makes the helpers of mount(8) by `make install`, in the mount namespace of the
// test: /sbin is covered by a copy of itself that can be written to.
func installed(t *testing.T) {
	t.Helper()
	sbin, err := filepath.EvalSymlinks("/sbin")
	if err != nil {
		t.Fatal(err)
	}
	scratch := publicDir(t)
	mount(t, "tmpfs", scratch, "tmpfs", 0, "mode=755")
	upper, work := filepath.Join(scratch, "upper"), filepath.Join(scratch, "work")
	if err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755)); err != nil {
		t.Fatal(err)
	}
	mount(t, "overlay", sbin, "overlay", 0, "lowerdir="+sbin+",upperdir="+upper+",workdir="+work)
	prefix := filepath.Join(scratch, "prefix")
	out, err := exec.Command("make", "-C", "..", "-o", "build", "install", "PROGRAM="+ptsnsPath, "PREFIX="+prefix).CombinedOutput()
	if err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
}

// mount(8) mounts, remounts and reads fstab.
func TestMountHelper(t *testing.T) {
	t.Parallel()
	if need(t, "fuse", "make", "install", "mount", "umount"); !private(t) {
		return
	}
	installed(t)
	r, dir := newRuntime(t), publicDir(t)
	sys := func(code int, want string, args ...string) {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = r.env
		out := r.runCommand(cmd)
		if got := out.stdout + out.stderr; out.code != code || got != want {
			t.Errorf("%q: exit %d, %q; want exit %d, %q", args, out.code, got, code, want)
		}
	}
	options := func(want string) {
		t.Helper()
		list := r.mounts()
		if len(list) != 1 || list[0].dir != dir || list[0].options != want {
			t.Errorf("mounts: %+v, want one with %s", list, want)
		}
	}

	sys(0, "", "mount", "-t", "ptsns", "-o", "newinstance,ptmxmode=0666", "lxcpts", dir)
	options("rw,relatime,mode=600,ptmxmode=666")
	// with a directory alone the options are added to what there is
	sys(0, "", "mount", "-o", "remount,mode=640", dir)
	options("rw,relatime,mode=640,ptmxmode=666")
	// with a source too they are all
	sys(0, "", "mount", "-t", "ptsns", "-o", "remount,mode=620,gid=5", "lxcpts", dir)
	options("rw,relatime,gid=5,mode=620,ptmxmode=000")
	sys(32, "mount.ptsns: devpts option \"bogus\": invalid argument\n", "mount", "-o", "remount,bogus", dir)
	options("rw,relatime,gid=5,mode=620,ptmxmode=000")
	sys(0, "", "mount", "-o", "remount,ro,noexec", dir)
	if err := os.Chmod(filepath.Join(dir, "ptmx"), 0o666); err == nil || !errors.Is(err, unix.EROFS) {
		t.Errorf("chmod on a read-only mount: %v", err)
	}
	sys(0, "", "mount", "-o", "remount,rw", dir)
	sys(0, "", "umount", dir)

	// /etc/fstab, with words that are not for us
	fstab := filepath.Join(publicDir(t), "fstab")
	line := "lxcpts " + dir + " ptsns newinstance,ptmxmode=0644,generation=multiple,system=fs,noauto,nofail,x-systemd.automount,user 0 0\n"
	if err := os.WriteFile(fstab, []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	sys(0, "", "mount", "-T", fstab, dir)
	options("rw,relatime,mode=600,ptmxmode=644")
	if m := r.mounts()[0]; m.system != "fs" || m.generation != "multiple" {
		t.Errorf("mounted %+v", m)
	}
	sys(0, "", "umount", "-t", "fuse.ptsns", dir)

	// what fails says so as mount(8)'s own failures do; -f only looks
	sys(1, "mount.ptsns: generation \"5\": want always, multiple, legacy or cloned\n", "mount", "-t", "ptsns", "-o", "generation=5", "lxcpts", dir)
	sys(32, "mount.ptsns: devpts option \"bogus\": invalid argument\n", "mount", "-t", "ptsns", "-o", "bogus", "lxcpts", dir)
	sys(0, "", "mount", "-f", "-t", "ptsns", "lxcpts", dir)
	sys(1, "mount.ptsns: a source and a directory are needed\n", "mount.ptsns", "lxcpts")
	sys(1, "mount.ptsns: unknown flag -x; usage: mount.ptsns SOURCE DIR [-fnrsvw] [-o OPTS] [-t TYPE]\n", "mount.ptsns", "lxcpts", dir, "-x")
	if isMounted(t, dir) {
		t.Error("something is mounted")
	}
	// legacy ignores what it does not know, with a warning
	sys(0, "ptsns: mount: warning: devpts: called with bogus options: \"newinstance\" is ignored\n",
		"mount", "-t", "ptsns", "-o", "generation=legacy,newinstance", "lxcpts", dir)
	sys(0, "", "mount.fuse.ptsns", "lxcpts", dir, "-sn", "-o", "remount,mode=640", "-t", "fuse.ptsns")
	sys(0, "", "umount", dir)
	// flags of the mount
	sys(0, "", "mount", "-t", "ptsns", "-o", "ro,noatime,nosuid,noexec,nodev", "lxcpts", dir)
	info, err := os.ReadFile("/proc/self/mounts")
	if want := dir + " fuse.ptsns ro,nosuid,nodev,noexec,noatime,"; err != nil || !strings.Contains(string(info), want) {
		t.Errorf("no %q in\n%s", want, info)
	}
	sys(0, "", "umount", dir)
}

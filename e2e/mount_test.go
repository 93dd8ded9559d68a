//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A mount is there when the command returns, is listed, shows what a devpts shows, and is
// gone with umount, its server with the last one.
func TestMount(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r := newRuntime(t)
	dir := r.mountDir("-o", "newinstance,ptmxmode=0666,mode=620,gid=5,max=3")
	list := r.mounts()
	if len(list) != 1 {
		t.Fatalf("mounts: %+v", list)
	}
	want := mounted{"vs1", "always", "always", list[0].server, "lxcpts", dir, 0, "rw,relatime,gid=5,mode=620,ptmxmode=666,max=3"}
	if list[0] != want {
		t.Errorf("mounts: %+v, want %+v", list[0], want)
	}
	info, err := os.ReadFile("/proc/self/mounts")
	if line := "lxcpts " + dir + " fuse.ptsns rw,relatime,"; err != nil || !strings.Contains(string(info), line) {
		t.Errorf("/proc/self/mounts has no %q", line)
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, "ptmx"), &st); err != nil || st.Mode&0o7777 != 0o666 || st.Ino != 2 {
		t.Errorf("ptmx: %+v, %v", st, err)
	}

	for n := range 3 { // as many as max allows
		ptm, tty := openVirtual(t, dir)
		defer ptm.Close()
		defer tty.Close()
		if err := unix.Stat(filepath.Join(dir, fmt.Sprint(n)), &st); err != nil || st.Mode&0o7777 != 0o620 || st.Gid != 5 || st.Ino != uint64(n+3) {
			t.Errorf("terminal %d: %+v, %v", n, st, err)
		}
	}
	if _, err := unix.Open(filepath.Join(dir, "ptmx"), unix.O_RDWR, 0); err != unix.ENOSPC {
		t.Errorf("one more than max: %v", err)
	}
	if list := r.mounts(); list[0].terminals != 3 {
		t.Errorf("mounts: %+v", list)
	}
	if err := unix.Unmount(dir, 0); err != unix.EBUSY {
		t.Errorf("umount with open terminals: %v", err)
	}
	// umount -l: what is open goes on, and so does the server
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Error(err)
	}
	if list := r.mounts(); len(list) != 1 || list[0].server != want.server {
		t.Errorf("mounts with open terminals: %+v", list)
	}
}

// Mounts of one system have an initial instance in common, and nothing with others.
func TestMountSystems(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r := newRuntime(t)
	one := r.mountDir("--generation", "multiple", "-o", "ptmxmode=666")
	two := r.mountDir("--generation", "multiple", "-o", "ptmxmode=666")
	own := r.mountDir("--generation", "multiple", "-o", "newinstance,ptmxmode=666")
	apart := r.mountDir("--generation", "multiple", "--system", "apart", "-o", "ptmxmode=666")
	legacy := r.mountDir("-o", "generation=legacy,system=old")
	ptm, tty := openVirtual(t, one)
	defer ptm.Close()
	defer tty.Close()
	for dir, want := range map[string]int{one: 1, two: 1, own: 0, apart: 0, legacy: 0} {
		for _, m := range r.mounts() {
			if m.dir == dir && m.terminals != want {
				t.Errorf("%+v, want %d terminals", m, want)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "0")); (err == nil) != (want == 1) {
			t.Errorf("%s/0: %v", dir, err)
		}
	}
	if r.server(one) != r.server(own) || r.server(one) == r.server(apart) || r.server(one) == r.server(legacy) {
		t.Errorf("servers: %+v", r.mounts())
	}
	if _, err := os.Stat(filepath.Join(legacy, "ptmx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ptmx in legacy: %v", err)
	}
	// what the other end of a terminal is told does not depend on the mount
	other, err := os.OpenFile(filepath.Join(two, "0"), os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.WriteString("foo"); err != nil {
		t.Error(err)
	}
	_ = other.Close()
	b := make([]byte, 10)
	if n, err := ptm.Read(b); string(b[:n]) != "foo" || err != nil {
		t.Errorf("read %q, %v", b[:n], err)
	}
}

// A mount ends with the mount namespace that it is in, and not later: its server is not
// what keeps it.
func TestMountEndsWithItsNamespace(t *testing.T) {
	t.Parallel()
	if need(t, "fuse", "unshare"); !private(t) {
		return
	}
	r, dir := newRuntime(t), publicDir(t)
	for range 2 { // the second finds a server, or one that ends
		cmd := exec.Command("unshare", "-m", ptsnsPath, "mount", "lxcpts", dir)
		cmd.Env = r.env
		if out := r.runCommand(cmd); out.code != 0 {
			t.Fatalf("%+v", out)
		}
	}
	r.awaitSystems()
}

// What else is mounted can be unmounted while a server runs that was started later.
func TestMountKeepsNothingBusy(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r, disk := newRuntime(t), publicDir(t)
	if err := unix.Mount("disk", disk, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	cmd := r.command("mount", "lxcpts", publicDir(t))
	cmd.Dir = disk
	if out := r.runCommand(cmd); out.code != 0 {
		t.Fatalf("%+v", out)
	}
	dir := r.mounts()[0].dir
	t.Cleanup(func() { unmount(t, dir) })
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", r.server(dir)))
	if err != nil || strings.Contains(string(text), disk) || strings.Count(string(text), "\n") != 3 {
		t.Errorf("the server has mounted\n%s%v", text, err)
	}
	unmount(t, disk)
}

// Any source and any directory will do.
func TestMountNames(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r, top := newRuntime(t), publicDir(t)
	for _, name := range []string{"plain", "a blank", "new\nline", `back\slash`, "com,ma", "tab\t", "ünï", "=", "\xff"} {
		dir := filepath.Join(top, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if out := r.run("mount", "-o", "ptmxmode=666", name, dir); out.code != 0 || out.stdout != "" || out.stderr != "" {
			t.Errorf("%q: %+v", name, out)
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "ptmx")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		escaped := strings.NewReplacer(" ", `\040`, "\n", `\012`, `\`, `\134`, "\t", `\011`).Replace(name)
		info, err := os.ReadFile("/proc/self/mounts")
		if line := escaped + " " + top + "/" + escaped + " fuse.ptsns "; err != nil || !strings.Contains(string(info), line) {
			t.Errorf("/proc/self/mounts has no %q", line)
		}
		if lines := strings.Count(r.must("mount"), "\n"); lines != 1 {
			t.Errorf("%q: the list has %d lines", name, lines)
		}
		if out := r.run("mount", "-o", "remount,mode=640", name, dir); out.code != 0 {
			t.Errorf("remount %q: %+v", name, out)
		}
		unmount(t, dir)
	}

	// a symlink to the directory, and a relative path
	dir := filepath.Join(top, "plain")
	if err := os.Symlink("plain", filepath.Join(top, "link")); err != nil {
		t.Fatal(err)
	}
	cmd := r.command("mount", "lxcpts", "link")
	cmd.Dir = top
	if out := r.runCommand(cmd); out.code != 0 {
		t.Errorf("%+v", out)
	}
	if got := r.mounts()[0].dir; got != dir {
		t.Errorf("mounted at %s, want %s", got, dir)
	}
	// over what is mounted there, as mount does
	r.must("mount", "again", dir)
	unmount(t, dir)
	if _, err := os.Stat(filepath.Join(dir, "ptmx")); err != nil {
		t.Errorf("below the upper mount: %v", err)
	}
	unmount(t, dir)
}

func TestMountRefused(t *testing.T) {
	t.Parallel()
	if need(t, "fuse", "unshare"); !private(t) {
		return
	}
	r, dir := newRuntime(t), publicDir(t)
	file := filepath.Join(publicDir(t), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r.refused(2, "a source and a directory are needed", "mount", "lxcpts")
	r.refused(2, "3 arguments", "mount", "lxcpts", dir, dir)
	r.refused(2, "unknown flag", "mount", "--no-such", "lxcpts", dir)
	r.refused(2, `generation "5"`, "mount", "--generation", "5", "lxcpts", dir)
	r.refused(2, `generation "5"`, "mount", "-o", "generation=5", "lxcpts", dir)
	r.refused(2, `name "../x"`, "mount", "--system", "../x", "lxcpts", dir)
	r.refused(2, `task="x"`, "mount", "-o", "task=x", "lxcpts", dir)
	r.refused(125, "no such file or directory", "mount", "lxcpts", filepath.Join(dir, "none"))
	r.refused(125, "not a directory", "mount", "lxcpts", file)
	r.refused(125, `option "bogus": invalid argument`, "mount", "-o", "ptmxmode=666,bogus", "lxcpts", dir)
	r.refused(125, `option "mode=9": invalid argument`, "mount", "-o", "mode=9", "lxcpts", dir)
	r.refused(125, "in generation cloned alone", "mount", "-o", "task=1", "lxcpts", dir)
	r.refused(125, "no such process", "mount", "--generation", "cloned", "-o", "task=4194304", "lxcpts", dir)
	r.refused(125, `option "newinstance"`, "mount", "--generation", "cloned", "-o", "newinstance", "lxcpts", dir)
	r.refused(125, "nothing of ptsns is mounted", "mount", "-o", "remount,mode=600", "lxcpts", dir)
	r.awaitSystems()

	at := r.mountDir("--generation", "multiple")
	r.refused(125, `system "multiple" is of generation multiple, not legacy`, "mount", "--generation", "legacy", "--system", "multiple", "lxcpts", dir)
	r.refused(125, `option "bogus"`, "mount", "-o", "remount,bogus", "lxcpts", at)

	// where a server cannot know its callers
	elsewhere := func(why string, args ...string) {
		t.Helper()
		cmd := exec.Command("unshare", append(args, ptsnsPath, "mount", "--generation", "multiple", "lxcpts", dir)...)
		cmd.Env = r.env
		if out := r.runCommand(cmd); out.code != 125 || !strings.Contains(out.stderr, why) || strings.Count(out.stderr, "\n") != 1 {
			t.Errorf("in unshare %q: %+v, want one line with %q", args, out, why)
		}
	}
	elsewhere("your pid namespace is another; name a system of your own with --system", "--pid", "--fork", "--mount-proc")
	elsewhere("your user namespace is another; name a system of your own with --system", "--user", "--map-root-user", "--mount")
	cmd := exec.Command("unshare", "--pid", "--fork", "--mount", ptsnsPath, "mount", "--system", "own", "lxcpts", dir)
	cmd.Env = r.env
	if out := r.runCommand(cmd); out.code != 125 || !strings.Contains(out.stderr, "/proc is not that of this pid namespace") {
		t.Errorf("with the /proc of another pid namespace: %+v", out)
	}
	// with a system of its own it works there
	for _, args := range [][]string{{"--pid", "--fork", "--mount-proc"}, {"--user", "--map-root-user", "--mount"}} {
		cmd := exec.Command("unshare", append(args, ptsnsPath, "mount", "--system", "own", "lxcpts", dir)...)
		cmd.Env = r.env
		if out := r.runCommand(cmd); out.code != 0 {
			t.Errorf("a system of its own in unshare %q: %+v", args, out)
		}
		r.awaitOwn("own")
	}

	// without /dev/fuse, and without root
	sh := func(script string) *exec.Cmd {
		cmd := exec.Command("unshare", "--mount", "sh", "-c", script, ptsnsPath, dir)
		cmd.Env = r.env
		return cmd
	}
	if out := r.runCommand(sh(`mount -t tmpfs dev /dev && "$0" mount lxcpts "$1"`)); out.code != 125 || out.stderr != "ptsns: mount: open /dev/fuse: no such file or directory\n" {
		t.Errorf("without /dev/fuse: %+v", out)
	}
	user := newRuntime(t)
	user.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	if err := os.Chown(user.path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if out := user.run("mount", "lxcpts", dir); out.code != 125 || strings.Count(out.stderr, "\n") != 1 ||
		!strings.Contains(out.stderr, "/dev/fuse: permission denied") && !strings.Contains(out.stderr, "mounting needs root") {
		t.Errorf("without root: %+v", out)
	}
	unmount(t, at)
}

// awaitOwn waits until the system called name has ended, or its server died and it is
// cleaned.
func (r *runtimeDir) awaitOwn(name string) {
	r.t.Helper()
	entry := filepath.Join(r.systems(), name)
	if _, err := os.Stat(entry); err == nil {
		awaitUnlocked(r.t, filepath.Join(entry, "lock"))
		r.run("ls") // cleans
	}
	if _, err := os.Stat(entry); err == nil {
		r.t.Errorf("system %s is still there", name)
	}
}

// Nobody but root and the server's own user gets an answer, even where the modes of the
// directories would let them in.
func TestMountSocketIsPrivate(t *testing.T) {
	t.Parallel()
	if need(t, "fuse", "python3"); !private(t) {
		return
	}
	r := newRuntime(t)
	dir := r.mountDir()
	entry := filepath.Join(r.systems(), "always")
	socket := filepath.Join(entry, "socket")
	ask := func() string {
		cmd := exec.Command("/usr/bin/python3", "-c", `
import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    s.sendall(b'{"op":"list"}\n')
    print("answer:", s.recv(100))
except OSError as e:
    print(e.strerror)
`, socket)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return r.runCommand(cmd).stdout
	}
	if got := ask(); got != "Permission denied\n" {
		t.Errorf("another user: %q", got)
	}
	for path, mode := range map[string]os.FileMode{r.path: 0o755, r.systems(): 0o755, entry: 0o755, socket: 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(); got != "answer: b''\n" && got != "Connection reset by peer\n" && got != "Broken pipe\n" {
		t.Errorf("another user, with open directories: %q", got)
	}
	for _, path := range []string{r.path, r.systems(), entry} {
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	unmount(t, dir)
}

// Many at once start a system, mount and unmount, and nothing is left.
func TestMountAtOnce(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r := newRuntime(t)
	var wg sync.WaitGroup
	for n := range 12 {
		dir := publicDir(t)
		wg.Go(func() {
			for i := range 5 {
				out := r.run("mount", "--generation", "multiple", "-o", "ptmxmode=666", "lxcpts", dir)
				if out.code != 0 || out.stderr != "" {
					t.Errorf("mount %d of %d: %+v", i, n, out)
					return
				}
				fd, err := unix.Open(filepath.Join(dir, "ptmx"), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
				if err != nil {
					t.Errorf("mount %d of %d: %v", i, n, err)
				}
				_ = unix.Close(fd)
				if n%3 == 0 {
					r.run("mount")
				}
				if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil { // a command that another starts may hold ptmx up to its exec
					t.Errorf("umount %d of %d: %v", i, n, err)
				}
			}
		})
	}
	wg.Wait()
	r.awaitSystems()
}

// -f stays in front: a signal unmounts, and umount ends it.
func TestMountForeground(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r := newRuntime(t)
	front := func() (*exec.Cmd, string) {
		dir := publicDir(t)
		cmd := r.command("mount", "-f", "-o", "ptmxmode=666", "lxcpts", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitMounted(t, dir)
		return cmd, dir
	}
	cmd, dir := front()
	unmountWhenIdle(t, dir)
	if err := cmd.Wait(); err != nil {
		t.Errorf("after umount: %v", err)
	}
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		cmd, dir = front()
		kill(t, cmd.Process.Pid, sig)
		if err := cmd.Wait(); err != nil {
			t.Errorf("after %v: %v", sig, err)
		}
		if isMounted(t, dir) {
			t.Errorf("after %v it is still mounted", sig)
		}
	}
	// in use: it goes when it is not any more
	cmd, dir = front()
	ptm, tty := openVirtual(t, dir)
	kill(t, cmd.Process.Pid, unix.SIGINT)
	_ = cmd.Wait()
	if isMounted(t, dir) {
		t.Error("in use: still mounted")
	}
	if _, err := tty.WriteString("still here"); err != nil {
		t.Error(err)
	}
	_ = ptm.Close()
	_ = tty.Close()
	// a client that is killed leaves the mount, as it would be without -f
	cmd, dir = front()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	unmountWhenIdle(t, dir)
}

// isMounted tells whether something is mounted at dir.
func isMounted(t *testing.T, dir string) bool {
	t.Helper()
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(info), " "+dir+" ")
}

// awaitMounted waits until something is mounted at dir: poll(2) tells when the mounts have
// changed.
func awaitMounted(t *testing.T, dir string) {
	t.Helper()
	fd, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0) // not in Go's poller, which would take what we wait for
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for !isMounted(t, dir) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
		if n, err := unix.Poll(fds, int(deadline.Milliseconds())); n == 0 && err == nil {
			t.Fatalf("nothing gets mounted at %s", dir)
		}
	}
}

//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is an ordinary user, whom every system has.
const nobody = 65534

// newUserRuntime makes a runtime directory of an ordinary user, who runs the commands.
func newUserRuntime(t testing.TB) *runtimeDir {
	t.Helper()
	need(t, "root")
	r := newRuntime(t)
	r.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	home := publicDir(t)
	for _, dir := range []string{r.path, home} {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	r.env = append(r.env, "HOME="+home, "XDG_RUNTIME_DIR="+home)
	needUserNamespaces(t, r)
	return r
}

// needUserNamespaces is need for the user namespaces of r's user.
func needUserNamespaces(t testing.TB, r *runtimeDir) {
	t.Helper()
	need(t, "unshare")
	cmd := exec.Command("unshare", "--user", "true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.user}
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	if os.Getenv("PTSNS_REQUIRE") == "1" {
		t.Fatalf("needs user namespaces: %v: %s", err, out)
	}
	t.Skipf("needs user namespaces: %v: %s", err, out)
}

// sharedDir makes a directory into which everybody can write, for what programs inside
// have to tell.
func sharedDir(t testing.TB) string {
	t.Helper()
	dir := publicDir(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tell is shell code that makes the file path, with what the words say, whole at once.
func tell(path, words string) string {
	return fmt.Sprintf("echo %s > %[2]s.new && mv %[2]s.new %[2]s", words, path)
}

// told waits for the file path that tell makes and returns what it says.
func told(t testing.TB, path string) string {
	t.Helper()
	dir, name := filepath.Split(path)
	awaitDir(t, dir, func(names []string) bool { return slices.Contains(names, name) })
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// toldPID is told for a pid.
func toldPID(t testing.TB, path string) int {
	t.Helper()
	return number(t, told(t, path))
}

// number is the number that s is.
func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// awaitEnd waits until the namespace called name has ended by itself.
func (r *runtimeDir) awaitEnd(name string) {
	r.t.Helper()
	awaitDir(r.t, r.path, func(names []string) bool { return !slices.Contains(names, name) })
}

// checkEmpty checks that there is no namespace and nothing left of one.
func (r *runtimeDir) checkEmpty() {
	r.t.Helper()
	if err := leftBehind(r.path); err != nil {
		r.t.Error(err)
	}
	entries, err := os.ReadDir(r.path)
	if err != nil {
		r.t.Error(err)
	}
	for _, e := range entries {
		if e.Name() != ".lock" {
			r.t.Errorf("left in the runtime directory: %s", e.Name())
		}
	}
}

// refused runs a command that must fail with that status and say why, in one line.
func (r *runtimeDir) refused(code int, why string, args ...string) {
	r.t.Helper()
	out := r.run(args...)
	if out.code != code || !strings.Contains(out.stderr, why) || strings.Count(out.stderr, "\n") != 1 {
		r.t.Errorf("ptsns %q: got exit %d, stderr %q; want exit %d and one line with %q", args, out.code, out.stderr, code, why)
	}
	if out.stdout != "" {
		r.t.Errorf("ptsns %q: stdout %q", args, out.stdout)
	}
}

// supervisor is the pid of a server's supervisor.
func supervisor(t *testing.T, server int) int {
	t.Helper()
	found := children(server)
	if len(found) != 1 {
		t.Fatalf("server %d has the children %v, want its supervisor alone", server, found)
	}
	return found[0]
}

// children are the living children of pid.
func children(pid int) (found []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // only fails for a bad pattern
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread that has ended has none
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

// isAlive tells whether a process has not ended.
func isAlive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	after := stat[bytes.LastIndexByte(stat, ')')+1:]
	return !bytes.HasPrefix(after, []byte(" Z")) && !bytes.HasPrefix(after, []byte(" X"))
}

// kill sends a signal to a process.
func kill(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("send %v to %d: %v", sig, pid, err)
	}
}

// scratchDev covers /dev, in a mount namespace of the test's own, with one that has
// the usual devices and no fuse, and returns it.
func scratchDev(t *testing.T) string {
	t.Helper()
	dir := publicDir(t)
	mount(t, "tmpfs", dir, "tmpfs", unix.MS_NOSUID, "mode=755,size=1m")
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		mount(t, filepath.Join("/dev", name), filepath.Join(dir, name), "", unix.MS_BIND, "")
	}
	ptmx := filepath.Join(dir, "ptmx") // its own node: the kernel looks for pts beside it
	if err := unix.Mknod(ptmx, unix.S_IFCHR, int(unix.Mkdev(5, 2))); err != nil {
		t.Fatalf("mknod %s: %v", ptmx, err)
	}
	if err := os.Chmod(ptmx, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pts", "shm"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount(t, "/dev/pts", filepath.Join(dir, "pts"), "", unix.MS_BIND, "")
	mount(t, dir, "/dev", "", unix.MS_BIND|unix.MS_REC, "")
	return "/dev"
}

// openFuse makes /dev/fuse usable by everybody, in a mount namespace of the test's own.
func openFuse(t *testing.T) {
	t.Helper()
	need(t, "fuse")
	dir := publicDir(t)
	mount(t, "tmpfs", dir, "tmpfs", unix.MS_NOSUID, "mode=755,size=1m")
	fuse := filepath.Join(dir, "fuse")
	if err := unix.Mknod(fuse, unix.S_IFCHR, int(unix.Mkdev(10, 229))); err != nil {
		t.Fatalf("mknod %s: %v", fuse, err)
	}
	if err := os.Chmod(fuse, 0o666); err != nil {
		t.Fatal(err)
	}
	mount(t, fuse, "/dev/fuse", "", unix.MS_BIND, "")
}

// mount is mount(2) in a mount namespace of the test's own; it is undone at the test's
// end, so that directories can be removed.
func mount(t *testing.T, source, target, fstype string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		t.Fatalf("mount %s on %s: %v", source, target, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", target, err)
		}
	})
}

// checkRestored checks that the outer terminal is as before the command.
func (c *console) checkRestored() {
	c.t.Helper()
	if got := c.modes(); got != c.before {
		c.t.Errorf("%q left the terminal with %+v, want %+v", c.cmd.Args, got, c.before)
	}
}

//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	roles["nested"] = nestedRole
	roles["limited"] = limitedRole
}

// TestAsOrdinaryUser runs the tests of this package again without privileges.
func TestAsOrdinaryUser(t *testing.T) {
	root := makeRoot(t, "dev", "proc")
	needUsr(t, root)
	asUser(t, "-test.timeout=2m", rootVar+"="+root)
}

// TestTapAsOrdinaryUser gives the user a /dev/fuse that everybody may use.
func TestTapAsOrdinaryUser(t *testing.T) {
	needRoot(t)
	needFuse(t)
	node := filepath.Join(t.TempDir(), "fuse")
	if err := unix.Mknod(node, unix.S_IFCHR, int(unix.Mkdev(10, 229))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(node, 0o666); err != nil {
		t.Fatal(err)
	}
	mountFor(t, node, fuseDev, "", unix.MS_BIND, "")
	asUser(t, "-test.run=^TestTap$", "")
}

// asUser runs this test program as an ordinary user, with one argument and one
// environment variable more.
func asUser(t *testing.T, arg, env string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.v", arg)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), asUserVar+"=1", "TMPDIR=/tmp", env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("as uid 65534: %v\n%s", err, out)
	}
}

// needUserNS skips a test of what an ordinary user does.
func needUserNS(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("TestAsOrdinaryUser runs this one")
	}
}

func TestUserIsRootInside(t *testing.T) {
	needUserNS(t)
	s := newSpace(t, Config{})
	if got, want := s.sh("id -u; id -g; stat -c %u:%g /dev/pts/0"), "0\n0\n0:0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(s.Parent()), "<nil>"; got != want {
		t.Errorf("a mount for the parent, which cannot attach it: %v", got)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/root/dev/pts/ptmx", s.PID())); err != nil {
		t.Errorf("the parent's way in: %v", err)
	}
}

// TestUserCannotUncover has a root inside try to get at what is below our mounts.
func TestUserCannotUncover(t *testing.T) {
	needUserNS(t)
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/secret", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := newSpace(t, Config{Hide: []string{dir}})
	got := s.sh(fmt.Sprintf("for m in /dev/pts /dev/ptmx %[1]s; do umount -l $m 2>/dev/null && echo unmounted $m; done; ls -1 /dev/pts %[1]s", dir))
	want := fmt.Sprintf("/dev/pts:\n0\nptmx\n\n%s:", dir)
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := s.sh(devptsMounts); got != "/dev/ptmx\n/dev/pts" {
		t.Errorf("devpts mounts: %q", got)
	}
}

// nestedRole makes a namespace in a namespace and runs ptyRole in it.
func nestedRole() int {
	s, err := Start(Config{Name: "nested", Marker: "inner", Options: options, Ptmx: Bind, UserNS: os.Getenv("NSEXEC_TEST_USERNS") != ""})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fd, err := unix.Openat(int(s.Instance().Fd()), "ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		fmt.Println(err)
		return 1
	}
	status := make(chan syscall.WaitStatus, 1)
	p := Program{Argv: []string{"sh", "-c", "tty; grep -Eo '(inner|outer)' /proc/self/mountinfo | sort; ls -1 /dev/pts"}, Env: environ}
	if _, err := s.Start(p, func(ws syscall.WaitStatus) { status <- ws }); err != nil {
		fmt.Println(err)
		return 1
	}
	b := make([]byte, 4096)
	for {
		n, err := unix.Read(fd, b)
		if err != nil {
			break
		}
		fmt.Print(strings.ReplaceAll(string(b[:n]), "\r", ""))
	}
	ws := <-status
	if err := s.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	return ws.ExitStatus()
}

func TestNested(t *testing.T) {
	for _, userNS := range []string{"", "1"} {
		for _, ptmx := range []Ptmx{Bind, Symlink} {
			s := newSpace(t, Config{Marker: "outer", Ptmx: ptmx, PIDNS: ptmx == Symlink})
			p := role("nested")
			p.Env = append(p.Env, "NSEXEC_TEST_USERNS="+userNS)
			got := s.run(p)
			if want := "/dev/pts/0\ninner\nouter\n0\nptmx"; got != want {
				t.Errorf("user namespace %q, %s: got %q, want %q", userNS, ptmx, got, want)
			}
		}
	}
}

// limitedRole is root of a user namespace in which namespaces are limited.
func limitedRole() int {
	limit, count, _ := strings.Cut(os.Getenv("NSEXEC_TEST_LIMIT"), "=")
	if err := os.WriteFile("/proc/sys/user/"+limit, []byte(count), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	_, err := Start(Config{
		Name: "x", Marker: "x", Options: options, Ptmx: Bind,
		UserNS: limit == "max_user_namespaces", PIDNS: limit == "max_pid_namespaces",
	})
	fmt.Println(err)
	if !errors.Is(err, syscall.ENOSPC) {
		return 1
	}
	if _, err := unix.Wait4(-1, nil, 0, nil); err != unix.ECHILD {
		fmt.Println("a process is left:", err)
		return 1
	}
	return 0
}

func TestNoNamespaces(t *testing.T) {
	for limit, want := range map[string]string{
		"max_user_namespaces=0": "user namespaces are not available: no more are allowed (user.max_user_namespaces): no space left on device\n",
		"max_user_namespaces=1": "user namespaces are not available: no more are allowed (user.max_user_namespaces): no space left on device\n",
		"max_mnt_namespaces=0":  "mount namespaces are not available: no more are allowed (user.max_mnt_namespaces): no space left on device\n",
		"max_pid_namespaces=0":  "pid namespaces are not available: no space left on device\n",
	} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), roleVar+"=limited", "NSEXEC_TEST_LIMIT="+limit)
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		newUserNS(cmd.SysProcAttr, os.Geteuid(), os.Getegid())
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%s: got %q, %v, want %q", limit, out, err, want)
		}
	}
}

// TestMaskedProc has a user in a place like a container, where /proc may not be
// mounted because a part of the one there is covered.
func TestMaskedProc(t *testing.T) {
	if os.Geteuid() == 0 {
		mountFor(t, "tmpfs", "/proc/tty", "tmpfs", 0, "")
		asUser(t, "-test.run=^TestMaskedProc$", maskedVar+"=1")
		return
	}
	if os.Getenv(maskedVar) == "" {
		t.Skip("root prepares this one")
	}
	_, err := Start(Config{Name: "x", Marker: "x", Options: options, Ptmx: Bind, UserNS: true, PIDNS: true})
	if !errors.Is(err, syscall.EPERM) || !strings.Contains(err.Error(), "mounting /proc") {
		t.Errorf("got %v", err)
	}
}

const maskedVar = "NSEXEC_TEST_MASKED"

func TestNamespaceErrors(t *testing.T) {
	for _, c := range []struct {
		userNS bool
		errno  syscall.Errno
		want   string
	}{
		{true, syscall.EPERM, "user namespaces are not available: operation not permitted"},
		{true, syscall.EUSERS, "user namespaces are not available: no more are allowed (user.max_user_namespaces): too many users"},
		{false, syscall.EPERM, "mount namespaces are not available: operation not permitted"},
		{false, syscall.ENOSPC, "mount namespaces are not available: no more are allowed (user.max_mnt_namespaces): no space left on device"},
		{false, syscall.EAGAIN, "starting the supervisor: resource temporarily unavailable"},
	} {
		err := namespaceError(Config{UserNS: c.userNS}, os.NewSyscallError("fork/exec", c.errno))
		if err.Error() != c.want || !errors.Is(err, c.errno) {
			t.Errorf("%v: got %q, want %q", c.errno, err, c.want)
		}
	}
}

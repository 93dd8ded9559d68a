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

	"github.com/ptsns/ptsns/kpts"
)

func init() { roles["pty"] = ptyRole }

// ptyRole is what openpty(3) does, and a byte each way.
func ptyRole() int {
	name, err := tryPty()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(name)
	return 0
}

func tryPty() (string, error) {
	ptm, err := unix.Open(ptmxDev, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("opening ptmx: %w", err)
	}
	defer unix.Close(ptm)
	if err := unix.IoctlSetPointerInt(ptm, unix.TIOCSPTLCK, 0); err != nil {
		return "", err
	}
	n, err := unix.IoctlGetInt(ptm, unix.TIOCGPTN)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("/dev/pts/%d", n)
	pts, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", name, err)
	}
	defer unix.Close(pts)
	b := make([]byte, 8)
	if _, err := unix.Write(pts, []byte("x")); err != nil {
		return "", err
	}
	if n, err := unix.Read(ptm, b); err != nil || string(b[:n]) != "x" {
		return "", fmt.Errorf("reading the ptm: %q, %w", b[:n], err)
	}
	return name, nil
}

// parentPty opens a pair of the parent's instance.
func parentPty(t *testing.T) (name string) {
	t.Helper()
	fd, err := unix.Open(ptmxDev, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("opening the parent's ptmx: %v", err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("TIOCGPTN: %v", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("TIOCSPTLCK: %v", err)
	}
	return fmt.Sprintf("/dev/pts/%d", n)
}

// devptsMounts is a script that lists where devpts is mounted, as far as one can get
// there.
const devptsMounts = `for m in $(grep ' - devpts ' /proc/self/mountinfo | cut -d' ' -f5 | sort -u); do if test -e $m; then echo $m; fi; done`

func TestInstance(t *testing.T) {
	parentPty(t) // there must be something to see
	parentPty(t)
	s := newSpace(t, Config{Marker: "the-marker"})
	if got, want := s.sh("tty; ls -1 /dev/pts"), "/dev/pts/0\n0\nptmx"; got != want {
		t.Errorf("inside: got %q, want %q", got, want)
	}
	if got := s.sh("cat /proc/self/mountinfo"); !strings.Contains(got, " - tmpfs the-marker ") {
		t.Errorf("no marker in the mounts:\n%s", got)
	}
	if got, want := s.run(role("pty")), "/dev/pts/1"; got != want {
		t.Errorf("a pair opened inside: got %q, want %q", got, want)
	}
	if got, want := s.sh("stat -c %a /dev/pts/0 /dev/pts/ptmx"), "620\n666"; got != want {
		t.Errorf("modes: got %q, want %q", got, want)
	}
	if !strings.Contains(s.sh("grep ' devpts ' /proc/mounts"), "max=1024") {
		t.Error("max= is not in /proc/mounts")
	}
}

func TestParentsTerminalsAreGone(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	name := parentPty(t)
	bound, file := filepath.Join(dir, "bound"), filepath.Join(dir, "file")
	if err := os.Mkdir(bound, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mountFor(t, "/dev/pts", bound, "", unix.MS_BIND, "")
	mountFor(t, name, file, "", unix.MS_BIND, "")
	mountFor(t, "devpts", bound, "devpts", 0, "") // another's instance, on top of it

	s := newSpace(t, Config{})
	if got, want := s.sh(devptsMounts), "/dev/ptmx\n/dev/pts"; got != want {
		t.Errorf("devpts mounts inside: got %q, want %q", got, want)
	}
	got := s.sh(fmt.Sprintf("ls -1A %s; stat -c %%s %s; umount /dev/ptmx; umount -l /dev/pts; ls -1A /dev/pts; "+devptsMounts, bound, file))
	if got != "0" {
		t.Errorf("what is seen of the parent's terminals: got %q, want an empty directory and file", got)
	}
	if _, err := os.Stat(filepath.Join(bound, "ptmx")); err != nil {
		t.Errorf("the parent's mounts have changed: %v", err)
	}
}

func TestSharePts(t *testing.T) {
	for _, ptmx := range []Ptmx{Bind, Symlink} {
		t.Run(string(ptmx), func(t *testing.T) {
			name := parentPty(t)
			s := newSpace(t, Config{SharePts: true, Ptmx: ptmx, Marker: "shared-marker"})
			if s.Parent() != nil {
				t.Error("a mount for the parent, which has it already")
			}
			got := s.sh("ls " + name + "; grep -c shared-marker /proc/self/mountinfo; tty")
			want := fmt.Sprintf("%s\n1\n", name)
			if !strings.HasPrefix(got, want) || strings.HasSuffix(got, "not a tty") {
				t.Errorf("inside: got %q, want it to begin with %q", got, want)
			}
			if ptmx == Bind || os.Geteuid() == 0 {
				if got := s.run(role("pty")); !strings.HasPrefix(got, "/dev/pts/") {
					t.Errorf("a pair opened inside: %q", got)
				}
			}
		})
	}
}

func TestPtmx(t *testing.T) {
	before, err := os.ReadDir(devDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, ptmx := range []Ptmx{Bind, Symlink} {
		t.Run(string(ptmx), func(t *testing.T) {
			s := newSpace(t, Config{Ptmx: ptmx})
			if s.Ptmx() != ptmx || s.Note() != "" || s.Fuse() != nil {
				t.Errorf("got %q, %q, %v", s.Ptmx(), s.Note(), s.Fuse())
			}
			link := ""
			if ptmx == Symlink {
				link = "pts/ptmx"
			}
			if got := s.sh("readlink /dev/ptmx; true"); got != link {
				t.Errorf("/dev/ptmx is a link to %q, want %q", got, link)
			}
			if got, want := s.run(role("pty")), "/dev/pts/1"; got != want {
				t.Errorf("a pair opened inside: got %q, want %q", got, want)
			}
			var names []string
			for _, e := range before {
				names = append(names, e.Name())
			}
			if got, want := s.sh("LC_ALL=C ls -1A /dev"), strings.Join(names, "\n"); got != want {
				t.Errorf("/dev has %q, want %q", got, want)
			}
			if got := s.sh("echo lost > /dev/null; head -c1 /dev/zero | wc -c; test -w /dev/shm && echo shm"); got != "1\nshm" {
				t.Errorf("devices: got %q", got)
			}
			if err := s.Activate(); err != nil {
				t.Errorf("Activate without a tap: %v", err)
			}
		})
	}
	after, err := os.Lstat(ptmxDev)
	if err != nil || after.Mode()&os.ModeCharDevice == 0 {
		t.Errorf("the parent's /dev/ptmx has changed: %v, %v", after, err)
	}
}

// TestSymlinkDevices compares a private /dev with the one that it stands for.
func TestSymlinkDevices(t *testing.T) {
	list := `find /dev/ -mindepth 1 -maxdepth 1 ! -name pts ! -name ptmx -printf '%f %y %m %U:%G %l\n' | sort`
	want, err := exec.Command("sh", "-c", list).Output()
	if err != nil {
		t.Fatal(err)
	}
	s := newSpace(t, Config{Ptmx: Symlink})
	if os.Geteuid() != 0 {
		list = strings.Replace(list, "%U:%G ", "", 1)
		want, err = exec.Command("sh", "-c", list).Output()
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := s.sh(list); got != strings.TrimSpace(string(want)) {
		t.Errorf("/dev is\n%s\nwant\n%s", got, want)
	}
}

func TestRefusedOptions(t *testing.T) {
	var refused *kpts.MountError
	_, err := Start(Config{Name: "x", Marker: "x", Options: "mode=620,mode=8,max=5", Ptmx: Bind, UserNS: os.Geteuid() != 0})
	if !errors.As(err, &refused) || refused.Option != "mode=8" || refused.Err != syscall.EINVAL {
		t.Errorf("got %#v, want a MountError of mode=8", err)
	}
	if got, want := fmt.Sprint(err), `devpts option "mode=8": invalid argument`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if os.Geteuid() != 0 {
		_, err := Start(Config{Name: "x", Marker: "x", Options: "gid=5", Ptmx: Bind, UserNS: true})
		if !errors.As(err, &refused) || refused.Option != "gid=5" {
			t.Errorf("an unmapped gid: got %v", err)
		}
	}
}

func TestUnknownPtmx(t *testing.T) {
	_, err := Start(Config{Name: "x", Marker: "x", Ptmx: "no", UserNS: os.Geteuid() != 0})
	if err == nil || !strings.Contains(err.Error(), `"no"`) {
		t.Errorf("got %v", err)
	}
}

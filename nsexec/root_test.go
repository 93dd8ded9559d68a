//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// makeRoot makes a directory that programs of this machine can run in, with more
// directories in it.
func makeRoot(t *testing.T, dirs ...string) string {
	t.Helper()
	root := t.TempDir()
	for dir := root; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		_ = os.Chmod(dir, 0o755) // for whoever is not root inside
	}
	for _, d := range append(dirs, "usr", "etc", "old") {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "etc", "whose"), []byte("new root\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"bin", "lib", "lib64", "lib32", "sbin"} {
		target, err := os.Readlink("/" + d)
		if err == nil {
			err = os.Symlink(target, filepath.Join(root, d))
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			missing(t, "a merged /usr: "+err.Error())
		}
	}
	return root
}

// rootVar is in the environment of the process that TestAsOrdinaryUser starts: a root
// that it cannot make itself, with an empty dev and proc.
const rootVar = "NSEXEC_TEST_ROOT"

// needUsr mounts /usr in root, which takes privileges.
func needUsr(t *testing.T, root string) {
	t.Helper()
	needRoot(t)
	mountFor(t, "/usr", filepath.Join(root, "usr"), "", unix.MS_BIND, "")
}

func TestRoot(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		dirs []string
	}{
		{"bind", Config{}, []string{"dev", "proc"}},
		{"symlink", Config{Ptmx: Symlink}, []string{"dev", "proc"}},
		{"pid namespace", Config{PIDNS: true}, []string{"dev", "proc"}},
		{"nothing prepared", Config{PIDNS: true}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := os.Getenv(rootVar)
			if root == "" || c.dirs == nil {
				root = makeRoot(t, c.dirs...)
				needUsr(t, root)
			}
			c.cfg.Root = root
			s := newSpace(t, c.cfg)
			if got, want := s.sh("tty; cat /etc/whose; pwd -P"), "/dev/pts/0\nnew root\n/"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := s.run(role("pty")); got != "/dev/pts/1" {
				t.Errorf("a pair opened inside: %q", got)
			}
			got := s.sh("cut -d' ' -f5 /proc/self/mountinfo | sort -u; if test -e " + root + "; then echo old root; fi")
			want := "/\n/dev\n/dev/full\n/dev/null\n/dev/ptmx\n/dev/pts\n/dev/random\n/dev/shm\n/dev/tty\n/dev/urandom\n/dev/zero\n/proc\n/usr"
			if c.cfg.Ptmx == Symlink {
				want = strings.Replace(want, "/dev/ptmx\n", "", 1)
			}
			if !strings.HasPrefix(got, want) || strings.Contains(got, "old root") || strings.Contains(got, root) {
				t.Errorf("mounts inside:\n%s\nwant\n%s", got, want)
			}
			if got, want := s.sh("echo x > /dev/null; echo x > /dev/shm/x; echo ok > /dev/tty; readlink /dev/fd /dev/stdin; head -c1 /dev/urandom | wc -c"), "ok\n/proc/self/fd\nfd/0\n1"; got != want {
				t.Errorf("devices: got %q, want %q", got, want)
			}
			if c.cfg.PIDNS && os.Geteuid() == 0 {
				if got := s.sh("cat /proc/1/comm; umount /proc; ls -1A /proc"); got != "ptsns" {
					t.Errorf("/proc: %q", got)
				}
			}
		})
	}
}

// TestRootWithDevices uses a root whose /dev is its own business, down to a pts
// that is missing.
func TestRootWithDevices(t *testing.T) {
	root := makeRoot(t, "dev", "proc")
	needUsr(t, root)
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "mine": 7} {
		path := filepath.Join(root, "dev", name)
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("pts/ptmx", filepath.Join(root, "dev", "ptmx")); err != nil {
		t.Fatal(err)
	}
	for _, ptmx := range []Ptmx{Bind, Symlink} {
		s := newSpace(t, Config{Root: root, Ptmx: ptmx})
		if got, want := s.sh("ls -1 /dev; stat -c %t:%T /dev/mine; readlink /dev/ptmx"), "mine\nnull\nptmx\npts\nzero\n1:7\npts/ptmx"; got != want {
			t.Errorf("%s: /dev is %q, want %q", ptmx, got, want)
		}
		if got := s.run(role("pty")); got != "/dev/pts/1" {
			t.Errorf("%s: a pair opened inside: %q", ptmx, got)
		}
	}
	// Without a ptmx, the private /dev must come with one.
	if err := os.Remove(filepath.Join(root, "dev", "ptmx")); err != nil {
		t.Fatal(err)
	}
	for _, ptmx := range []Ptmx{Bind, Symlink} {
		s := newSpace(t, Config{Root: root, Ptmx: ptmx})
		if got := s.run(role("pty")); got != "/dev/pts/1" {
			t.Errorf("%s, no ptmx: a pair opened inside: %q", ptmx, got)
		}
		if got, want := s.sh("ls -1 /dev"), "mine\nnull\nptmx\npts\nzero"; got != want {
			t.Errorf("%s, no ptmx: /dev is %q, want %q", ptmx, got, want)
		}
	}
	if _, err := os.Lstat(filepath.Join(root, "dev", "ptmx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the root's own /dev has changed: %v", err)
	}
}

func TestRootErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]syscall.Errno{"/no/such/root": syscall.ENOENT, file: syscall.ENOTDIR} {
		_, err := Start(Config{Name: "x", Marker: "x", Root: dir, Ptmx: Bind, UserNS: os.Geteuid() != 0})
		if !errors.Is(err, want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", dir)) {
			t.Errorf("root %s: got %v, want %v", dir, err, want)
		}
	}
}

func TestRootIsRoot(t *testing.T) {
	s := newSpace(t, Config{Root: "/../"})
	if got := s.sh("tty"); got != "/dev/pts/0" {
		t.Errorf("got %q", got)
	}
}

func TestRootRelative(t *testing.T) {
	root := makeRoot(t, "dev", "proc")
	needUsr(t, root)
	t.Chdir(filepath.Dir(root))
	if err := os.Symlink(filepath.Base(root), root+"-link"); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(root + "-link")
	s := newSpace(t, Config{Root: "./" + filepath.Base(root) + "-link"})
	if got := s.sh("cat /etc/whose"); got != "new root" {
		t.Errorf("got %q", got)
	}
}

func TestHide(t *testing.T) {
	needRoot(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	runtime, link, elsewhere, part := dir+"/run/ptsns", dir+"/link", dir+"/elsewhere", dir+"/part"
	root := makeRoot(t, "dev", "proc", "run", dir)
	for _, d := range []string{runtime + "/vs1", elsewhere, part} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(runtime+"/vs1/socket", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("run/ptsns", link); err != nil {
		t.Fatal(err)
	}
	needUsr(t, root)
	mountFor(t, dir+"/run", elsewhere, "", unix.MS_BIND, "")
	mountFor(t, runtime+"/vs1", part, "", unix.MS_BIND, "")
	mountFor(t, dir, root+dir, "", unix.MS_BIND|unix.MS_REC, "")

	find := fmt.Sprintf("find %s /run -name socket 2>/dev/null; echo -; ", dir)
	for _, r := range []string{"", root} {
		s := newSpace(t, Config{Root: r, Hide: []string{link, "/no/such/dir"}})
		got := s.sh(find + fmt.Sprintf("stat -c '%%a %%n' %[1]s %[1]s/../../elsewhere/ptsns; mkdir %[1]s/nested && ls %[1]s", runtime))
		want := fmt.Sprintf("-\n700 %[1]s\n700 %[1]s/../../elsewhere/ptsns\nnested", runtime)
		if got != want {
			t.Errorf("root %q: got %q, want %q", r, got, want)
		}
	}
	entries, err := os.ReadDir(runtime)
	if err != nil || len(entries) != 1 || entries[0].Name() != "vs1" {
		t.Errorf("the directory itself has changed: %v, %v", entries, err)
	}
}

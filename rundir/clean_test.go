//go:build linux

package rundir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A dead server's programs are found by their marker, whatever they ignore, wherever
// they have moved to, and ended; the mount that somebody still uses goes as well.
func TestCleanEndsWhatIsLeft(t *testing.T) {
	needRoot(t)
	d := openDir(t)
	e := reserve(t, d, "vs1")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	inside := startHelper(t, "inside", &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, []*os.File{w},
		"MARKER="+e.Marker(), "AT="+t.TempDir(), "ROOT="+t.TempDir())
	_ = w.Close()
	if line := inside.line(t); line != "ready" {
		t.Fatalf("the program inside says %q", line)
	}
	stranger := startHelper(t, "linger", &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, nil)
	busy := mountBusy(t, e)
	defer busy.Close()
	e.Release()

	var mu sync.Mutex
	var cleaned []Cleaned
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c, err := d.Clean()
			mu.Lock()
			defer mu.Unlock()
			cleaned = append(cleaned, c...)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	waitGone(t, r)
	if diff := cmp.Diff(cleaned, []Cleaned{{Name: "vs1"}}); diff != "" {
		t.Errorf("cleaned (-got +want):\n%s", diff)
	}
	if got := contents(t, d); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
	if data, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(data), d.Path()) {
		t.Errorf("a mount is left: %v\n%s", err, data)
	}
	if _, err := busy.Stat(); err != nil {
		t.Errorf("the file in the detached mount: %v", err)
	}
	if err := stranger.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("a program that was not inside: %v", err)
	}
	if err := inside.Wait(); inside.ProcessState.Sys().(interface{ Signal() unix.Signal }).Signal() != unix.SIGKILL {
		t.Errorf("the program inside ended with %v", err)
	}
}

// The same without privileges, where the programs live in a user namespace.
func TestCleanAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() == 0 {
		rerunAsOrdinaryUser(t)
		return
	}
	d := openDir(t)
	e := reserve(t, d, "vs1")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	attr := &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	inside := startHelper(t, "inside", attr, []*os.File{w}, "MARKER="+e.Marker(), "AT="+t.TempDir(), "ROOT="+t.TempDir())
	_ = w.Close()
	if line := inside.line(t); line != "ready" {
		t.Fatalf("the program inside says %q", line)
	}
	e.Release()
	cleaned, err := d.Clean()
	if diff := cmp.Diff(cleaned, []Cleaned{{Name: "vs1"}}); err != nil || diff != "" {
		t.Errorf("Clean: %v (-got +want):\n%s", err, diff)
	}
	waitGone(t, r)
	if got := contents(t, d); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

// rerunAsOrdinaryUser runs this test once more as nobody.
func rerunAsOrdinaryUser(t *testing.T) {
	tmp := ordinaryDir(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.Dir = tmp
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinary, Gid: ordinary}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as uid %d: %v\n%s", ordinary, err, out)
	}
}

// mountBusy mounts over e's pts twice, and something below, and keeps a file open.
func mountBusy(t *testing.T, e *Entry) *os.File {
	t.Helper()
	below := filepath.Join(e.PtsDir(), "be low")
	err := errors.Join(
		os.Mkdir(e.PtsDir(), 0o755),
		unix.Mount("first", e.PtsDir(), "tmpfs", 0, ""),
		unix.Mount("second", e.PtsDir(), "tmpfs", 0, ""),
		os.Mkdir(below, 0o755),
		unix.Mount("third", below, "tmpfs", 0, ""),
	)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(below, "busy"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A name whose server died can be used again at once.
func TestReserveCleansFirst(t *testing.T) {
	d := openDir(t)
	dead := reserve(t, d, "vs1")
	dead.Release()
	e := reserve(t, d, "vs1")
	if e.Marker() == dead.Marker() {
		t.Error("the marker was used again")
	}
}

func TestRemoveDetaches(t *testing.T) {
	needRoot(t)
	d := openDir(t)
	e := reserve(t, d, "vs1")
	defer mountBusy(t, e).Close()
	if err := e.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, d); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

// A FUSE file system whose server never answers is never asked, wherever in the
// entry it is mounted.
func TestCleanBesideDeadFUSE(t *testing.T) {
	needRoot(t)
	for _, at := range []string{"", "pts", "lock", recordName, "log"} {
		t.Run("over "+at, func(t *testing.T) {
			d := openDir(t)
			e := reserve(t, d, "vs1")
			if err := errors.Join(os.Mkdir(e.PtsDir(), 0o755), os.WriteFile(e.Log(), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			e.Release()
			fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
			need(t, err == nil, "/dev/fuse")
			defer unix.Close(fd)
			mountSilentFUSE(t, fd, filepath.Join(e.Path(), at), at == "" || at == "pts")
			if names, err := d.Names(); len(names) != 0 || err != nil {
				t.Errorf("Names = %q, %v", names, err)
			}
			cleaned, err := d.Clean()
			if diff := cmp.Diff(cleaned, []Cleaned{{Name: "vs1"}}); err != nil || diff != "" {
				t.Errorf("Clean: %v (-got +want):\n%s", err, diff)
			}
			if got := contents(t, d); len(got) != 0 {
				t.Errorf("left behind: %q", got)
			}
		})
	}
}

// mountSilentFUSE mounts a FUSE file system that nobody serves.
func mountSilentFUSE(t *testing.T, fd int, path string, dir bool) {
	t.Helper()
	mode := "100600"
	if dir {
		mode = "40700"
	}
	data := "fd=" + itoa(fd) + ",rootmode=" + mode + ",user_id=0,group_id=0"
	if err := unix.Mount("silent", path, "fuse", 0, data); err != nil {
		t.Fatal(err)
	}
}

// A living entry that somebody has mounted over is alive again once that is gone.
func TestCleanUncoversTheLiving(t *testing.T) {
	needRoot(t)
	d := openDir(t)
	e := reserve(t, d, "vs1")
	if err := unix.Mount("cover", e.Path(), "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	if cleaned, err := d.Clean(); len(cleaned) != 0 || !errors.Is(err, ErrTaken) {
		t.Errorf("Clean = %v, %v, want ErrTaken", cleaned, err)
	}
	if names, err := d.Names(); len(names) != 1 || err != nil {
		t.Errorf("Names = %q, %v", names, err)
	}
}

func TestFull(t *testing.T) {
	needRoot(t)
	for _, tt := range []struct{ name, limit string }{
		{"no blocks", "size=4k"},
		{"no inode for the directory", "nr_inodes=3"},
		{"no inode for the lock", "nr_inodes=4"},
		{"no inode for the record", "nr_inodes=5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("full", dir, "tmpfs", 0, "mode=700,"+tt.limit); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
			filler := filepath.Join(dir, ".filler")
			if err := os.WriteFile(filler, make([]byte, 4096), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PTSNS_RUNTIME_DIR", dir)
			d, err := Open()
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := d.Reserve(""); !errors.Is(err, unix.ENOSPC) {
					t.Fatalf("Reserve = %v, want ENOSPC", err)
				}
				if diff := cmp.Diff(contents(t, d), []string{".filler"}); diff != "" {
					t.Fatalf("left behind (-got +want):\n%s", diff)
				}
			}
			if tt.name != "no blocks" {
				return
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			e := reserve(t, d, "")
			if err := os.WriteFile(e.Log(), make([]byte, 4096), 0o600); err == nil {
				t.Fatal("the disk is not full")
			}
			if err := e.SetServer(1); !errors.Is(err, unix.ENOSPC) {
				t.Errorf("SetServer = %v, want ENOSPC", err)
			}
			if found, err := d.Entry(e.Name()); err != nil || found.Marker() != e.Marker() {
				t.Errorf("the record after that: %+v, %v", found, err)
			}
			if err := e.Remove(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whatever state an entry is in, what can be cleaned is, and the rest is named.
func TestCleanDamaged(t *testing.T) {
	good := `{"marker":"` + newMarker() + `","server_pid":7}`
	tests := []struct {
		name    string
		damage  func(e *Entry) error
		cleaned []Cleaned
		says    []string // in the error
		left    []string
	}{
		{"empty record", func(e *Entry) error { return os.WriteFile(e.record(), nil, 0o600) },
			[]Cleaned{{Name: "vs1"}}, []string{"could not be looked for", "record.json"}, nil},
		{"wrong marker", func(e *Entry) error { return os.WriteFile(e.record(), []byte(`{"marker":"tmpfs"}`), 0o600) },
			[]Cleaned{{Name: "vs1"}}, []string{`"tmpfs" is not a marker`}, nil},
		{"no record", func(e *Entry) error { return os.Remove(e.record()) },
			[]Cleaned{{Name: "vs1"}}, []string{"could not be looked for"}, nil},
		{"record is a FIFO", func(e *Entry) error { return errors.Join(os.Remove(e.record()), unix.Mkfifo(e.record(), 0o600)) },
			[]Cleaned{{Name: "vs1"}}, []string{"not a regular file"}, nil},
		{"record is a link", func(e *Entry) error {
			return errors.Join(os.Rename(e.record(), e.Socket()), os.Symlink("socket", e.record()))
		}, []Cleaned{{Name: "vs1"}}, []string{"record.json"}, nil},
		{"no lock", func(e *Entry) error { return os.Remove(filepath.Join(e.Path(), "lock")) },
			[]Cleaned{{Name: "vs1"}}, nil, nil},
		{"half written record", func(e *Entry) error { return os.WriteFile(e.record()+".tmp", []byte("{"), 0o600) },
			[]Cleaned{{Name: "vs1"}}, nil, nil},
		{"log is a FIFO", func(e *Entry) error { return unix.Mkfifo(e.Log(), 0o600) },
			[]Cleaned{{Name: "vs1"}}, nil, nil},
		{"socket is a directory", func(e *Entry) error { return os.Mkdir(e.Socket(), 0o700) },
			[]Cleaned{{Name: "vs1"}}, nil, nil},
		{"pts is not empty", func(e *Entry) error { return os.MkdirAll(filepath.Join(e.PtsDir(), "0"), 0o700) },
			nil, []string{"pts", "not empty"}, []string{"vs1"}},
		{"garbage", func(e *Entry) error {
			return errors.Join(os.WriteFile(e.record(), []byte(good), 0o600), os.WriteFile(filepath.Join(e.Path(), "notes"), nil, 0o600))
		}, nil, []string{`notes" is not ours`}, []string{"vs1"}},
		{"not a directory", func(e *Entry) error { return os.WriteFile(e.Path()+".txt", nil, 0o600) },
			[]Cleaned{{Name: "vs1"}}, []string{"vs1.txt", "not a directory"}, []string{"vs1.txt"}},
		{"a link to another directory", func(e *Entry) error { return os.Symlink("/tmp", e.Path()+".tmp") },
			[]Cleaned{{Name: "vs1"}}, []string{"vs1.tmp"}, []string{"vs1.tmp"}},
		{"not a name", func(e *Entry) error { return os.Mkdir(e.Path()+" \x1b[m", 0o700) },
			[]Cleaned{{Name: "vs1"}}, []string{`"vs1 \x1b[m" is not a namespace`}, []string{"vs1 \x1b[m"}},
		{"an empty directory beside it", func(e *Entry) error { return os.Mkdir(filepath.Join(e.dir.path, "vs10"), 0o700) },
			[]Cleaned{{Name: "vs1"}, {Name: "vs10"}}, []string{"vs10", "could not be looked for"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := openDir(t)
			e := reserve(t, d, "vs1")
			if err := tt.damage(e); err != nil {
				t.Fatal(err)
			}
			e.Release()
			cleaned, err := d.Clean()
			if diff := cmp.Diff(cleaned, tt.cleaned); diff != "" {
				t.Errorf("cleaned (-got +want):\n%s", diff)
			}
			if (err == nil) != (tt.says == nil) {
				t.Errorf("error %v, want %q in it", err, tt.says)
			}
			for _, word := range tt.says {
				if err != nil && !strings.Contains(err.Error(), word) {
					t.Errorf("error %v, want %q in it", err, word)
				}
			}
			if diff := cmp.Diff(contents(t, d), tt.left); diff != "" {
				t.Errorf("left (-got +want):\n%s", diff)
			}
			// A name that cannot be had is skipped, or refused when asked for.
			if e := reserve(t, d, ""); len(tt.left) > 0 && e.Name() == tt.left[0] {
				t.Errorf("reserved %q", e.Name())
			}
			if len(tt.left) > 0 && tt.left[0] == "vs1" {
				if _, err := d.Reserve("vs1"); err == nil || !strings.Contains(err.Error(), "cannot be reused") {
					t.Errorf("Reserve = %v", err)
				}
			}
		})
	}
}

// record is the path of e's record.
func (e *Entry) record() string { return filepath.Join(e.Path(), recordName) }

// A marker in our own mount namespace kills nobody.
func TestKillNeverInOurOwnSpace(t *testing.T) {
	needRoot(t)
	marker, at := newMarker(), t.TempDir()
	if err := unix.Mount(marker, at, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	if err := killAll(marker); err == nil || !strings.Contains(err.Error(), "our own mount namespace") {
		t.Errorf("killAll = %v", err)
	}
}

//go:build linux

package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestOpenMakesItPrivate(t *testing.T) {
	base := t.TempDir()
	if err := os.Symlink(base, filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path  string
		umask int
	}{
		{"a/b/run", 0o022},
		{"a/b/run", 0o022}, // a second time
		{"a/b/stern", 0o777},
		{"a/b/lax", 0},
	} {
		t.Setenv("PTSNS_RUNTIME_DIR", filepath.Join(base, "link", tt.path)+"/")
		umask := unix.Umask(tt.umask)
		d, err := Open()
		unix.Umask(umask)
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(base, tt.path); d.Path() != want {
			t.Errorf("Path = %q, want %q", d.Path(), want)
		}
		if info, err := os.Stat(d.Path()); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: %v, %v, want drwx------", tt.path, info.Mode(), err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	base := t.TempDir()
	path := func(name string) string { return filepath.Join(base, name) }
	for name, mode := range map[string]os.FileMode{"good": 0o700, "world": 0o777, "group": 0o750, "foreign": 0o700} {
		if err := errors.Join(os.Mkdir(path(name), mode), os.Chmod(path(name), mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("good", path("link")), os.WriteFile(path("file"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	type refusal struct {
		name string
		text string
		kind error
	}
	tests := []refusal{
		{"world", "open to others (mode 0777", fs.ErrPermission},
		{"group", "open to others (mode 0750", fs.ErrPermission},
		{"link", "symbolic link", unix.ELOOP},
		{"file", "not a directory", unix.ENOTDIR},
		{"file/below", "not a directory", unix.ENOTDIR},
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path("foreign"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, refusal{"foreign", "belongs to uid 65534", fs.ErrPermission})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PTSNS_RUNTIME_DIR", path(tt.name))
			_, err := Open()
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Open = %v, want %q and %v", err, tt.text, tt.kind)
			}
		})
	}
}

// An ordinary user gets a directory below XDG_RUNTIME_DIR, or in /tmp without it.
func TestOpenAsOrdinaryUser(t *testing.T) {
	needRoot(t)
	xdg := ordinaryDir(t)
	own := fmt.Sprintf("/tmp/ptsns-%d", ordinary)
	if _, err := os.Lstat(own); errors.Is(err, fs.ErrNotExist) {
		t.Cleanup(func() { _ = os.Remove(own) })
	}
	attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinary, Gid: ordinary}}
	for _, tt := range []struct{ env, want string }{
		{"XDG_RUNTIME_DIR=" + xdg, xdg + "/ptsns"},
		{"XDG_RUNTIME_DIR=relative", own},
		{"XDG_RUNTIME_DIR=", own},
	} {
		if got := startHelper(t, "open", attr, nil, "PTSNS_RUNTIME_DIR=", tt.env).line(t); got != tt.want {
			t.Errorf("with %s: %q, want %q", tt.env, got, tt.want)
		}
	}
}

func TestReserve(t *testing.T) {
	d := openDir(t)
	first := reserve(t, d, "")
	named := reserve(t, d, "vs3")
	for _, want := range []string{"vs2", "vs4"} {
		if got := reserve(t, d, "").Name(); got != want {
			t.Errorf("Reserve = %q, want %q", got, want)
		}
	}
	_, err := d.Reserve("vs1")
	if !errors.Is(err, ErrTaken) || err.Error() != `name "vs1" is taken` {
		t.Errorf("Reserve of a taken name = %v", err)
	}
	if first.Marker() == named.Marker() || !validMarker(first.Marker()) {
		t.Errorf("markers %q and %q", first.Marker(), named.Marker())
	}
	modes := map[string]os.FileMode{}
	for _, file := range []string{"", "lock", recordName} {
		info, err := os.Lstat(filepath.Join(first.Path(), file))
		if err != nil {
			t.Fatal(err)
		}
		modes[file] = info.Mode()
	}
	want := map[string]os.FileMode{"": fs.ModeDir | 0o700, "lock": 0o600, recordName: 0o600}
	if diff := cmp.Diff(modes, want); diff != "" {
		t.Errorf("modes (-got +want):\n%s", diff)
	}
	reserve(t, d, "vs10")
	names, err := d.Names()
	if diff := cmp.Diff(names, []string{"vs1", "vs2", "vs3", "vs4", "vs10"}); err != nil || diff != "" {
		t.Errorf("Names: %v (-got +want):\n%s", err, diff)
	}
	e, err := d.Entry("vs3")
	if err != nil || e.Marker() != named.Marker() || e.Lock() != nil {
		t.Errorf("Entry = %+v, %v", e, err)
	}
	if cleaned, err := d.Clean(); len(cleaned) != 0 || err != nil {
		t.Errorf("Clean of the living = %v, %v", cleaned, err)
	}
}

func TestNoEntry(t *testing.T) {
	d := openDir(t)
	reserve(t, d, "dead").Release()
	for _, name := range []string{"x", "dead"} {
		_, err := d.Entry(name)
		if want := fmt.Sprintf("no namespace %q", name); !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
			t.Errorf("Entry = %v, want %s", err, want)
		}
	}
}

func TestHostileNames(t *testing.T) {
	d := openDir(t)
	outside := filepath.Join(filepath.Dir(d.Path()), "outside")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".", "..", "../outside", "/etc", "a/b", ".lock", "-rf", "a\nb", "a b", "\x00", "é", strings.Repeat("x", 49)} {
		if _, err := d.Reserve(name); err == nil {
			t.Errorf("Reserve(%q) went well", name)
		}
		if _, err := d.Entry(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Entry(%q) = %v, want that it is no name", name, err)
		}
		if _, err := Adopt(d, name, nil); err == nil {
			t.Errorf("Adopt(%q) went well", name)
		}
	}
	if got := contents(t, d); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestSocketPathTooLong(t *testing.T) {
	t.Setenv("PTSNS_RUNTIME_DIR", filepath.Join(t.TempDir(), strings.Repeat("d", 100)))
	d, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Reserve(""); !errors.Is(err, unix.ENAMETOOLONG) {
		t.Errorf("Reserve = %v, want ENAMETOOLONG", err)
	}
}

// Processes that start at the same moment never share a name.
func TestRace(t *testing.T) {
	const racers = 8
	for _, tt := range []struct{ name, winners string }{
		{"same", "got same"},
		{"", "got vs1 got vs2 got vs3 got vs4 got vs5 got vs6 got vs7 got vs8"},
	} {
		d := openDir(t)
		var all []*helper
		for range racers {
			all = append(all, startHelper(t, "reserve", nil, nil, "NAME="+tt.name))
		}
		for _, h := range all {
			if _, err := h.in.Write([]byte{'!'}); err != nil {
				t.Fatal(err)
			}
		}
		var won []string
		for _, h := range all {
			line := h.line(t)
			if strings.HasPrefix(line, "got ") {
				won = append(won, line)
			} else if line != `name "same" is taken` {
				t.Errorf("a loser says %q", line)
			}
		}
		slices.Sort(won)
		if got := strings.Join(won, " "); got != tt.winners {
			t.Errorf("winners %q, want %q", got, tt.winners)
		}
		if names, err := d.Names(); len(names) != len(won) || err != nil {
			t.Errorf("Names = %q, %v", names, err)
		}
	}
}

// The server's copy of the lock is what counts, from the client's Release to the
// server's end, however it comes.
func TestServerLives(t *testing.T) {
	d := openDir(t)
	e := reserve(t, d, "vs1")
	server := startHelper(t, "adopt", nil, []*os.File{e.Lock()}, "NAME=vs1")
	if line := server.line(t); line != "adopted" {
		t.Fatalf("the server says %q", line)
	}
	e.Release()
	found, err := d.Entry("vs1")
	if err != nil || found.ServerPID() != server.Process.Pid {
		t.Fatalf("Entry = %+v, %v, want server %d", found, err, server.Process.Pid)
	}
	if cleaned, err := d.Clean(); len(cleaned) != 0 || err != nil {
		t.Fatalf("Clean = %v, %v", cleaned, err)
	}
	if err := os.WriteFile(e.Log(), []byte("started\nsomething bad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = server.Process.Kill()
	cleaned, err := d.Clean() // at once
	if names, err := d.Names(); len(names) != 0 || err != nil {
		t.Errorf("Names = %q, %v", names, err)
	}
	want := []Cleaned{{Name: "vs1", ServerPID: server.Process.Pid, Log: "something bad"}}
	if diff := cmp.Diff(cleaned, want); err != nil || diff != "" {
		t.Errorf("Clean: %v (-got +want):\n%s", err, diff)
	}
	if got := contents(t, d); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestAdoptRefuses(t *testing.T) {
	d := openDir(t)
	e, other := reserve(t, d, "vs1"), reserve(t, d, "vs2")
	second, err := os.Open(e.Lock().Name())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for name, lock := range map[string]*os.File{"another entry's lock": other.Lock(), "an open that does not hold it": second} {
		if _, err := Adopt(d, "vs1", lock); err == nil {
			t.Errorf("Adopt with %s went well", name)
		}
	}
	if _, err := Adopt(d, "vs3", e.Lock()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Adopt without an entry = %v", err)
	}
}

func TestRemove(t *testing.T) {
	d := openDir(t)
	e := reserve(t, d, "vs1")
	for _, file := range []string{e.Socket(), e.Log()} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(e.PtsDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := e.SetServer(4711); err != nil {
		t.Fatal(err)
	}
	if err := e.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, d); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
	for name, err := range map[string]error{"Remove": e.Remove(), "SetServer": e.SetServer(1)} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s after Remove = %v, want ErrClosed", name, err)
		}
	}
	reserve(t, d, "vs1")
}

// Everybody makes, looks, cleans and removes at once, and nothing is lost or left.
func TestConcurrent(t *testing.T) {
	d := openDir(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				e, err := d.Reserve("")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := d.Entry(e.Name()); err != nil {
					t.Error(err)
				}
				if err := e.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				if _, err := d.Names(); err != nil {
					t.Error(err)
				}
				e, err := d.Reserve("")
				if err != nil {
					t.Error(err)
					return
				}
				e.Release() // dead at once
				if _, err := d.Clean(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := d.Clean(); err != nil {
		t.Error(err)
	}
	if got := contents(t, d); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestCompareNames(t *testing.T) {
	got := []string{"vs10", "a", "vs2", "b1c2", "vs", "b1c10", "10", "9", "vs1"}
	slices.SortFunc(got, compareNames)
	want := []string{"9", "10", "a", "b1c2", "b1c10", "vs", "vs1", "vs2", "vs10"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mountDir mounts at a new directory with these arguments before SOURCE DIR, in the mount
// namespace of the test, and unmounts at the test's end.
func (r *runtimeDir) mountDir(args ...string) string {
	r.t.Helper()
	dir := publicDir(r.t)
	r.mountAt(dir, args...)
	return dir
}

// mountAt is mountDir for a directory that is there.
func (r *runtimeDir) mountAt(dir string, args ...string) {
	r.t.Helper()
	args = append([]string{"mount"}, args...)
	if out := r.must(append(args, "lxcpts", dir)...); out != "" {
		r.t.Errorf("ptsns mount printed %q", out)
	}
	r.t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // the test may have done it
}

// unmount unmounts dir, as umount(8) does.
func unmount(t *testing.T, dir string) {
	t.Helper()
	if err := unix.Unmount(dir, unix.UMOUNT_NOFOLLOW); err != nil {
		t.Errorf("umount %s: %v", dir, err)
	}
}

// systems is where r's systems are.
func (r *runtimeDir) systems() string { return filepath.Join(r.path, ".systems") }

// awaitSystems waits until all systems have come to their end.
func (r *runtimeDir) awaitSystems() {
	r.t.Helper()
	if _, err := os.Stat(r.systems()); err != nil {
		return
	}
	awaitDir(r.t, r.systems(), func(names []string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return name != ".lock" })
	})
}

// mounted is a line of `ptsns mount`.
type mounted struct {
	name, system, generation string
	server                   int
	source, dir              string
	terminals                int
	options                  string
}

// mounts is what `ptsns mount` lists.
func (r *runtimeDir) mounts() (list []mounted) {
	r.t.Helper()
	lines := strings.Split(r.must("mount"), "\n")
	if !strings.HasPrefix(lines[0], "NAME ") {
		r.t.Errorf("ptsns mount begins with %q", lines[0])
	}
	for _, line := range lines[1:] {
		var m mounted
		if n, err := fmt.Sscan(line, &m.name, &m.system, &m.generation, &m.server, &m.source, &m.dir, &m.terminals, &m.options); n != 8 || err != nil {
			r.t.Errorf("ptsns mount has the line %q: %v", line, err)
		}
		list = append(list, m)
	}
	return list
}

// mountedAt is what `ptsns mount` says of what is mounted at dir.
func (r *runtimeDir) mountedAt(dir string) mounted {
	r.t.Helper()
	for _, m := range r.mounts() {
		if m.dir == dir {
			return m
		}
	}
	r.t.Fatalf("nothing at %s in ptsns mount", dir)
	return mounted{}
}

// server is the pid of the server of what is mounted at dir.
func (r *runtimeDir) server(dir string) int {
	r.t.Helper()
	return r.mountedAt(dir).server
}

// openVirtual opens a terminal of the instance at dir, both its ends.
func openVirtual(t testing.TB, dir string) (ptm, tty *os.File) {
	t.Helper()
	fd, err := unix.Open(filepath.Join(dir, "ptmx"), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("open ptmx: %v", err)
	}
	ptm = os.NewFile(uintptr(fd), "ptm") // in the poller: Close ends a Read
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("unlock the terminal: %v", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("the terminal's number: %v", err)
	}
	tty, err = os.OpenFile(filepath.Join(dir, fmt.Sprint(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ptm, tty
}

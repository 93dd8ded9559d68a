//go:build linux

package rundir

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// deviceAt is the device number of what is mounted at path, "" when nothing is.
func deviceAt(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range parseMountinfo(data) {
		if m.point == path {
			return m.device
		}
	}
	return ""
}

// What a dead system's server served is unmounted; what only has a number that stands in
// its record is not. As long as the server lives nothing is.
func TestCleanUnmountsWhatWasServed(t *testing.T) {
	needRoot(t)
	namespaces := openDir(t)
	d, err := namespaces.Systems()
	if err != nil {
		t.Fatal(err)
	}
	e := reserve(t, d, "default")
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	need(t, err == nil, "/dev/fuse")
	served, other := t.TempDir(), t.TempDir()
	mountSilentFUSE(t, fd, served, true)
	if err := unix.Mount("other", other, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(other, unix.MNT_DETACH)
	if err := e.SetMounts([]string{deviceAt(t, served), deviceAt(t, other)}); err != nil {
		t.Fatal(err)
	}
	if cleaned, err := d.Clean(); len(cleaned) != 0 || err != nil || deviceAt(t, served) == "" {
		t.Fatalf("of a living system %+v was cleaned, %v", cleaned, err)
	}
	if names, err := namespaces.Names(); len(names) != 0 || err != nil {
		t.Errorf("systems are among the namespaces: %q, %v", names, err)
	}
	if cleaned, err := namespaces.Clean(); len(cleaned) != 0 || err != nil {
		t.Errorf("systems were cleaned as namespaces: %+v, %v", cleaned, err)
	}

	_ = unix.Close(fd)
	e.Release()
	cleaned, err := d.Clean()
	if err != nil || len(cleaned) != 1 || cleaned[0].Name != "default" {
		t.Fatalf("cleaned %+v, %v", cleaned, err)
	}
	if deviceAt(t, served) != "" {
		t.Error("the dead mount is still there")
	}
	if deviceAt(t, other) == "" {
		t.Error("the other mount is gone")
	}
	if left := contents(t, d); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

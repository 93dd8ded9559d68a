//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDiskFull runs with a runtime directory on a disk that is full, or becomes it.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if !private(t) {
		return
	}
	r, disk := newRuntime(t), publicDir(t)
	mount(t, "tmpfs", disk, "tmpfs", 0, "mode=755,size=64k")
	r.path = filepath.Join(disk, "r")
	r.env = append(r.env, "PTSNS_RUNTIME_DIR="+r.path)
	if err := os.Mkdir(r.path, 0o700); err != nil {
		t.Fatal(err)
	}
	fill := filepath.Join(disk, "fill")

	fillDisk(t, fill, 0)
	r.refused(125, "no space left on device", "run", "--", "true")
	r.refused(125, "no space left on device", "run", "-d", "--", "true")
	r.refused(125, "no space left on device", "run", "--name", "vs1", "--", "true")
	r.checkEmpty()

	// At each step of the start that needs room.
	for kilobytes := 4; ; kilobytes += 4 {
		fillDisk(t, fill, kilobytes)
		out := r.run("run", "--", "true")
		r.checkEmpty()
		if out.code == 0 {
			break
		}
		if out.code != 125 || !strings.Contains(out.stderr, "no space left on device") || kilobytes > 32 {
			t.Fatalf("with %d kB: %+v", kilobytes, out)
		}
	}

	// A namespace that is there goes on.
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	c := r.console("run", "--name", "vs1", "--", "bash", "--norc")
	c.expect(`prompt> `)
	fillDisk(t, fill, 0)
	c.enter("echo $((6*7)); tty\n")
	c.expect(`42\r\n/dev/pts/0\r\n`)
	out := r.run("exec", "vs1", "--", "script", "-qc", "tty", "/dev/null")
	if out.code != 0 || !strings.Contains(out.stdout, "/dev/pts/2") {
		t.Errorf("exec on a full disk: %+v", out)
	}
	if term, ok := r.terminal("vs1", 0); !ok || term.Foreground.Comm != "bash" {
		t.Errorf("ls on a full disk: %+v, %v", term, ok)
	}
	r.refused(125, "no space left on device", "run", "--", "true")
	c.detach()
	again := r.console("attach", "vs1")
	again.enter("exit 4\n")
	if code := again.wait(); code != 4 {
		t.Errorf("attach on a full disk: exit %d, want 4", code)
	}
	r.awaitEnd("vs1")
	fillDisk(t, fill, 0) // what vs1 left free
	r.refused(125, "no space left on device", "run", "-d", "--name", "vs2", "--", "sleep", "1000")
	r.checkEmpty()
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
}

// fillDisk fills the disk on which path is with that file, but for so many kilobytes.
func fillDisk(t *testing.T, path string, kilobytes int) {
	t.Helper()
	_ = os.Remove(path) // there may be none
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &st); err != nil {
		t.Fatal(err)
	}
	n := max(0, int64(st.Bavail)*st.Bsize-int64(kilobytes)<<10)
	if err := os.WriteFile(path, make([]byte, n), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNoInodes runs with a runtime directory on a disk with few inodes left, one more
// each time until it is enough: each file of the start is once the one that fails.
func TestNoInodes(t *testing.T) {
	t.Parallel()
	if !private(t) {
		return
	}
	disk := publicDir(t)
	for inodes := 2; ; inodes++ {
		if err := unix.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("mode=755,nr_inodes=%d", inodes)); err != nil {
			t.Fatal(err)
		}
		r := newRuntime(t)
		r.env = append(r.env, "PTSNS_RUNTIME_DIR="+filepath.Join(disk, "r"))
		out := r.run("run", "--", "true")
		left, _ := filepath.Glob(filepath.Join(disk, "r", "[^.]*")) // the pattern is good
		if len(left) > 0 {
			t.Errorf("with %d inodes: left %q", inodes, left)
		}
		if err := unix.Unmount(disk, 0); err != nil {
			t.Fatalf("with %d inodes: unmount: %v", inodes, err)
		}
		if out.code == 0 {
			return
		}
		if out.code != 125 || !strings.Contains(out.stderr, "no space left on device") || inodes > 20 {
			t.Fatalf("with %d inodes: %+v", inodes, out)
		}
	}
}

// TestReadOnlyDisk runs where no runtime directory can be made.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	if !private(t) {
		return
	}
	r, disk := newRuntime(t), publicDir(t)
	mount(t, "tmpfs", disk, "tmpfs", unix.MS_RDONLY, "mode=755")
	r.env = append(r.env, "PTSNS_RUNTIME_DIR="+filepath.Join(disk, "r"))
	r.refused(125, "read-only file system", "run", "--", "true")
	r.refused(125, "read-only file system", "ls")
}

//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A server that is killed leaves mounts that answer with an error, and that the next
// command takes away; programs on its terminals are not held up.
func TestMountServerKilled(t *testing.T) {
	t.Parallel()
	if need(t, "fuse", "bash"); !private(t) {
		return
	}
	for _, command := range [][]string{{"ls"}, {"mount"}, {"mount", "lxcpts", "again"}, {"run", "--", "true"}} {
		r := newRuntime(t)
		one := r.mountDir("--generation", "multiple", "-o", "ptmxmode=666")
		two := r.mountDir("--generation", "multiple", "-o", "ptmxmode=666")
		other := r.mountDir("-o", "ptmxmode=666")
		ptm, tty := openVirtual(t, one)
		at := r.mountedAt(one)
		server, name := at.server, at.name
		reading := make(chan error, 1)
		go func() { // ends with the read
			_, err := tty.Read(make([]byte, 10))
			reading <- err
		}()
		kill(t, server, unix.SIGKILL)
		awaitExit(t, server)
		if err := <-reading; err == nil {
			t.Error("a read of a dead terminal succeeds")
		}
		if _, err := os.ReadDir(one); err == nil {
			t.Error("a dead mount can be listed")
		}
		if _, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); err != unix.ENOTCONN && err != unix.ECONNABORTED {
			t.Errorf("an ioctl on a dead terminal: %v", err)
		}
		_ = ptm.Close()
		_ = tty.Close()

		want := fmt.Sprintf("ptsns: cleaned up after namespace %q, whose server (pid %d) died\n", name, server) +
			fmt.Sprintf("ptsns: cleaned up after system %q, whose server (pid %d) died\n", "multiple", server)
		if command[0] == "mount" && len(command) == 3 {
			command[2] = publicDir(t)
		}
		if out := r.run(command...); out.code != 0 || out.stderr != want {
			t.Errorf("%q: %+v, want the line %q", command, out, want)
		}
		for dir, alive := range map[string]bool{one: false, two: false, other: true} {
			if isMounted(t, dir) != alive {
				t.Errorf("after %q %s is mounted: %v, want %v", command, dir, !alive, alive)
			}
		}
		if command[0] == "mount" && len(command) == 3 {
			unmount(t, command[2])
		}
		r.mountAt(one, "--generation", "multiple")
		unmount(t, one)
		unmount(t, other)
		r.awaitSystems()
	}
}

// A server takes signals from a keyboard for others'. SIGTERM ends it, and what it served is
// cleaned as if it had died.
func TestMountServerTerminated(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r := newRuntime(t)
	dir := r.mountDir()
	server := r.server(dir)
	for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT} { // meant for others
		kill(t, server, sig)
	}
	if got := r.server(dir); got != server {
		t.Errorf("the server is now %d, was %d", got, server)
	}
	kill(t, server, unix.SIGTERM)
	awaitExit(t, server)
	if _, err := os.ReadDir(dir); err == nil {
		t.Error("a dead mount can be listed")
	}
	if out := r.run("ls"); out.code != 0 || !strings.Contains(out.stderr, "cleaned up after system \"always\"") || !strings.Contains(out.stderr, "ended while something was mounted") {
		t.Errorf("ls: %+v", out)
	}
	if isMounted(t, dir) {
		t.Error("the dead mount is still there")
	}
	r.awaitSystems()
}

// TestMountClientKilled kills clients at moments spread over a mount. Whatever is then
// mounted is served, and whatever is not leaves nothing.
func TestMountClientKilled(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r, dir := newRuntime(t), publicDir(t)
	began := time.Now()
	r.must("mount", "lxcpts", dir)
	took := time.Since(began)
	unmount(t, dir)
	const moments = 40
	mounted := 0
	for i := range moments {
		client := r.command("mount", "-o", "ptmxmode=666", "lxcpts", dir)
		if err := client.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(took * time.Duration(i) / moments) // the fault's, and no wait for anything
		_ = client.Process.Kill()
		_ = client.Wait() // it may have been killed, or not
		if isMounted(t, dir) {
			mounted++
			ptm, tty := openVirtual(t, dir)
			_ = ptm.Close()
			_ = tty.Close()
			r.must("mount", "-o", "remount,mode=640", "lxcpts", dir)
			unmount(t, dir)
		}
		if i%4 == 3 {
			r.run("ls") // cleans what died before it was a server
			r.awaitSystems()
		}
	}
	t.Logf("%d of %d clients had mounted", mounted, moments)
	r.run("ls")
}

// TestMountServerKilledMidway kills servers at moments spread over their clients' work.
// Clients say so, and the next command cleans.
func TestMountServerKilledMidway(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r, keep := newRuntime(t), publicDir(t)
	dirs := []string{publicDir(t), publicDir(t), publicDir(t)}
	for i := range 20 {
		r.must("mount", "lxcpts", keep)
		server := r.server(keep)
		var clients []*exec.Cmd
		for _, dir := range dirs {
			c := r.command("mount", "lxcpts", dir)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			clients = append(clients, c)
		}
		<-time.After(time.Duration(i) * time.Millisecond) // the fault's
		kill(t, server, unix.SIGKILL)
		for _, c := range clients {
			_ = c.Wait() // mounted before, told of the death, or mounted by the next server
		}
		awaitExit(t, server)
		r.run("ls") // cleans
		for _, dir := range append(dirs, keep) {
			if isMounted(t, dir) {
				if _, err := os.ReadDir(dir); err != nil {
					t.Errorf("round %d: %s is a dead mount: %v", i, dir, err)
				}
				unmount(t, dir)
			}
		}
		r.awaitSystems()
	}
}

// unmountWhenIdle unmounts dir once the client that mounted it, which may still run, has
// closed the mount.
func unmountWhenIdle(t *testing.T, dir string) {
	t.Helper()
	until := time.Now().Add(deadline)
	for {
		err := unix.Unmount(dir, unix.UMOUNT_NOFOLLOW)
		if err == nil {
			return
		}
		if err != unix.EBUSY || time.Now().After(until) {
			t.Fatalf("umount %s: %v", dir, err)
		}
		if _, err := os.ReadDir(dir); err != nil { // a turn of the server's
			t.Fatal(err)
		}
	}
}

// With a full disk below the runtime directory a mount is refused and leaves nothing, and
// mounts that are there go on.
func TestMountDiskFull(t *testing.T) {
	t.Parallel()
	if need(t, "fuse"); !private(t) {
		return
	}
	r, disk, dir, second := newRuntime(t), publicDir(t), publicDir(t), publicDir(t)
	mount(t, "tmpfs", disk, "tmpfs", 0, "mode=755,size=64k")
	r.path = filepath.Join(disk, "r")
	r.env = append(r.env, "PTSNS_RUNTIME_DIR="+r.path)
	if err := os.Mkdir(r.path, 0o700); err != nil {
		t.Fatal(err)
	}
	r.run("mount") // makes .systems
	fill := filepath.Join(disk, "fill")
	for kilobytes := 0; ; kilobytes += 4 {
		fillDisk(t, fill, kilobytes)
		out := r.run("mount", "-o", "ptmxmode=666", "lxcpts", dir)
		if out.code == 0 {
			break
		}
		if out.code != 125 || !strings.Contains(out.stderr, "no space left on device") || kilobytes > 32 || isMounted(t, dir) {
			t.Fatalf("with %d kB: %+v", kilobytes, out)
		}
		r.awaitSystems()
	}
	fillDisk(t, fill, 0)
	ptm, tty := openVirtual(t, dir)
	_ = ptm.Close()
	_ = tty.Close()
	r.refused(125, "no space left on device", "mount", "lxcpts", second)
	r.must("mount", "-o", "remount,mode=640", "lxcpts", dir)
	unmount(t, dir)
	r.awaitSystems()
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
}

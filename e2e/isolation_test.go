//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Two namespaces both have a /dev/pts/0; the parent writes to one of them.
func TestParentWrites(t *testing.T) {
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		var consoles []*console
		for _, name := range []string{"vs1", "vs2"} {
			c := r.console("run", "--name", name, "--ptmx", kind, "--", "sh", "-c", "tty; stty -echo; exec cat")
			c.expect(`^/dev/pts/0\r\n`)
			consoles = append(consoles, c)
		}
		write := r.command()
		write.Path, write.Args = "/bin/sh", []string{"sh", "-c", `echo foo > "$(ptsns path vs1/0)"`}
		if out := r.runCommand(write); out.code != 0 || out.stdout+out.stderr != "" {
			t.Fatalf("echo foo > $(ptsns path vs1/0): %+v", out)
		}
		consoles[0].expect(`^foo\r\n`)
		consoles[1].enter("end\n")
		consoles[1].expect(`^end\r\n`) // and nothing before it

		if got, want := r.must("path", "vs1/0"), filepath.Join(r.must("path", "vs1"), "0"); got != want {
			t.Errorf("path vs1/0 is %q, want %q", got, want)
		}
		var one, two unix.Stat_t
		if err := unix.Stat(r.must("path", "vs1/0"), &one); err != nil {
			t.Error(err)
		}
		if err := unix.Stat(r.must("path", "vs2/0"), &two); err != nil {
			t.Error(err)
		}
		if one.Rdev != two.Rdev || one.Dev == two.Dev {
			t.Errorf("the two terminals: rdev %x and %x, dev %x and %x", one.Rdev, two.Rdev, one.Dev, two.Dev)
		}
	})
}

// terminalsInSight finds every terminal and every ptmx that can be reached by name, and
// prints its path with the file system's device.
const terminalsInSight = `#!/usr/bin/python3
import os, stat, sys
for top in sys.argv[1:]:
    for where, dirs, files in os.walk(top, followlinks=False):
        for name in files:
            path = os.path.join(where, name)
            st = os.lstat(path)
            if stat.S_ISCHR(st.st_mode) and os.major(st.st_rdev) in (136, 5) and name not in ("tty", "console"):
                print("sees", path, st.st_dev)
with open("/proc/self/mountinfo") as f:
    for line in f:
        if " - devpts " in line:
            major, minor = line.split()[2].split(":")
            print("mounted", line.split()[4], os.makedev(int(major), int(minor)))
print("own", os.stat("/dev/pts").st_dev)
`

// Inside a namespace nobody finds another's terminals, or the parent's.
func TestInsideSeesOnlyItsOwn(t *testing.T) {
	need(t, "root", "python3")
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		look := writeScript(t, terminalsInSight)
		other := r.console("run", "--name", "other", "--ptmx", kind, "--", "cat")
		other.awaitRaw()
		ptm, tty := openTerminal(t)
		defer ptm.Close()
		defer tty.Close()

		out := r.must("run", "--name", "vs1", "--ptmx", kind, "--", look, "/dev", r.path, "/run", "/tmp", "/var/run/")
		own, terminals := "", 0
		lines := strings.Split(strings.ReplaceAll(out, "\r", ""), "\n")
		for _, line := range lines {
			if dev, ok := strings.CutPrefix(line, "own "); ok {
				own = dev
			}
		}
		for _, line := range lines {
			f := strings.Fields(line)
			switch {
			case len(f) != 3:
			case f[2] == own:
				terminals++
			case f[0] == "sees" && filepath.Base(f[1]) == "ptmx" && kind == "tap":
				t.Errorf("a ptmx that is not tapped: %s", line)
			default:
				t.Errorf("what is not its own: %s", line)
			}
		}
		if own == "" || terminals < 2 {
			t.Errorf("output %q", out)
		}

		inside := r.must("exec", "other", "--", "sh", "-c", fmt.Sprintf(`ls -A %[1]s; test -e %[1]s/vs1 || echo nothing`, r.path))
		if strings.ReplaceAll(inside, "\r", "") != "nothing" {
			t.Errorf("inside, the runtime directory has %q", inside)
		}
		ls := r.must("exec", "other", "--", ptsnsPath, "ls", "--json")
		if strings.TrimSpace(ls) != "[]" {
			t.Errorf("ls inside: %q", ls)
		}
	})
}

// What a root inside unmounts does not bring the parent's terminals to light.
func TestUnmountInside(t *testing.T) {
	need(t, "root", "python3")
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		look := writeScript(t, terminalsInSight)
		other := r.console("run", "--name", "other", "--ptmx", kind, "--", "cat")
		other.awaitRaw()
		ptm, tty := openTerminal(t)
		defer ptm.Close()
		defer tty.Close()
		var parents unix.Stat_t
		if err := unix.Fstat(int(tty.Fd()), &parents); err != nil {
			t.Fatal(err)
		}
		var others unix.Stat_t
		err := unix.Stat(r.must("path", "other"), &others)
		if err != nil {
			t.Fatal(err)
		}
		script := `
			for dir in /dev/ptmx /dev/pts/ptmx /dev/pts /dev "$0"; do
				n=0
				while [ $n -lt 20 ] && umount -l "$dir" 2>/dev/null; do n=$((n+1)); done
			done
			"$1" /dev "$0"`
		out := r.must("run", "--name", "vs1", "--ptmx", kind, "--", "sh", "-c", script, r.path, look)
		if !strings.Contains(out, "own ") {
			t.Errorf("output %q", out)
		}
		for _, dev := range []uint64{parents.Dev, others.Dev} {
			if strings.Contains(out, fmt.Sprintf(" %d\r", dev)) {
				t.Errorf("after umount, with device %d as not its own:\n%s", dev, out)
			}
		}
	})
}

// Namespaces start while others end: what one finds of another's mounts may be gone
// when it comes to hide them.
func TestStartsWhileOthersEnd(t *testing.T) {
	t.Parallel()
	var workers sync.WaitGroup
	for range 24 {
		r := newRuntime(t)
		workers.Go(func() {
			for range 5 {
				cmd := r.command("run", "--ptmx", "bind", "--", "ls", "/dev/pts")
				if out, err := cmd.CombinedOutput(); err != nil || string(out) != "0  ptmx\r\n" {
					t.Errorf("%v: %q", err, out)
				}
			}
		})
	}
	workers.Wait()
}

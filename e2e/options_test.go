//go:build linux

package e2e

import (
	"strings"
	"testing"
)

// showOptions prints the options of the /dev/pts inside as the kernel shows them; of
// several, the last one lies on top.
var showOptions = []string{"--", "awk", `$2 == "/dev/pts" && $3 == "devpts" { o = $4 } END { print o }`, "/proc/mounts"}

func TestOptions(t *testing.T) {
	need(t, "root", "awk")
	for _, test := range []struct {
		name    string
		options []string // each a -o
		want    string
	}{
		{"defaults", nil, "rw,relatime,gid=5,mode=620,ptmxmode=666,max=1024"},
		{"mode", []string{"mode=600"}, "rw,relatime,gid=5,mode=600,ptmxmode=666,max=1024"},
		{"mode is octal and masked", []string{"mode=17777"}, "rw,relatime,gid=5,mode=7777,ptmxmode=666,max=1024"},
		{"mode 0", []string{"mode=0"}, "rw,relatime,gid=5,mode=000,ptmxmode=666,max=1024"},
		{"ptmxmode", []string{"ptmxmode=0644"}, "rw,relatime,gid=5,mode=620,ptmxmode=644,max=1024"},
		{"uid and gid", []string{"uid=1000,gid=100"}, "rw,relatime,uid=1000,gid=100,mode=620,ptmxmode=666,max=1024"},
		{"uid 0 is shown", []string{"uid=0"}, "rw,relatime,uid=0,gid=5,mode=620,ptmxmode=666,max=1024"},
		{"max", []string{"max=4"}, "rw,relatime,gid=5,mode=620,ptmxmode=666,max=4"},
		{"max is C's", []string{"max=0x10"}, "rw,relatime,gid=5,mode=620,ptmxmode=666,max=16"},
		{"the kernel's own max is not shown", []string{"max=1048576"}, "rw,relatime,gid=5,mode=620,ptmxmode=666"},
		{"newinstance is not shown", []string{"newinstance"}, "rw,relatime,gid=5,mode=620,ptmxmode=666,max=1024"},
		{"the last one counts", []string{"mode=600,mode=640"}, "rw,relatime,gid=5,mode=640,ptmxmode=666,max=1024"},
		{"several -o", []string{"mode=600", "mode=640", "max=8"}, "rw,relatime,gid=5,mode=640,ptmxmode=666,max=8"},
		{"empty items", []string{",,mode=600,,", ""}, "rw,relatime,gid=5,mode=600,ptmxmode=666,max=1024"},
		{"mount flags", []string{"ro,nosuid,noexec,noatime"}, "ro,nosuid,noexec,noatime,gid=5,mode=620,ptmxmode=666,max=1024"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRuntime(t)
			args := []string{"run"}
			for _, o := range test.options {
				args = append(args, "-o", o)
			}
			if got := strings.TrimSpace(r.must(append(args, showOptions...)...)); got != test.want {
				t.Errorf("with -o %q /proc/mounts shows %q, want %q", test.options, got, test.want)
			}
		})
	}
}

// The options that ls shows are the kernel's own, and hold.
func TestOptionsAreListed(t *testing.T) {
	need(t, "root")
	r := newRuntime(t)
	name := r.must("run", "-d", "-o", "mode=600,max=2", "--", "cat")
	if got, want := r.state(name).Options, "rw,relatime,gid=5,mode=600,ptmxmode=666,max=2"; got != want {
		t.Errorf("ls --json shows options %q, want %q", got, want)
	}
	if term, _ := r.terminal(name, 0); term.Mode != "0600" {
		t.Errorf("the terminal has mode %q, want that of the instance, 0600", term.Mode)
	}
	r.must("exec", name, "--", "true") // the second of two
}

func TestOptionsRefused(t *testing.T) {
	need(t, "root")
	for _, test := range []struct{ options, named string }{
		{"bogus", `"bogus"`},
		{"mode=620,bogus", `"bogus"`},
		{"mode=8", `"mode=8"`},
		{"mode=0x1", `"mode=0x1"`},
		{"mode=-1", `"mode=-1"`},
		{"mode=", `"mode="`},
		{"mode", `"mode"`},
		{"MODE=620", `"MODE=620"`},
		{"mode=620 ", `"mode=620 "`},
		{"uid=-1", `"uid=-1"`},
		{"uid=4294967295", `"uid=4294967295"`},
		{"gid=", `"gid="`},
		{"gid=tty", `"gid=tty"`},
		{"newinstance=1", `"newinstance=1"`},
		{"max=-1", `"max=-1"`},
		{"max=1048577", `"max=1048577"`},
		{"ptmxmode=rw", `"ptmxmode=rw"`},
		{"max=4,mode=9,bogus", `"mode=9"`}, // the first one
	} {
		t.Run(test.options, func(t *testing.T) {
			t.Parallel()
			r := newRuntime(t)
			r.refused(125, "ptsns: run: devpts option "+test.named, "run", "-o", test.options, "--", "echo", "it ran")
			r.checkEmpty()
		})
	}
}

func TestOptionsAreNotForSharedPts(t *testing.T) {
	r := newRuntime(t)
	r.refused(2, "-o has no meaning with --share-pts", "run", "--share-pts", "-o", "mode=600", "--", "echo", "it ran")
	r.checkEmpty()
}

// Without root there is no group tty to give terminals to, and ids that are not the
// user's are refused by the kernel.
func TestOptionsRootless(t *testing.T) {
	t.Parallel()
	need(t, "awk")
	r := newUserRuntime(t)
	args := append([]string{"run", "--ptmx=bind"}, showOptions...)
	if got, want := strings.TrimSpace(r.must(args...)), "rw,relatime,mode=620,ptmxmode=666,max=1024"; got != want {
		t.Errorf("/proc/mounts shows %q, want %q", got, want)
	}
	r.refused(125, `devpts option "gid=5"`, "run", "--ptmx=bind", "-o", "gid=5", "--", "echo", "it ran")
	r.checkEmpty()
}

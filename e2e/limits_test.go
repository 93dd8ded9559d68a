//go:build linux

package e2e

import (
	"os"
	"strings"
	"testing"
)

// openAll opens terminals until it cannot, lets one go, and opens it again.
const openAll = `
import errno, fcntl, os, resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
def open(): return os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
def fill():
    try:
        while True: held.append(open())
    except OSError as e: return errno.errorcode[e.errno]
print(fill(), len(held), len(os.listdir("/dev/pts")))
fcntl.ioctl(held[500], 0x40045431, bytes(4)) # TIOCSPTLCK, which unlocks
pts = os.open("/dev/pts/501", os.O_RDWR | os.O_NOCTTY)
os.close(held.pop(500))
try: os.read(pts, 1) # returns with the hangup
except OSError: pass # EIO when it was waiting already
os.close(pts) # or the index stays taken
print(os.path.exists("/dev/pts/501"))
held.append(open())
print(os.path.exists("/dev/pts/501"), fill(), len(held))
`

// TestLimit opens as many terminals as a namespace may have, and one more. It is not
// parallel: a host has 3072 terminals for all its namespaces.
func TestLimit(t *testing.T) {
	need(t, "root", "python3")
	for _, c := range []struct {
		name, options string
		held          string
	}{
		// The program's own terminal is one of those that there are.
		{"tap", "", "ENOSPC 1023 1025\r\nFalse\r\nTrue ENOSPC 1023\r\n"},
		{"bind", "", "ENOSPC 1023 1025\r\nFalse\r\nTrue ENOSPC 1023\r\n"},
		{"tap", "max=600", "ENOSPC 599 601\r\nFalse\r\nTrue ENOSPC 599\r\n"},
	} {
		t.Run(c.name+c.options, func(t *testing.T) {
			r := newRuntime(t)
			before := sysctl(t, "kernel/pty/max")
			args := []string{"run", "--name", "vs1", "--ptmx=" + c.name}
			if c.options != "" {
				args = append(args, "-o", c.options)
			}
			script := strings.ReplaceAll(openAll, `"`, `\"`)
			out := r.run(append(args, "--", "bash", "-c", `python3 -c "`+script+`"`)...)
			if want := (result{stdout: c.held}); out != want {
				t.Errorf("got %+v, want %+v", out, want)
			}
			r.awaitEnd("vs1")
			if after := sysctl(t, "kernel/pty/max"); after != before {
				t.Errorf("kernel.pty.max was %s and is %s", before, after)
			}
		})
	}
}

// TestLimitOutside meets the limit from outside: exec says so, and what runs goes on.
func TestLimitOutside(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	r.must("run", "-d", "--name", "vs1", "-o", "max=2", "--", "cat")
	second := r.follow("exec", "vs1", "--", "sh", "-c", "echo second; exec cat")
	second.expect("second\r\n")
	r.refused(125, "no space left on device", "exec", "vs1", "--", "tty")
	if err := second.in.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := second.wait(), (result{}); got != want {
		t.Errorf("the one that ran: got %+v, want %+v", got, want)
	}
	if got := r.must("exec", "vs1", "--", "tty"); got != "/dev/pts/1\r" {
		t.Errorf("then: %q", got)
	}
}

func sysctl(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

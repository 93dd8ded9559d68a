package conform

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/internal/oracle"
)

// TestProcesses holds the conversations in which other processes take part with real
// ones, to whom a mounted instance is /dev/pts, /dev/ptmx and /dev/tty.
func TestProcesses(t *testing.T) {
	k := mounted(t)
	m, err := k.Mount("newinstance,ptmxmode=666,mode=600")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	dir := m.(*fuseMount).dir
	for from, to := range map[string]string{"": "/dev/pts", "/ptmx": "/dev/ptmx", "/tty": "/dev/tty"} {
		if err := unix.Mount(dir+from, to, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := unix.Unmount(to, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}()
	}
	d, err := oracle.NewKernel()
	if err != nil {
		t.Fatal(err)
	}
	d.Busy = askDoor
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	known := newDiffering("processes")
	steps := runAll(t, oracleData, "oracle/", talks{d}, known, false, involved)
	t.Logf("processes: %d steps", steps)
	known.check(t)
}

// involved are the conversations of processes, but for that whose subject is time.
func involved(c *oracle.Conversation) bool {
	return !Fits(c) && !slices.ContainsFunc(c.Lines, func(l oracle.Line) bool { return l.Verb == "sleep" })
}

// talks runs conversations with real processes.
type talks struct{ *oracle.Kernel }

func (r talks) Run(c *oracle.Conversation, record bool, known func(Mismatch) bool) ([]Mismatch, error) {
	defer r.Reset()
	talk := oracle.NewRunner(r.Kernel)
	return Walk(c, record, known, func(s oracle.Step) (string, error) {
		got, err := talk.Step(s)
		if s.Verb == "exit" || s.Verb == "close" {
			askDoor() // which hears of both after they have returned
		}
		return got, err
	})
}

// askDoor returns when the door has heard of what was before: requests are read in order, and
// who asks makes it look who has exited.
func askDoor() {
	if fd, err := unix.Open("/dev/tty", unix.O_RDWR, 0); err == nil {
		_ = unix.Close(fd) // nobody has one here
	}
}

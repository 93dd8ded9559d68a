//go:build linux

package fusefs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/kpts"
	"github.com/ptsns/ptsns/pts"
)

// The tests run each scenario in a child process, in a mount namespace of its own with
// a fresh devpts on /dev/pts: once with the kernel's own ptmx, once with ours over it.
// Both must print the same, except for what is listed in differences. This process
// serves the file, so it must not be the one that opens it.

const (
	roleVar = "PTSNS_TEST_SCENARIO"
	tapVar  = "PTSNS_TEST_TAP"
	partVar = "PTSNS_TEST_PART"
)

// deadline is when a scenario that hangs is killed; what it printed until then is shown.
const deadline = 20 * time.Second

// inside makes the child's mounts from the descriptors it was given, and runs the
// scenario. Descriptor 3 is the instance's mount; for the tap, 4 is
// /dev/fuse, and closing 5 tells that it is mounted.
func inside(name string) int {
	die := func(what string, err error) int {
		fmt.Fprintln(os.Stderr, what+":", err)
		return 1
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return die("making mounts private", err)
	}
	if err := unix.MoveMount(3, "", unix.AT_FDCWD, "/dev/pts", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return die("attaching the instance", err)
	}
	_ = unix.Close(3)
	if os.Getenv(tapVar) != "" {
		opts := "fd=4,rootmode=100666,user_id=0,group_id=0,allow_other"
		if err := unix.Mount("ptsns", "/dev/pts/ptmx", "fuse", unix.MS_NOSUID|unix.MS_NODEV, opts); err != nil {
			return die("mounting the file", err)
		}
		_ = unix.Close(4)
		_ = unix.Close(5) // tells the parent that it can serve
	}
	if err := unix.Mount("/dev/pts/ptmx", "/dev/ptmx", "", unix.MS_BIND, ""); err != nil {
		return die("redirecting /dev/ptmx", err)
	}
	if _, err := os.Stat("/dev/ptmx"); err != nil {
		return die("first stat", err)
	}
	return play(scenarios[name].run, name)
}

// play runs f on a stage of its own.
func play(f func(*stage), name string) (code int) {
	if f == nil {
		fmt.Fprintf(os.Stderr, "scenario %q is unknown\n", name)
		return 1
	}
	s := &stage{w: os.Stdout}
	defer func() {
		if r := recover(); r != nil {
			fmt.Printf("%v\n", r)
			code = 1
			if _, ours := r.(stageError); !ours {
				panic(r)
			}
		}
	}()
	f(s)
	return 0
}

// plainPtmx is what the door stands for in these tests: the kernel's, untouched.
type plainPtmx struct{ *kpts.Instance }

func (p plainPtmx) OpenPtmx(c pts.Caller, flags int) (pts.End, error) {
	m, _, err := p.Instance.OpenPtmx(c, flags)
	return m, err
}

func needFuse(tb testing.TB) {
	tb.Helper()
	skip := tb.Skipf
	if os.Getenv("PTSNS_REQUIRE") == "1" {
		skip = tb.Fatalf
	}
	if os.Geteuid() != 0 {
		skip("needs root to mount devpts and FUSE")
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		skip("needs a usable /dev/fuse (Linux 2.6.14): %v", err)
		return
	}
	f.Close()
}

// run is one scenario at work on one kind of ptmx.
type run struct {
	tb    testing.TB
	name  string
	cmd   *exec.Cmd
	out   bytes.Buffer
	mount *os.File
	door  *Door // nil on the kernel's
	loop  *epoll.Loop
	inst  *kpts.Instance
	once  sync.Once // closes the three
}

// runScenario returns what the scenario printed, and the door it went through as it was
// left, closed, with the number of files that were open at the scenario's end.
func runScenario(tb testing.TB, name string, tap bool) (transcript string, left int) {
	tb.Helper()
	needFuse(tb)
	sc, ok := scenarios[name]
	if !ok {
		tb.Fatalf("scenario %q is unknown", name)
	}
	options := sc.options
	if options == "" {
		options = "newinstance,mode=620,ptmxmode=666,max=64"
	}
	mount, err := kpts.Mount("test", options)
	if err != nil {
		tb.Fatal(err)
	}
	defer mount.Close()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	r := &run{tb: tb, name: name, mount: mount}
	r.cmd = exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^$")
	r.cmd.Env = append(os.Environ(), roleVar+"="+name, "GORACE=atexit_sleep_ms=0")
	r.cmd.ExtraFiles = []*os.File{mount}
	r.cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Setsid: true}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	// A process that waits for an answer of the door ends only once the door is closed.
	r.cmd.Cancel = func() error { return errors.Join(r.cmd.Process.Kill(), r.close()) }
	r.cmd.WaitDelay = deadline / 4
	if tap {
		r.startTapped()
		defer func() {
			if err := r.close(); err != nil {
				tb.Error(err)
			}
		}()
	} else if err := r.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		tb.Errorf("%s (tap %v): %v (%v)\n%s", name, tap, err, ctx.Err(), r.out.String())
	}
	if tap {
		r.door.mu.Lock()
		left = len(r.door.handles)
		r.door.mu.Unlock()
	}
	return r.out.String(), left
}

func (r *run) startTapped() {
	tb := r.tb
	tb.Helper()
	var err error
	check := func() {
		if err != nil {
			tb.Fatal(err)
		}
	}
	r.loop, err = epoll.NewLoop()
	check()
	r.inst, err = kpts.NewInstance(r.mount, "ptmx", r.loop)
	check()
	// Not os.OpenFile: once the descriptor is in Go's poller it cannot be mounted.
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	check()
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	check()
	fuse, shared := os.NewFile(uintptr(fd), "/dev/fuse"), os.NewFile(uintptr(dup), "/dev/fuse")
	mounted, mounting, err := os.Pipe()
	check()
	r.cmd.ExtraFiles = append(r.cmd.ExtraFiles, shared, mounting)
	r.cmd.Env = append(r.cmd.Env, tapVar+"=1")
	err = r.cmd.Start()
	check()
	shared.Close()
	mounting.Close()
	_, _ = io.ReadAll(mounted) // until the child has mounted the file, or died
	mounted.Close()
	r.door, err = Serve(fuse, plainPtmx{r.inst}, false, r.loop)
	check()
}

// close ends the door, if there is one. It may be called again.
func (r *run) close() (err error) {
	r.once.Do(func() {
		if r.door == nil {
			return
		}
		err = r.loop.Close()
		r.door.Close()
		r.door.turns.wait()
		err = errors.Join(err, r.inst.Close())
	})
	return err
}

// wait returns when every call that is in has ended. No call may be added meanwhile.
func (t *turns) wait() {
	t.mu.Lock()
	users := slices.Collect(maps.Keys(t.users))
	t.mu.Unlock()
	for _, uid := range users {
		for range maxTurns {
			t.take(uid)
		}
		for range maxTurns {
			t.give(uid)
		}
	}
}

// scenario is what a child does; it prints what it saw.
type scenario struct {
	options   string // of the instance; "" is room for 64 terminals that everybody may open
	run       func(*stage)
	closesAll bool // nothing must be open at its end
	tapOnly   bool // not for comparison
}

var scenarios = map[string]scenario{}

// parts are what processes of a scenario do.
var parts = map[string]func(*stage){}

// difference is a line that the tap prints instead of the kernel's, for a reason.
type difference struct {
	scenario    string
	kernel, tap string
	why         string
}

// TestConformance compares every scenario on the kernel's ptmx with the same on ours.
func TestConformance(t *testing.T) {
	needFuse(t)
	for _, d := range differences {
		if _, ok := scenarios[d.scenario]; !ok {
			t.Errorf("the list of differences names the scenario %q, which is not there", d.scenario)
		}
	}
	for name, sc := range scenarios {
		if sc.tapOnly {
			continue
		}
		t.Run(name, func(t *testing.T) {
			kernel, _ := runScenario(t, name, false)
			tap, left := runScenario(t, name, true)
			if t.Failed() {
				return
			}
			want := expected(t, name, kernel)
			if d := cmp.Diff(want, strings.Split(tap, "\n")); d != "" {
				t.Errorf("(-kernel +tap):\n%s", d)
			}
			if left != 0 && sc.closesAll {
				t.Errorf("%d terminals are open after the scenario's processes have ended", left)
			}
			if testing.Verbose() {
				t.Log("transcript:\n" + kernel)
			}
		})
	}
}

// expected is the kernel's transcript with the known differences of the scenario put
// in. One that the kernel does not print any more is an error, as is one that is none.
func expected(t *testing.T, name, kernel string) []string {
	lines := strings.Split(kernel, "\n")
	for _, d := range differences {
		if d.scenario != name {
			continue
		}
		if d.kernel == d.tap || d.why == "" {
			t.Errorf("the difference %q -> %q says nothing", d.kernel, d.tap)
		}
		found := false
		for i, line := range lines {
			if line == d.kernel {
				lines[i], found = d.tap, true
			}
		}
		if !found {
			t.Errorf("the kernel no longer prints %q, which the list of differences has", d.kernel)
		}
	}
	return lines
}

func quote(b []byte) string {
	if len(b) > 60 {
		return strconv.Quote(string(b[:60])) + "..."
	}
	return strconv.Quote(string(b))
}

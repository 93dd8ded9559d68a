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

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/kpts"
	"github.com/ptsns/ptsns/pts"
)

// The tests run each scenario in a child process, in a mount namespace of its own with
// a fresh devpts on /dev/pts: once with the kernel's own ptmx, once with ours over it, and
// once with virtual terminals in place of the whole. All must print the same, except for what is
// listed in differences. This process serves the files, so it must not be the one that
// opens them.

const (
	roleVar = "PTSNS_TEST_SCENARIO"
	kindVar = "PTSNS_TEST_KIND"
	partVar = "PTSNS_TEST_PART"
)

// kind is what a scenario plays on.
type kind string

const (
	onKernel  kind = "kernel"
	onTap     kind = "tap"
	onVirtual kind = "virtual"
	onEmpty   kind = "empty" // virtual, with nothing bound elsewhere
)

// deadline is when a scenario that hangs is killed; what it printed until then is shown.
const deadline = 20 * time.Second

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

// run is one scenario at work on one kind of terminals.
type run struct {
	tb      testing.TB
	cmd     *exec.Cmd
	out     bytes.Buffer
	door    *Door // nil on the kernel's
	loop    *epoll.Loop
	first   func() error   // before the loop; nil: nothing
	cleanup []func() error // after the door and the loop
	once    sync.Once      // closes them all
}

// runScenario returns what the scenario printed, and the door it went through as it was
// left, closed, with the number of files that were open at the scenario's end.
func runScenario(tb testing.TB, name string, on kind) (transcript string, left int) {
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
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	r := &run{tb: tb}
	r.cmd = exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^$")
	r.cmd.Env = append(os.Environ(), roleVar+"="+name, kindVar+"="+string(on), "GORACE=atexit_sleep_ms=0")
	r.cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Setsid: true}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	// A process that waits for an answer of the door ends only once the door is closed.
	r.cmd.Cancel = func() error { return errors.Join(r.cmd.Process.Kill(), r.close()) }
	r.cmd.WaitDelay = deadline / 4
	defer func() {
		if err := r.close(); err != nil {
			tb.Error(err)
		}
	}()
	switch on {
	case onKernel:
		r.mountKernel(options)
		if err := r.cmd.Start(); err != nil {
			tb.Fatal(err)
		}
	case onTap:
		r.startTapped(r.mountKernel(options))
	case onVirtual, onEmpty:
		r.startVirtual(sc.generation, options)
	}
	if err := r.cmd.Wait(); err != nil {
		tb.Errorf("%s (%s): %v (%v)\n%s", name, on, err, ctx.Err(), r.out.String())
	}
	if r.door != nil {
		r.door.mu.Lock()
		left = len(r.door.handles)
		r.door.mu.Unlock()
	}
	return r.out.String(), left
}

// mountKernel makes an instance of the kernel's for the child.
func (r *run) mountKernel(options string) *os.File {
	mount, err := kpts.Mount("test", options)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.cleanup = append(r.cleanup, mount.Close)
	r.cmd.ExtraFiles = append(r.cmd.ExtraFiles, mount)
	return mount
}

func (r *run) startTapped(mount *os.File) {
	r.newLoop()
	inst, err := kpts.NewInstance(mount, "ptmx", r.loop)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.cleanup = append(r.cleanup, inst.Close)
	r.start(func(fuse *os.File) (*Door, error) { return Serve(fuse, plainPtmx{inst}, false, r.loop) })
}

func (r *run) newLoop() {
	loop, err := epoll.NewLoop()
	if err != nil {
		r.tb.Fatal(err)
	}
	r.loop = loop
}

// start starts the child and serves what it mounts.
func (r *run) start(serve func(*os.File) (*Door, error)) {
	tb := r.tb
	tb.Helper()
	var err error
	check := func() {
		if err != nil {
			tb.Fatal(err)
		}
	}
	// Not os.OpenFile: once the descriptor is in Go's poller it cannot be mounted.
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	check()
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	check()
	fuse, shared := os.NewFile(uintptr(fd), "/dev/fuse"), os.NewFile(uintptr(dup), "/dev/fuse")
	mounted, mounting, err := os.Pipe()
	check()
	r.cmd.ExtraFiles = append(r.cmd.ExtraFiles, shared, mounting)
	err = r.cmd.Start()
	check()
	shared.Close()
	mounting.Close()
	_, _ = io.ReadAll(mounted) // until the child has mounted it, or died
	mounted.Close()
	r.door, err = serve(fuse)
	check()
}

// close ends the door, if there is one, and what is below. It may be called again.
func (r *run) close() (err error) {
	r.once.Do(func() {
		if r.first != nil {
			err = r.first()
		}
		if r.loop != nil {
			err = errors.Join(err, r.loop.Close())
		}
		if r.door != nil {
			r.door.Close()
			r.door.turns.wait()
		}
		for _, f := range slices.Backward(r.cleanup) {
			err = errors.Join(err, f())
		}
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
	// generation of the virtual instance; notCompared: it is not for comparison
	generation  devpts.Generation
	notCompared bool
}

var scenarios = map[string]scenario{}

// parts are what processes of a scenario do.
var parts = map[string]func(*stage){}

// difference is a line that a kind of terminals prints instead of the kernel's, for a
// reason.
type difference struct {
	scenario    string
	kernel, got string
	why         string
}

// TestConformance compares every scenario on the kernel's terminals with the same on ours.
func TestConformance(t *testing.T) {
	needFuse(t)
	compared := map[kind][]difference{onTap: differences, onVirtual: virtualDifferences}
	for on, list := range compared {
		for _, d := range list {
			if _, ok := scenarios[d.scenario]; !ok {
				t.Errorf("%s: the list of differences names the scenario %q, which is not there", on, d.scenario)
			}
		}
	}
	for name, sc := range scenarios {
		if sc.notCompared {
			continue
		}
		t.Run(name, func(t *testing.T) {
			kernel, _ := runScenario(t, name, onKernel)
			if testing.Verbose() {
				t.Log("transcript:\n" + kernel)
			}
			for on, list := range compared {
				t.Run(string(on), func(t *testing.T) {
					got, left := runScenario(t, name, on)
					if t.Failed() {
						return
					}
					want := expected(t, name, kernel, list)
					if d := cmp.Diff(want, strings.Split(got, "\n")); d != "" {
						t.Errorf("(-kernel +%s):\n%s", on, d)
					}
					if left != 0 && sc.closesAll {
						t.Errorf("%d terminals are open after the scenario's processes have ended", left)
					}
				})
			}
		})
	}
}

// expected is the kernel's transcript with the known differences of the scenario put
// in. One that the kernel does not print any more is an error, as is one that is none.
func expected(t *testing.T, name, kernel string, list []difference) []string {
	lines := strings.Split(kernel, "\n")
	for _, d := range list {
		if d.scenario != name {
			continue
		}
		if d.kernel == d.got || d.why == "" {
			t.Errorf("the difference %q -> %q says nothing", d.kernel, d.got)
		}
		found := false
		for i, line := range lines {
			if line == d.kernel {
				lines[i], found = d.got, true
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

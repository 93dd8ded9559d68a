//go:build linux

package rundir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	helperEnv  = "PTSNS_TEST_HELPER" // what this binary does instead of testing
	privateEnv = "PTSNS_TEST_PRIVATE"
)

// TestMain runs the tests of root in a mount namespace of their own, and fails when
// they leave a file descriptor open.
func TestMain(m *testing.M) {
	if name := os.Getenv(helperEnv); name != "" {
		helpers[name]()
		return
	}
	if os.Geteuid() == 0 && os.Getenv(privateEnv) == "" {
		os.Exit(rerunPrivate())
	}
	before := openFiles()
	code := m.Run()
	if after := openFiles(); code == 0 && len(after) > len(before) {
		fmt.Fprintf(os.Stderr, "file descriptors left open: before %q, after %q\n", before, after)
		code = 1
	}
	os.Exit(code)
}

// rerunPrivate runs this binary once more in a new mount namespace.
func rerunPrivate() int {
	runtime.LockOSThread() // the death signal is the thread's
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), privateEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "test in a new mount namespace:", err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// openFiles tells what this process has open, but for what Go's poller keeps.
func openFiles() []string {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	var open []string
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil && to != "anon_inode:[eventpoll]" && to != "anon_inode:[eventfd]" {
			open = append(open, to)
		}
	}
	return open
}

// need skips a test that lacks something, or fails it where nothing may be skipped.
func need(t *testing.T, ok bool, what string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("PTSNS_REQUIRE") == "1" {
		t.Fatalf("needs %s", what)
	}
	t.Skipf("needs %s", what)
}

func needRoot(t *testing.T) {
	t.Helper()
	need(t, os.Getenv(privateEnv) != "", "root, for a mount namespace")
}

// openDir makes a runtime directory for one test.
func openDir(t *testing.T) *Dir {
	t.Helper()
	t.Setenv("PTSNS_RUNTIME_DIR", filepath.Join(t.TempDir(), "run"))
	d, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func reserve(t *testing.T, d *Dir, name string) *Entry {
	t.Helper()
	e, err := d.Reserve(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Release)
	return e
}

// contents are the names in the runtime directory but .lock.
func contents(t *testing.T, d *Dir) []string {
	t.Helper()
	entries, err := os.ReadDir(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != ".lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

// helper is this binary doing one of the helpers' jobs.
type helper struct {
	*exec.Cmd
	in  io.WriteCloser
	out io.Reader
}

// startHelper starts a helper. It ends when its stdin does, or at the test's end.
func startHelper(t *testing.T, job string, attr *syscall.SysProcAttr, files []*os.File, env ...string) *helper {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), helperEnv+"="+job, "GORACE=atexit_sleep_ms=0"), env...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attr
	cmd.ExtraFiles = files
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &helper{Cmd: cmd, in: in, out: out}
}

// line reads one line of the helper's output, or what there is before its end.
func (h *helper) line(t *testing.T) string {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := h.out.Read(b)
		if n == 1 && b[0] == '\n' || err == io.EOF {
			return string(line)
		}
		if err != nil {
			t.Fatal(err)
		}
		line = append(line, b[:n]...)
	}
}

// helpers are the jobs of helper processes.
var helpers = map[string]func(){
	"open":    helpOpen,
	"reserve": helpReserve,
	"adopt":   helpAdopt,
	"inside":  helpInside,
	"linger":  helpLinger,
}

func say(words ...any) { fmt.Println(words...) }

// untilStdinEnds blocks as a program does that waits for its user.
func untilStdinEnds() { _, _ = io.Copy(io.Discard, os.Stdin) }

func helpOpen() {
	d, err := Open()
	if err != nil {
		say(err)
		return
	}
	say(d.Path())
}

// helpReserve waits for a byte, reserves $NAME, tells what came of it and holds it.
func helpReserve() {
	d, err := Open()
	if err != nil {
		say(err)
		return
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	e, err := d.Reserve(os.Getenv("NAME"))
	if err != nil {
		say(err)
		return
	}
	say("got", e.Name())
	untilStdinEnds()
}

// helpAdopt is a server: it adopts $NAME with the lock on fd 3.
func helpAdopt() {
	d, err := Open()
	if err != nil {
		say(err)
		return
	}
	e, err := Adopt(d, os.Getenv("NAME"), os.NewFile(3, "lock"))
	if err == nil {
		err = e.SetServer(os.Getpid())
	}
	if err != nil {
		say(err)
		return
	}
	say("adopted")
	untilStdinEnds()
}

// helpInside is the first program of a namespace with the marker $MARKER, mounted at
// $AT: it ignores hangups and leaves orphans behind: a plain one, one in another mount
// namespace, and one that has changed its root to $ROOT, where the marker is not.
// Whoever holds fd 3 still lives.
func helpInside() {
	signal.Ignore(unix.SIGHUP, unix.SIGTERM)
	root := os.Getenv("ROOT")
	err := errors.Join(
		unix.Mount("/", root, "", unix.MS_BIND|unix.MS_REC, ""),
		unix.Mount(os.Getenv("MARKER"), os.Getenv("AT"), "tmpfs", 0, "size=4k"),
	)
	for _, attr := range []*syscall.SysProcAttr{
		{Setsid: true},
		{Setsid: true, Unshareflags: unix.CLONE_NEWNS},
		{Setsid: true, Chroot: root},
	} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), helperEnv+"=linger")
		cmd.SysProcAttr = attr
		cmd.ExtraFiles = []*os.File{os.NewFile(3, "alive")}
		err = errors.Join(err, cmd.Start())
	}
	if err != nil {
		say(err)
		return
	}
	say("ready")
	helpLinger()
}

// helpLinger ignores what asks it to end.
func helpLinger() {
	signal.Ignore(unix.SIGHUP, unix.SIGTERM)
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGUSR1)
	for range c {
	}
}

// waitGone waits until nobody holds the other end of pipe r.
func waitGone(t *testing.T, r *os.File) {
	t.Helper()
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("read = %v, want EOF", err)
	}
}

// ordinary is the uid and gid of nobody in particular.
const ordinary = 65534

// ordinaryDir is a directory of the ordinary user's, who could not reach t.TempDir.
func ordinaryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ptsns-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chown(dir, ordinary, ordinary); err != nil {
		t.Fatal(err)
	}
	return dir
}

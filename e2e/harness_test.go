//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/server"
)

// deadline turns a hang into a failure. Nothing here takes nearly as long.
const deadline = 30 * time.Second

// What TestMain makes. base is reachable by every user and holds all that tests make.
var (
	base      string
	ptsnsPath string
)

// The environment of a test process that privately started.
const (
	privateBase = "PTSNS_E2E_BASE" // the first process's base
	privateTest = "PTSNS_E2E_TEST" // the one test to run
)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if base = os.Getenv(privateBase); base != "" {
		ptsnsPath = filepath.Join(base, "bin", "ptsns")
		return m.Run(), nil // the first process checks for us
	}
	if base, err = os.MkdirTemp("", "e2e"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(base)) }()
	for _, dir := range []string{"", "bin", "home", "race"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o755); err != nil {
			return 1, err
		}
		if err := os.Chmod(filepath.Join(base, dir), 0o755); err != nil {
			return 1, err
		}
	}
	if err := os.Chmod(filepath.Join(base, "race"), 0o777|os.ModeSticky); err != nil {
		return 1, err
	}
	ptsnsPath = filepath.Join(base, "bin", "ptsns")
	args := append([]string{"build", "-o", ptsnsPath}, buildFlags...)
	build := exec.Command("go", append(args, "../cmd/ptsns")...)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 1, fmt.Errorf("build ptsns: %w", err)
	}
	code = m.Run()
	return code, errors.Join(leftBehind(base), racesSeen())
}

// racesSeen tells what the race detector found in the servers and clients.
func racesSeen() error {
	reports, err := filepath.Glob(filepath.Join(base, "race", "*"))
	for _, report := range reports {
		text, rerr := os.ReadFile(report)
		err = errors.Join(err, rerr, fmt.Errorf("data race in ptsns:\n%s", text))
	}
	return err
}

// ending is how long what was told to end may still be about it.
const ending = 10 * time.Second

// leftBehind tells of processes, mounts and namespaces that are still there under dir.
func leftBehind(dir string) error {
	var errs []error
	procs, err := filepath.Glob("/proc/[0-9]*")
	errs = append(errs, err)
	for _, proc := range procs {
		if pid, _ := strconv.Atoi(filepath.Base(proc)); pid != os.Getpid() && belongs(proc, dir) && !ends(pid, ending) {
			cmdline, _ := os.ReadFile(proc + "/cmdline") // for the message
			errs = append(errs, fmt.Errorf("process left: %d %q", pid, bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	errs = append(errs, err)
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, " "+dir+"/") {
			errs = append(errs, fmt.Errorf("mount left: %s", line))
		}
	}
	for _, pattern := range []string{"*/record.json", "*/*/record.json", "*/*/*/record.json"} {
		entries, err := filepath.Glob(filepath.Join(dir, pattern))
		errs = append(errs, err)
		for _, entry := range entries {
			errs = append(errs, fmt.Errorf("namespace left: %s", entry))
		}
	}
	return errors.Join(errs...)
}

// belongs tells whether the process of that directory under /proc was started with a
// runtime directory under dir, or is in a namespace that hides one.
func belongs(proc, dir string) bool {
	environ, _ := os.ReadFile(proc + "/environ") // an ended process has none, nor mounts
	if bytes.Contains(environ, []byte("PTSNS_RUNTIME_DIR="+dir)) {
		return true
	}
	mounts, _ := os.ReadFile(proc + "/mountinfo")
	hidden := bytes.Contains(mounts, []byte(" "+dir+" ")) || bytes.Contains(mounts, []byte(" "+dir+"/"))
	return hidden && !sameMounts(proc)
}

// ends tells whether a process, which need not be a child of ours, ends within limit.
func ends(pid int, limit time.Duration) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	return pollIn(fd, limit)
}

// sameMounts tells whether the process of that directory is in our mount namespace.
func sameMounts(proc string) bool {
	ours, err := os.Readlink("/proc/self/ns/mnt")
	theirs, err2 := os.Readlink(proc + "/ns/mnt")
	return err == nil && err2 == nil && ours == theirs
}

// need skips the test, or with PTSNS_REQUIRE=1 fails it, when one of these is missing:
// "root", "fuse" (a /dev/fuse we can open), or else the name of a program.
func need(t testing.TB, what ...string) {
	t.Helper()
	for _, w := range what {
		reason := ""
		switch w {
		case "root":
			if os.Geteuid() != 0 {
				reason = "needs root"
			}
		case "fuse":
			fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
			if err != nil {
				reason = fmt.Sprintf("needs a usable /dev/fuse: %v", err)
				break
			}
			_ = fuse.Close() // only looked at
		default:
			if !slices.ContainsFunc(strings.Split(searchPath, ":"), func(dir string) bool {
				return unix.Access(filepath.Join(dir, w), unix.X_OK) == nil
			}) {
				reason = "needs the program " + w
			}
		}
		if reason == "" {
			continue
		}
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
}

// private runs the rest of the calling test in a process with a mount namespace of its
// own, which it may do anything to. It returns true there; in the first process it
// returns false once that process has ended, and the test has nothing more to do.
func private(t *testing.T) bool {
	t.Helper()
	need(t, "root")
	if os.Getenv(privateTest) == t.Name() {
		return true
	}
	var pattern []string
	for _, name := range strings.Split(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(name)+"$")
	}
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run="+strings.Join(pattern, "/"))
	cmd.Env = append(os.Environ(), privateBase+"="+base, privateTest+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("in its own mount namespace: %v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP: "+t.Name()+" ")):
		t.Skipf("in its own mount namespace:\n%s", out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")):
		t.Errorf("in its own mount namespace it did not run:\n%s", out)
	default:
		t.Logf("%s", out)
	}
	return false
}

// publicDir makes a directory that every user can read and enter.
func publicDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(base, "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// writeScript makes a file that every user can read and execute.
func writeScript(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(publicDir(t), "script")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// runtimeDir is a private runtime directory.
type runtimeDir struct {
	t    testing.TB
	path string
	env  []string // of the commands; a test may append to it, the last of a name counts

	user *syscall.Credential // who runs the commands; nil is who runs the tests
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// newRuntime makes a runtime directory. At the test's end it ends every namespace in it
// and checks that nothing is left of them.
func newRuntime(t testing.TB) *runtimeDir {
	t.Helper()
	path, err := os.MkdirTemp(base, "r")
	if err != nil {
		t.Fatal(err)
	}
	r := &runtimeDir{t: t, path: path, env: []string{
		"PATH=" + filepath.Dir(ptsnsPath) + ":" + searchPath,
		"HOME=" + filepath.Join(base, "home"),
		"TERM=xterm", "LANG=C.UTF-8", "SHELL=/bin/bash", "PS1=prompt> ", "HISTFILE=",
		"PTSNS_RUNTIME_DIR=" + path,
		"GORACE=atexit_sleep_ms=0 log_path=" + filepath.Join(base, "race", "report"),
	}}
	if v, ok := os.LookupEnv("GOMAXPROCS"); ok {
		r.env = append(r.env, "GOMAXPROCS="+v)
	}
	t.Cleanup(r.close)
	return r
}

func (r *runtimeDir) close() {
	if r.t.Failed() {
		r.showLogs()
	}
	for _, state := range r.list() {
		out := r.run("rm", state.Name)
		if out.code != 0 && !strings.Contains(out.stderr, "no namespace") { // it ended meanwhile
			r.t.Errorf("rm %s: exit %d, stderr %q", state.Name, out.code, out.stderr)
		}
	}
	r.awaitSystems()
	if err := leftBehind(r.path); err != nil {
		r.t.Errorf("after the test: %v", err)
	}
	left, err := os.ReadDir(r.path)
	if err != nil {
		r.t.Error(err)
	}
	for _, file := range left {
		if file.Name() != ".lock" && file.Name() != ".systems" {
			r.t.Errorf("left in the runtime directory: %s", file.Name())
		}
	}
	if !r.t.Failed() {
		_ = os.RemoveAll(r.path) // else the first process does
	}
}

// showLogs tells what the servers said.
func (r *runtimeDir) showLogs() {
	logs, _ := filepath.Glob(filepath.Join(r.path, "*", "log")) // the pattern is good
	more, _ := filepath.Glob(filepath.Join(r.path, ".systems", "*", "log"))
	logs = append(logs, more...)
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if len(text) > 0 || err != nil {
			r.t.Logf("%s: %v\n%s", path, err, text)
		}
	}
}

// command is ptsns with these arguments, not started, and no terminal.
func (r *runtimeDir) command(args ...string) *exec.Cmd {
	cmd := exec.Command(ptsnsPath, args...)
	cmd.Env = slices.Clone(r.env)
	cmd.WaitDelay = deadline
	if r.user != nil {
		cmd.Dir = "/" // ours may be closed to the user
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.user}
	}
	return cmd
}

// result is how a command ended.
type result struct {
	stdout, stderr string
	code           int // -1 when a signal ended it
}

// run runs ptsns with stdin from /dev/null and waits for its end.
func (r *runtimeDir) run(args ...string) result { return r.runCommand(r.command(args...)) }

// must is run for what is to succeed; it returns what was printed, without the last newline.
func (r *runtimeDir) must(args ...string) string {
	r.t.Helper()
	out := r.run(args...)
	if out.code != 0 {
		r.t.Fatalf("ptsns %q: exit %d\nstdout %q\nstderr %q", args, out.code, out.stdout, out.stderr)
	}
	return strings.TrimSuffix(out.stdout, "\n")
}

// runCommand runs cmd, whose output is taken unless it has somewhere to go, and waits
// for its end.
func (r *runtimeDir) runCommand(cmd *exec.Cmd) result {
	r.t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &stderr
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatalf("start %q: %v", cmd.Args, err)
	}
	hang := time.AfterFunc(deadline, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !hang.Stop() {
		r.t.Fatalf("%q hangs\nstdout %q\nstderr %q", cmd.Args, stdout.String(), stderr.String())
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		r.t.Fatalf("%q: %v", cmd.Args, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// list is what ls --json shows.
func (r *runtimeDir) list() []server.State {
	r.t.Helper()
	out := r.run("ls", "--json")
	var states []server.State
	if err := json.Unmarshal([]byte(out.stdout), &states); err != nil || out.code != 0 {
		r.t.Errorf("ls --json: exit %d, %v\nstdout %q\nstderr %q", out.code, err, out.stdout, out.stderr)
	}
	return states
}

// state is what ls --json shows of the namespace called name, which must be there.
func (r *runtimeDir) state(name string) server.State {
	r.t.Helper()
	for _, state := range r.list() {
		if state.Name == name {
			return state
		}
	}
	r.t.Fatalf("no namespace %q in ls --json", name)
	return server.State{}
}

// terminal is what ls --json shows of one terminal, ok only when it is there.
func (r *runtimeDir) terminal(name string, index int) (term server.Terminal, ok bool) {
	r.t.Helper()
	for _, term := range r.state(name).Terminals {
		if term.Index == index {
			return term, true
		}
	}
	return server.Terminal{}, false
}

// awaitViewers waits until the terminal has n viewers: until somebody who was started to
// join it has. Each look is a command, which takes its time.
func (r *runtimeDir) awaitViewers(name string, index, n int) {
	r.t.Helper()
	for end := time.Now().Add(deadline); ; {
		term, _ := r.terminal(name, index)
		if len(term.Viewers) == n {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("terminal %s/%d has %d viewers, want %d", name, index, len(term.Viewers), n)
		}
	}
}

// awaitExit waits for the end of a process, which need not be a child of ours.
func awaitExit(t testing.TB, pid int) {
	t.Helper()
	if !ends(pid, deadline) {
		stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") // for the message
		t.Fatalf("process %d does not end: %s", pid, stat)
	}
}

// readable waits until fd can be read, and tells whether that came within limit.
func readable(t testing.TB, fd int, limit time.Duration) bool {
	t.Helper()
	return pollIn(fd, limit)
}

func pollIn(fd int, limit time.Duration) bool {
	until := time.Now().Add(limit)
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(max(time.Until(until), 0).Milliseconds()))
		if !errors.Is(err, unix.EINTR) {
			return n > 0
		}
	}
}

// awaitDir waits until ok holds of the names in dir, looking again at each change.
func awaitDir(t testing.TB, dir string, ok func(names []string) bool) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVE|unix.IN_CLOSE_WRITE); err != nil {
		t.Fatalf("watch %q: %v", dir, err)
	}
	until := time.Now().Add(deadline)
	for buf := make([]byte, 64<<10); ; {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		if ok(names) {
			return
		}
		if !readable(t, fd, time.Until(until)) {
			t.Fatalf("%s still has %q", dir, names)
		}
		if _, err := unix.Read(fd, buf); err != nil && !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
	}
}

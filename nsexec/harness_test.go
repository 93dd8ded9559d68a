//go:build linux

package nsexec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// isolated is in the environment of the test process that has a mount namespace of
// its own.
const isolated = "NSEXEC_TEST_ISOLATED"

func TestMain(m *testing.M) {
	Main()
	if os.Getenv("GORACE") == "" {
		// A program with the race detector waits for a second before it exits.
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	if role := os.Getenv(roleVar); role != "" {
		os.Exit(roles[role]())
	}
	if os.Geteuid() == 0 && os.Getenv(isolated) == "" {
		os.Exit(isolate())
	}
	if os.Geteuid() == 0 {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Fprintln(os.Stderr, "making mounts private:", err)
			os.Exit(1)
		}
	}
	before := openFiles()
	code := m.Run()
	if after := openFiles(); code == 0 && after != before {
		fmt.Fprintf(os.Stderr, "leaked files: had %s, have %s\n", before, after)
		code = 1
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); code == 0 && err != unix.ECHILD {
		fmt.Fprintf(os.Stderr, "leaked processes: wait4: %d, %v\n", pid, err)
		code = 1
	}
	os.Exit(code)
}

// isolate runs the tests again in a mount namespace.
func isolate() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), isolated+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "mount namespaces are not available:", err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// openFiles lists what this process holds that a namespace may have left.
func openFiles() string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err.Error()
	}
	var held []string
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:[event") && !strings.HasPrefix(target, "/proc/") {
			held = append(held, target)
		}
	}
	return strings.Join(held, " ")
}

// asUserVar is in the environment of the process that TestAsOrdinaryUser starts.
const asUserVar = "NSEXEC_TEST_AS_USER"

// needRoot skips a test that is not run by root.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getenv(asUserVar) != "" {
		t.Skip("root runs this one")
	}
	if os.Geteuid() != 0 {
		missing(t, "root")
	}
}

// mountFor mounts something in this process's mount namespace for one test.
func mountFor(t *testing.T, source, target, fstype string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		t.Fatalf("mounting %s: %v", target, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", target, err)
		}
	})
}

// missing skips, or fails where nothing may be missing.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PTSNS_REQUIRE") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// space is a namespace under test.
type space struct {
	*Supervisor
	t    *testing.T
	ptmx string // relative to Instance
}

var environ = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LC_ALL=C"}

const options = "newinstance,mode=620,ptmxmode=666,max=1024"

// newSpace starts a namespace and ends it with the test. Fields of cfg that most
// tests set alike may be empty; Ptmx is Bind then.
func newSpace(t *testing.T, cfg Config) *space {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "test"
	}
	if cfg.Marker == "" {
		cfg.Marker = "ptsns-test-" + t.Name()
	}
	if cfg.Options == "" && !cfg.SharePts {
		cfg.Options = options
	}
	if cfg.Ptmx == "" {
		cfg.Ptmx = Bind
	}
	cfg.UserNS = os.Geteuid() != 0
	s, err := Start(cfg)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		s.closeFiles()
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	ptmx := "ptmx"
	if cfg.SharePts {
		ptmx = ptmxDev // pts/ptmx has mode 0000
	}
	return &space{Supervisor: s, t: t, ptmx: ptmx}
}

// openPtm opens a pair of the instance.
func (s *space) openPtm() (ptm *os.File, index int) {
	s.t.Helper()
	fd, err := unix.Openat(int(s.Instance().Fd()), s.ptmx, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		s.t.Fatalf("opening ptmx: %v", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		s.t.Fatalf("unlocking: %v", err)
	}
	index, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		s.t.Fatalf("TIOCGPTN: %v", err)
	}
	return os.NewFile(uintptr(fd), "ptm"), index
}

// running is a program on a terminal of its own.
type running struct {
	t      *testing.T
	ptm    *os.File
	index  int
	pid    int
	output bytes.Buffer // owned by the reader until eof is closed
	eof    chan struct{}
	status chan syscall.WaitStatus
	lines  chan string
}

// start starts p, whose Index is filled in.
func (s *space) start(p Program) (*running, error) {
	s.t.Helper()
	ptm, index := s.openPtm()
	p.Index = index
	if p.Env == nil {
		p.Env = environ
	}
	r := &running{
		t: s.t, ptm: ptm, index: index, eof: make(chan struct{}),
		status: make(chan syscall.WaitStatus, 1), lines: make(chan string, 1000),
	}
	pid, err := s.Start(p, func(ws syscall.WaitStatus) { r.status <- ws })
	if err != nil {
		_ = ptm.Close() // unused
		return nil, err
	}
	r.pid = pid
	go r.read()
	s.t.Cleanup(func() { _ = ptm.Close() })
	return r, nil
}

func (r *running) read() {
	defer close(r.eof)
	defer close(r.lines)
	var line bytes.Buffer
	b := make([]byte, 4096)
	for {
		n, err := r.ptm.Read(b)
		for _, c := range b[:n] {
			switch c {
			case '\r':
			case '\n':
				r.output.WriteByte(c)
				r.lines <- line.String()
				line.Reset()
			default:
				r.output.WriteByte(c)
				line.WriteByte(c)
			}
		}
		if err != nil {
			if !errors.Is(err, syscall.EIO) && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				r.t.Errorf("reading the ptm: %v", err)
			}
			return
		}
	}
}

// line returns the next line of output.
func (r *running) line() string {
	r.t.Helper()
	l, ok := <-r.lines
	if !ok {
		r.t.Fatalf("the terminal ended; output:\n%s", r.output.String())
	}
	return l
}

// wait returns all output and the exit status.
func (r *running) wait() (string, syscall.WaitStatus) {
	ws := <-r.status
	<-r.eof
	_ = r.ptm.Close() // gives the index back
	return r.output.String(), ws
}

// sh runs a shell script on a terminal and returns its output, trimmed.
func (s *space) sh(script string) string {
	s.t.Helper()
	return s.run(Program{Argv: []string{"sh", "-c", script}})
}

// run runs p on a terminal and returns its output, trimmed.
func (s *space) run(p Program) string {
	s.t.Helper()
	r, err := s.start(p)
	if err != nil {
		s.t.Fatalf("starting %q: %v", p.Argv, err)
	}
	out, ws := r.wait()
	if ws.ExitStatus() != 0 {
		s.t.Fatalf("%q: status %#x, output:\n%s", p.Argv, uint32(ws), out)
	}
	return strings.TrimSpace(out)
}

// roleVar in the environment makes this executable be something that a test needs.
const roleVar = "NSEXEC_TEST_ROLE"

var roles = map[string]func() int{}

// role is this executable as a program inside.
func role(name string) Program {
	return Program{Argv: []string{"/proc/self/exe"}, Env: append([]string{roleVar + "=" + name}, environ...)}
}

// have skips a test without a program that it drives.
func have(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		missing(t, program)
	}
}

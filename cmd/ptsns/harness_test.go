package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// helperVar is in the environment of a process of the test binary that is to do
// one of helpers and nothing else.
const helperVar = "PTSNS_TEST_HELPER"

var helpers = map[string]func(){
	"screen": helpScreen,
}

// helpScreen is a program as a terminal's user meets it: it says the size of its
// window, and again whenever that changes, and what it reads, byte by byte. q ends
// it with status 7, F makes it put out 4 MiB of lines.
func helpScreen() {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	if _, err := term.MakeRaw(0); err != nil {
		fmt.Println("raw:", err)
		os.Exit(1)
	}
	say := func() {
		ws, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
		fmt.Printf("[%dx%d %v]", ws.Row, ws.Col, err)
	}
	say()
	typed := make(chan byte)
	go func() {
		b := make([]byte, 1)
		for {
			if n, err := os.Stdin.Read(b); n == 1 && err == nil {
				typed <- b[0]
			}
		}
	}()
	for {
		select {
		case <-changed:
			say()
		case c := <-typed:
			switch c {
			case 'q':
				os.Exit(7)
			case 'F':
				line := strings.Repeat("x", 1023) + "\n"
				for range 4 << 10 {
					fmt.Print(line)
				}
			}
			fmt.Printf("<%02x>", c)
		}
	}
}

// world is a runtime directory, and what is started there.
type world struct {
	t   *testing.T
	dir string
}

// possible tells why no namespace can be made here, nil when one can.
var possible = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "ptsns-probe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w := &world{dir: filepath.Join(dir, "run")}
	if out, err := w.command("run", "--", "true").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

// newWorld makes a world that is empty again when the test ends. Where no
// namespace can be made, that skips the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	if err := possible(); err != nil {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skipf("namespaces cannot be made here (root, or user namespaces, is missing): %v", err)
	}
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "run")}
	t.Cleanup(func() {
		if err := removeAll(w.dir); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command("ptsns", args...)
	cmd.Env = append(os.Environ(), "PTSNS_RUNTIME_DIR="+w.dir, "SHELL=/bin/sh")
	return cmd
}

// output runs a command that must succeed and returns its stdout.
func (w *world) output(args ...string) string {
	w.t.Helper()
	cmd := w.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("ptsns %q: %v\n%s%s", args, err, out, stderr.Bytes())
	}
	return string(out)
}

// run is the command line that runs helpScreen in the namespace vs1.
func run(t *testing.T) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"run", "--name", "vs1", "-e", helperVar + "=screen", "--", self}
}

// console is a ptsns on a terminal of its own, with a person before it.
type console struct {
	t   *testing.T
	cmd *exec.Cmd
	ptm *os.File
	out *bufio.Reader
	was unix.Termios // the terminal's modes before
}

// hung is when a test gives up on output that does not come. Nothing waits for it
// to pass.
const hung = time.Minute

// open starts a ptsns on a terminal with that size.
func (w *world) open(rows, cols uint16, args ...string) *console {
	w.t.Helper()
	return w.openCmd(rows, cols, w.command(args...))
}

// openCmd starts cmd, whose stdin, stdout and stderr are the terminal unless they
// are set.
func (w *world) openCmd(rows, cols uint16, cmd *exec.Cmd) *console {
	w.t.Helper()
	ptm, pts, err := openPair()
	if err != nil {
		w.t.Fatal(err)
	}
	defer pts.Close() // the child has it: when that ends, reads of the ptm do
	w.t.Cleanup(func() { _ = ptm.Close() })
	c := &console{t: w.t, cmd: cmd, ptm: ptm, out: bufio.NewReader(ptm)}
	c.resize(rows, cols)
	c.was = c.modes()
	if cmd.Stdin == nil {
		cmd.Stdin = pts
	}
	if cmd.Stdout == nil {
		cmd.Stdout = pts
	}
	if cmd.Stderr == nil {
		cmd.Stderr = pts
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: ctty(cmd, pts)}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return c
}

// openPair opens a pair whose ptm is in Go's poller.
func openPair() (ptm, pts *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ptm = os.NewFile(uintptr(fd), "ptm")
	if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, errors.Join(err, ptm.Close())
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		pts, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, ptm.Close())
	}
	return ptm, pts, nil
}

// ctty is the fd of the child that is its terminal.
func ctty(cmd *exec.Cmd, pts *os.File) int {
	for fd, f := range []any{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		if f == pts {
			return fd
		}
	}
	panic("none of the fds is the terminal")
}

// control does something to the terminal.
func (c *console) control(f func(fd int) error) {
	c.t.Helper()
	raw, err := c.ptm.SyscallConn()
	if err == nil {
		cerr := raw.Control(func(fd uintptr) { err = f(int(fd)) })
		err = errors.Join(err, cerr)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) modes() (modes unix.Termios) {
	c.t.Helper()
	c.control(func(fd int) error {
		m, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			modes = *m
		}
		return err
	})
	return modes
}

func (c *console) setModes(modes unix.Termios) {
	c.t.Helper()
	c.control(func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, &modes) })
}

func (c *console) resize(rows, cols uint16) {
	c.t.Helper()
	c.control(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
	})
}

// expect reads until want has come.
func (c *console) expect(want string) {
	c.t.Helper()
	if err := c.ptm.SetReadDeadline(time.Now().Add(hung)); err != nil {
		c.t.Fatal(err)
	}
	var got []byte
	for !bytes.HasSuffix(got, []byte(want)) {
		b, err := c.out.ReadByte()
		if err != nil {
			c.t.Fatalf("want %q, got %q and %v", want, got, err)
		}
		got = append(got, b)
	}
}

func (c *console) typeKeys(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.ptm, keys); err != nil {
		c.t.Fatal(err)
	}
}

// end waits for the process, whose status must be that, and checks that it left
// the terminal as it was.
func (c *console) end(status int) {
	c.t.Helper()
	_ = c.cmd.Wait() // its status is looked at below
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		c.t.Errorf("%q: exit status %d (%v), want %d", c.cmd.Args, got, c.cmd.ProcessState, status)
	}
	if c.modes() != c.was {
		c.t.Errorf("%q: the terminal was not restored", c.cmd.Args)
	}
}

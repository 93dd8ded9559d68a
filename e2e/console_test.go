//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// console is an outer terminal with a command on it: what a person sits at. Its
// methods are for the test's goroutine.
type console struct {
	t   testing.TB
	cmd *exec.Cmd
	ptm *os.File
	tty *os.File // ours as well, so that its modes can be looked at after the command's end

	before unix.Termios // the terminal's settings when the command started

	grew   chan struct{} // one slot: there is more output, or another mode
	closed chan struct{} // closed when there will be no more
	exited chan struct{} // closed when the command has ended

	mu   sync.Mutex
	text []byte // guarded by mu; everything that was shown
	raw  bool   // guarded by mu; the command has made the terminal raw
	seen int    // how much of text expect has consumed
}

// console runs ptsns with these arguments on an outer terminal of 24 by 80.
func (r *runtimeDir) console(args ...string) *console {
	r.t.Helper()
	return startConsole(r.t, r.command(args...), 24, 80)
}

// startConsole starts cmd as the leader of a new session on a new terminal. At the
// test's end it is killed if it still runs.
func startConsole(t testing.TB, cmd *exec.Cmd, rows, cols int) *console {
	t.Helper()
	ptm, tty := openTerminal(t)
	return startConsoleOn(t, ptm, tty, cmd, rows, cols)
}

// startConsoleOn is startConsole on a terminal that is open. It owns both ends.
func startConsoleOn(t testing.TB, ptm, tty *os.File, cmd *exec.Cmd, rows, cols int) *console {
	t.Helper()
	c := &console{t: t, cmd: cmd, ptm: ptm, tty: tty,
		grew: make(chan struct{}, 1), closed: make(chan struct{}), exited: make(chan struct{})}
	c.resize(rows, cols)
	c.before = c.modes()
	c.before.Iflag |= unix.IUTF8 // unlike the kernel's default, like every person's
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, &c.before); err != nil {
		t.Fatalf("settings of the outer terminal: %v", err)
	}
	if err := unix.IoctlSetPointerInt(fdOf(t, ptm), unix.TIOCPKT, 1); err != nil {
		t.Fatalf("packet mode: %v", err)
	}
	if cmd.Stdin == nil {
		cmd.Stdin = tty
	}
	if cmd.Stdout == nil {
		cmd.Stdout = tty
	}
	if cmd.Stderr == nil {
		cmd.Stderr = tty
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, tty)
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	cmd.SysProcAttr.Ctty = 2 + len(cmd.ExtraFiles)
	if err := cmd.Start(); err != nil {
		_ = errors.Join(ptm.Close(), tty.Close()) // the start's failure is the one to tell
		t.Fatalf("start %q: %v", cmd.Args, err)
	}
	go c.read()
	go func() { // ends with the command
		_ = cmd.Wait() // how it ended is in its ProcessState
		close(c.exited)
	}()
	t.Cleanup(c.close)
	return c
}

// openTerminal opens a terminal outside, both its ends.
func openTerminal(t testing.TB) (ptm, tty *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("open /dev/ptmx: %v", err)
	}
	ptm = os.NewFile(uintptr(fd), "ptm") // in the poller: Close ends a Read
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("unlock the terminal: %v", err)
	}
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		t.Fatalf("open the terminal's pts: %v", errno)
	}
	return ptm, os.NewFile(peer, "tty")
}

// read takes what is shown. In packet mode the kernel tells too when flow control by
// keys goes off, as it does in raw mode, and comes back.
func (c *console) read() {
	defer close(c.closed)
	buf := make([]byte, 64<<10)
	for {
		n, err := c.ptm.Read(buf)
		c.mu.Lock()
		switch {
		case n > 0 && buf[0] == unix.TIOCPKT_DATA:
			c.text = append(c.text, buf[1:n]...)
		case n > 0 && buf[0]&unix.TIOCPKT_NOSTOP != 0:
			c.raw = true
		case n > 0 && buf[0]&unix.TIOCPKT_DOSTOP != 0:
			c.raw = false
		}
		c.mu.Unlock()
		select {
		case c.grew <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (c *console) close() {
	select {
	case <-c.exited:
	default:
		_ = c.cmd.Process.Kill() // ended meanwhile is as well
		<-c.exited
	}
	_ = errors.Join(c.tty.Close(), c.ptm.Close()) // closed by the test is as well
	<-c.closed
}

// paintEnd is the end of what paints the screen for who joins, or whose window is of
// another size.
const paintEnd = `\x1b\[\?2026l`

// expect waits until what was shown since the last expect matches the pattern, and
// returns the match with its groups. What comes up to its end is consumed.
func (c *console) expect(pattern string) []string {
	c.t.Helper()
	re := regexp.MustCompile(pattern)
	var m []string
	c.await(fmt.Sprintf("%q", pattern), func() bool {
		m = c.find(re)
		return m != nil
	})
	return m
}

// awaitRaw waits until the command has made the terminal raw: a client that does so
// has joined.
func (c *console) awaitRaw() {
	c.t.Helper()
	c.await("raw mode", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.raw
	})
}

// await waits until ok holds, looking again whenever something comes from the terminal.
func (c *console) await(what string, ok func() bool) {
	c.t.Helper()
	hang := time.NewTimer(deadline)
	defer hang.Stop()
	for !ok() {
		select {
		case <-c.grew:
		case <-hang.C:
			c.t.Fatalf("waiting for %s%s; the whole of it is\n%s", what, c.ending(), c.transcript())
		}
	}
}

func (c *console) find(re *regexp.Regexp) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := c.text[c.seen:]
	at := re.FindSubmatchIndex(fresh)
	if at == nil {
		return nil
	}
	var groups []string
	for i := 0; i < len(at); i += 2 {
		group := ""
		if at[i] >= 0 {
			group = string(fresh[at[i]:at[i+1]])
		}
		groups = append(groups, group)
	}
	c.seen += at[1]
	return groups
}

// ending tells how the command ended, if it has.
func (c *console) ending() string {
	select {
	case <-c.exited:
		return fmt.Sprintf(" (%v)", c.cmd.ProcessState)
	default:
		return ""
	}
}

// transcript is everything that was shown, as a Go string.
func (c *console) transcript() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%q", c.text)
}

// rest is for after the command's end: all that was shown and not consumed.
func (c *console) rest() string {
	c.t.Helper()
	const end = "<end of console>"
	if _, err := c.tty.WriteString(end); err != nil {
		c.t.Fatal(err)
	}
	return c.expect(`(?s)^(.*)` + end)[1]
}

// enter types keys.
func (c *console) enter(keys string) {
	c.t.Helper()
	if _, err := c.ptm.WriteString(keys); err != nil {
		c.t.Fatalf("type %q: %v", keys, err)
	}
}

// fdOf is the number of f, which stays in the poller and must not be closed meanwhile.
func fdOf(t testing.TB, f *os.File) (fd int) {
	t.Helper()
	conn, err := f.SyscallConn()
	if err == nil {
		err = conn.Control(func(n uintptr) { fd = int(n) })
	}
	if err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
	return fd
}

// resize changes the window.
func (c *console) resize(rows, cols int) {
	c.t.Helper()
	size := &unix.Winsize{Row: uint16(rows), Col: uint16(cols)}
	err := unix.IoctlSetWinsize(fdOf(c.t, c.ptm), unix.TIOCSWINSZ, size)
	if err != nil {
		c.t.Fatalf("resize: %v", err)
	}
}

// modes are the terminal's settings now.
func (c *console) modes() unix.Termios {
	c.t.Helper()
	modes, err := unix.IoctlGetTermios(int(c.tty.Fd()), unix.TCGETS)
	if err != nil {
		c.t.Fatalf("settings of the outer terminal: %v", err)
	}
	return *modes
}

// wait waits for the command's end. The result is its exit status, -1 when a signal
// ended it.
func (c *console) wait() int {
	c.t.Helper()
	select {
	case <-c.exited:
	case <-time.After(deadline):
		c.t.Fatalf("%q does not end; the whole of it is\n%s", c.cmd.Args, c.transcript())
	}
	return c.cmd.ProcessState.ExitCode()
}

// detachKeys are what leaves a terminal by default.
const detachKeys = "\x10\x11"

// detach leaves with the detach keys.
func (c *console) detach() {
	c.t.Helper()
	c.awaitRaw()
	c.enter(detachKeys)
	c.expect(`ptsns: detached from`)
	if code := c.wait(); code != 0 {
		c.t.Fatalf("detached with exit status %d", code)
	}
}

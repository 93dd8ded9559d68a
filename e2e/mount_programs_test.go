//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// on runs a program on a new virtual terminal of the instance at dir, as the leader of a
// session that the terminal controls.
func (r *runtimeDir) on(dir string, rows, cols int, args ...string) *console {
	r.t.Helper()
	ptm, tty := openVirtual(r.t, dir)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = r.env
	return startConsoleOn(r.t, ptm, tty, cmd, rows, cols)
}

// programsMount is where the tests of programs open their terminals: nil when the test has
// nothing more to do.
func programsMount(t *testing.T, programs ...string) (r *runtimeDir, dir string) {
	t.Helper()
	need(t, append(programs, "fuse")...)
	if !private(t) {
		return nil, ""
	}
	r = newRuntime(t)
	return r, r.mountDir("-o", "newinstance,ptmxmode=0666,mode=620,gid=5")
}

func TestMountBash(t *testing.T) {
	t.Parallel()
	r, dir := programsMount(t, "bash", "python3")
	if r == nil {
		return
	}
	c := r.on(dir, 24, 80, "bash", "--norc", "--noediting")
	c.expect(`^prompt> `)
	c.command("tty", `not a tty\r\n`) // which DIFFERENCES.md tells
	c.command("stty size", `24 80\r\n`)
	c.command("readlink /proc/$$/fd/{0,1,2} | sort -u", dir+`/0\r\n`)

	// ^Z, jobs, bg, fg, ^C
	c.begin(writeScript(t, tellContinued))
	c.expect(`^started\r\n`)
	c.enter("\x1a")
	c.expect(`^\^Z\r\n\[1\]\+ +Stopped .*script\r\nprompt> `)
	c.command("echo status $?", `status 148\r\n`)
	c.command("jobs", `\[1\]\+ +Stopped .*script\r\n`)
	c.begin("bg")
	c.expect(`continued in the background\r\n`)
	c.enter("echo in' 'step\n")
	c.expect(`in step\r\nprompt> `)
	c.command("jobs", `\[1\]\+ +Running .*script &\r\n`)
	c.command("kill -STOP %1; wait %1", `(?s).*Stopped.*\r\n`)
	c.begin("fg")
	c.expect(`continued in the foreground\r\n`)
	c.enter("\x03")
	c.expect(`^\^C\r\nprompt> `)
	c.command("echo status $?", `status 130\r\n`)

	// a background reader is stopped by SIGTTIN
	c.command(`python3 -c 'print("got", input())' & wait $!; echo status $?`, `(?s).*\r\nstatus 149\r\n`)
	c.begin("fg")
	c.expect(`^python3 .*\r\n`)
	c.begin("one line")
	c.expect(`^got one line\r\nprompt> `)

	// a background writer is by SIGTTOU, with tostop only
	c.command(`sh -c 'echo loud' & wait $!; echo status $?`, `(?s).*loud\r\n.*status 0\r\n`)
	c.command(`stty tostop; python3 -c 'print("quiet")' & wait $!; echo status $?`, `(?s).*status 150\r\n`)
	c.command("fg", `.*\r\nquiet\r\n`)

	// ^\ ends too; ^S holds output and ^Q lets it go
	c.begin(`(ulimit -c 0; exec sh -c 'echo started; exec sleep 1000')`)
	c.expect(`^started\r\n`)
	c.enter("\x1c")
	c.expect(`(?s)^\^\\.*\r\nprompt> `)
	c.command("echo status $?", `status 131\r\n`)
	c.enter("\x13echo held\n\x11")
	c.expect(`^echo held\r\nheld\r\nprompt> `)

	// two terminals at once, and what is written to one from outside
	other := r.on(dir, 30, 90, "bash", "--norc", "--noediting")
	other.expect(`^prompt> `)
	other.command("stty size; ls "+dir, `30 90\r\n0 +1 +ptmx\r\n`)
	other.command("echo foo >"+dir+"/0", ``)
	c.expect(`^foo\r\n`)
	other.enter("exit\n")
	other.wait()

	// ^D ends the shell, whose status is that of its last command
	c.command("(exit 7)", ``)
	c.enter("\x04")
	if code := c.wait(); code != 7 {
		t.Errorf("exit status %d, want 7", code)
	}
}

// The terminal's end hangs up what it controls, and a leader's end its foreground.
func TestMountHangup(t *testing.T) {
	t.Parallel()
	r, dir := programsMount(t, "bash", "python3")
	if r == nil {
		return
	}
	marks := sharedDir(t)
	ptm, tty := openVirtual(t, dir)
	cmd := exec.Command("bash", "-c", `trap '`+tell(marks+"/hup", "hup $?")+`; exit 3' HUP; echo ready; while :; do read x; done`)
	cmd.Env = r.env
	c := startConsoleOn(t, ptm, tty, cmd, 24, 80)
	c.expect(`^ready\r\n`)
	_ = c.ptm.Close()
	told(t, marks+"/hup")
	if code := c.wait(); code != 3 {
		t.Errorf("exit status %d, want 3", code)
	}

	c = r.on(dir, 24, 80, "bash", "--norc", "--noediting")
	c.expect(`^prompt> `)
	script := writeScript(t, `#!/usr/bin/python3
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
os.write(1, b"ready\n")
signal.sigwait([signal.SIGHUP])
os.system("`+tell(marks+"/fg", "fg")+`")
`)
	c.begin(script)
	c.expect(`^ready\r\n`)
	kill(t, c.cmd.Process.Pid, unix.SIGKILL)
	told(t, marks+"/fg")
}

// With DIR/tty over /dev/tty, DIR over /dev/pts and a symlink for /dev/ptmx, programs
// find their terminals where they look for them.
func TestMountAsDev(t *testing.T) {
	t.Parallel()
	r, dir := programsMount(t, "bash", "script", "python3", "expect")
	if r == nil {
		return
	}
	scratchDev(t)
	mount(t, dir, "/dev/pts", "", unix.MS_BIND, "")
	mount(t, filepath.Join(dir, "tty"), "/dev/tty", "", unix.MS_BIND, "")
	if err := errors.Join(os.Remove("/dev/ptmx"), os.Symlink("pts/ptmx", "/dev/ptmx")); err != nil {
		t.Fatal(err)
	}
	ptm, tty := openVirtual(t, "/dev/pts")
	cmd := exec.Command("bash", "--norc", "--noediting")
	cmd.Env = r.env
	c := startConsoleOn(t, ptm, tty, cmd, 28, 90)
	c.expect(`^prompt> `)
	c.command("echo through >/dev/tty", `through\r\n`)
	c.command("setsid -w sh -c ': </dev/tty'", `.*: No such device or address\r\n`)
	c.command("script -qec 'stty size; echo script >/dev/tty; ls /dev/pts' /dev/null", `28 90\r\nscript\r\n0 +1 +ptmx\r\n`)
	c.command("ls /dev/pts", `0 +ptmx\r\n`)
	c.command(`python3 -c 'import pty; pty.spawn(["sh", "-c", "stty size; echo spawned"])'`, `0 0\r\nspawned\r\n`)
	c.command(`python3 -c 'import os, sys, termios; print(os.isatty(0), sys.stdin.isatty(), os.get_terminal_size(), termios.tcgetattr(0)[3] & termios.ICANON)'`,
		`True True os.terminal_size\(columns=90, lines=28\) 2\r\n`)
	c.begin(`python3 -c 'import getpass; print(len(getpass.getpass("pass: ")))'`)
	c.expect(`^pass: `)
	c.enter("secret\n")
	c.expect(`^\r\n6\r\nprompt> `)
	// DIFFERENCES.md: programs that cannot do without the name of a terminal
	c.command(`expect -c 'spawn true'`, `(?s).*ttyname\(\) failed: .*\r\n`)
	c.command(`python3 -c 'import os; os.ttyname(0)' 2>&1 | tail -n1`, `OSError: .*Inappropriate ioctl for device\r\n`)
	c.enter("exit\n")
	c.wait()
}

func TestMountVim(t *testing.T) {
	t.Parallel()
	r, dir := programsMount(t, "vim")
	if r == nil {
		return
	}
	file := filepath.Join(publicDir(t), "text")
	c := r.on(dir, 24, 80, "vim", "-u", "NONE", "-N", "-n", "--cmd", "set ruler", file)
	c.expect(`\x1b\[24;(?s:.*)0,0-1`) // the ruler, on the last line
	c.enter("ifirst line\rsecond lime\x1b")
	c.expect(`second lime`)
	c.resize(40, 100)
	c.expect(`\x1b\[40;(?s:.*)2,11`) // painted again, with the ruler on the new last line
	c.enter(":echo &lines..'x'..&columns\r")
	c.expect(`40x100`)
	c.enter("\r:s/$/!/\r:echo 'sub'.'stituted'\r")
	c.expect(`substituted`)
	c.enter(":wq\r")
	if code := c.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if after := c.modes(); after != c.before {
		t.Errorf("settings of the terminal: %+v, before %+v", after, c.before)
	}
	got, err := os.ReadFile(file)
	if want := "first line\nsecond lime!\n"; err != nil || string(got) != want {
		t.Errorf("saved %q, %v, want %q", got, err, want)
	}
}

func TestMountLess(t *testing.T) {
	t.Parallel()
	r, dir := programsMount(t, "less")
	if r == nil {
		return
	}
	var text strings.Builder
	for n := range 300 {
		fmt.Fprintf(&text, "line %d, cubed %d\n", n+1, (n+1)*(n+1)*(n+1))
	}
	c := r.on(dir, 24, 80, "less", writeScript(t, text.String()))
	c.expect(`line 1, cubed 1\r\n`)
	c.expect(`line 23, cubed 12167\r\n.*script`)
	c.enter(" ")
	c.expect(`line 46, cubed 97336\r\n`)
	c.enter("/^line 150\r")
	c.expect(`line 150.*, cubed 3375000`)
	c.expect(`line 172, cubed 5088448\r\n`)
	c.enter("G")
	c.expect(`line 300, cubed 27000000\r\n.*END`)
	c.enter("q")
	if code := c.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

// stty reads and sets everything through a path.
func TestMountStty(t *testing.T) {
	t.Parallel()
	r, dir := programsMount(t, "stty")
	if r == nil {
		return
	}
	ptm, tty := openVirtual(t, dir)
	defer ptm.Close()
	defer tty.Close()
	stty := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("stty", append([]string{"-F", filepath.Join(dir, "0")}, args...)...)
		out := r.runCommand(cmd)
		if out.code != 0 {
			t.Errorf("stty %q: %+v", args, out)
		}
		return out.stdout
	}
	before := stty("-g")
	stty("rows", "50", "cols", "132", "raw", "-echo", "intr", "^A", "min", "3", "time", "7")
	if got := stty("size"); got != "50 132\n" {
		t.Errorf("size %q", got)
	}
	all := stty("-a")
	for _, want := range []string{"rows 50; columns 132", "intr = ^A", "min = 3; time = 7", "-icanon", "-echo ", "-opost"} {
		if !strings.Contains(all, want) {
			t.Errorf("stty -a has no %q:\n%s", want, all)
		}
	}
	stty(strings.TrimSpace(before))
	if got := stty("-g"); got != before {
		t.Errorf("settings %q, want %q", got, before)
	}
}

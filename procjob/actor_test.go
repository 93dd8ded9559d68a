//go:build linux

package procjob

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// actorVar makes of a test binary an actor: the name of the socket where it asks
// what to do.
const actorVar = "PTSNS_TEST_ACTOR"

// act does what the lines that it reads say, and answers each with a line.
func act(address string) int {
	conn, err := net.Dial("unix", address)
	if err != nil {
		return 2
	}
	caught := make(chan os.Signal, 64)
	tty := -1
	lines := make(chan string)
	go func() {
		in := bufio.NewScanner(conn)
		for in.Scan() {
			lines <- in.Text()
		}
		os.Exit(0) // the test has ended, whatever we wait for
	}()
	for line := range lines {
		words := strings.Fields(line)
		if words[0] == "exit" {
			break
		}
		fmt.Fprintln(conn, obey(words, caught, &tty))
	}
	return 0
}

func obey(words []string, caught chan os.Signal, tty *int) string {
	switch words[0] {
	case "fork":
		return fork(words[1])
	case "handle":
		signal.Notify(caught, signals(words[1:])...)
		return "ok"
	case "ignore":
		signal.Ignore(signals(words[1:])...)
		return "ok"
	case "block":
		var set unix.Sigset_t
		for _, s := range signals(words[1:]) {
			n := uint(s.(unix.Signal)) - 1
			set.Val[n/64] |= 1 << (n % 64)
		}
		return errno(unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil))
	case "next": // the next signal that is caught
		s := (<-caught).(unix.Signal)
		if s == lastSignal {
			return "nothing"
		}
		return unix.SignalName(s)
	case "watch": // a child, until it stops or ends
		return watch(number(words[1]), unix.WSTOPPED|unix.WEXITED)
	case "reap":
		return watch(number(words[1]), unix.WEXITED)
	case "setsid":
		_, err := unix.Setsid()
		return errno(err)
	case "setpgid":
		return errno(unix.Setpgid(0, number(words[1])))
	case "setuid":
		return errno(unix.Setresuid(number(words[1]), number(words[1]), number(words[1])))
	case "setgroups":
		return errno(unix.Setgroups([]int{number(words[1]), number(words[2])}))
	case "thread": // one more, which stays
		id := make(chan int)
		go func() {
			runtime.LockOSThread()
			id <- unix.Gettid()
			select {}
		}()
		return strconv.Itoa(<-id)
	case "open":
		fd, err := unix.Open(words[1], number(words[2])|unix.O_CLOEXEC, 0)
		*tty = fd
		return errno(err)
	}
	return perform(*tty, words)
}

// perform does to the kernel's terminal what operate does to ours.
func perform(fd int, words []string) string {
	switch words[0] {
	case "read":
		b := make([]byte, 100)
		n, err := unix.Read(fd, b)
		return result(string(b[:max(n, 0)]), err)
	case "write":
		_, err := unix.Write(fd, []byte(words[1]))
		return errno(err)
	case "tostop":
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return errno(err)
		}
		t.Lflag |= unix.TOSTOP
		return errno(unix.IoctlSetTermios(fd, unix.TCSETS, t))
	}
	req := requests[words[0]]
	switch req.Dir {
	case pts.IoctlOut:
		n, err := unix.IoctlGetInt(fd, uint(req.Req))
		return result(strconv.Itoa(n), err)
	case pts.IoctlIn:
		return errno(unix.IoctlSetPointerInt(fd, uint(req.Req), number(words[1])))
	}
	return errno(unix.IoctlSetInt(fd, uint(req.Req), number(words[1])))
}

var requests = func() map[string]pts.Ioctl {
	m := make(map[string]pts.Ioctl)
	for _, n := range []uint32{pts.TIOCGPGRP, pts.TIOCSPGRP, pts.TIOCGSID, pts.TIOCSCTTY, pts.TIOCNOTTY, pts.TCFLSH} {
		r, _ := pts.LookupIoctl(n)
		m[r.Name] = r
	}
	return m
}()

// fork starts one more actor: in a group or session of its own, or as the first in a
// pid namespace.
func fork(how string) string {
	cmd := exec.Command("/proc/self/exe")
	cmd.SysProcAttr = &unix.SysProcAttr{}
	switch how {
	case "setpgid":
		cmd.SysProcAttr.Setpgid = true
	case "setsid":
		cmd.SysProcAttr.Setsid = true
	case "pidns":
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWPID
	case "userns":
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	default:
		if group, err := strconv.Atoi(how); err == nil {
			cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pgid = true, group
		}
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	return strconv.Itoa(cmd.Process.Pid)
}

// watch waits for a child. What ended is reaped, what stopped may be watched again.
func watch(pid, options int) string {
	var b [128]byte // siginfo_t
	if _, _, e := unix.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(pid), uintptr(unsafe.Pointer(&b)), uintptr(options), 0, 0); e != 0 {
		return errno(e)
	}
	code, status := binary.NativeEndian.Uint32(b[8:]), unix.Signal(binary.NativeEndian.Uint32(b[24:]))
	const exited, killed, stopped = 1, 2, 5
	switch code {
	case exited:
		return "exited"
	case killed:
		return "killed by " + unix.SignalName(status)
	case stopped:
		return "stopped by " + unix.SignalName(status)
	}
	return fmt.Sprintf("code %d", code)
}

// lastSignal says that what should have come before it has: it comes after all others.
const lastSignal = unix.Signal(64)

func signals(words []string) []os.Signal {
	var list []os.Signal
	for _, w := range words {
		if w == "last" {
			list = append(list, lastSignal)
			continue
		}
		list = append(list, unix.SignalNum(w))
	}
	return list
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// errno is "ok" or the name of an error of the kernel's or of ours.
func errno(err error) string {
	switch e := err.(type) {
	case nil:
		return "ok"
	case unix.Errno:
		return unix.ErrnoName(e)
	case pts.Errno:
		return unix.ErrnoName(unix.Errno(e))
	}
	return err.Error()
}

func result(s string, err error) string {
	if err != nil {
		return errno(err)
	}
	return strconv.Quote(s)
}

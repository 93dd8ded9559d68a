//go:build linux

package fusefs

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The threads, signals and processes of a scenario.

// as runs f on a thread with other credentials, which is thrown away after it.
func (s *stage) as(uid, gid int, groups []int, f func()) {
	done := make(chan any)
	go func() {
		runtime.LockOSThread() // and never unlock
		defer func() { done <- recover() }()
		list := make([]uint32, len(groups)+1)
		for i, g := range groups {
			list[i] = uint32(g)
		}
		call := func(doing string, trap, a, b, c uintptr) {
			if _, _, errno := unix.RawSyscall(trap, a, b, c); errno != 0 {
				panic(stageError(doing + ": " + errno.Error()))
			}
		}
		call("setgroups", unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&list[0])), 0)
		call("setresgid", unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid))
		call("setresuid", unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid))
		f()
	}()
	if r := <-done; r != nil {
		panic(r)
	}
}

const nobody = 65534

func (s *stage) asNobody(f func()) { s.as(nobody, nobody, nil, f) }

// thread runs f on a thread of its own and gives its id; done is closed when f has
// returned.
func (s *stage) thread(f func()) (tid int, done chan struct{}) {
	ids := make(chan int)
	done = make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(done)
		ids <- unix.Gettid()
		f()
	}()
	return <-ids, done
}

// untilIn returns when the thread sleeps in the system call. Nothing tells that it has
// begun to, so it looks until it sees it; the scenario's deadline ends that.
func (s *stage) untilIn(tid int, trap uintptr) {
	for {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", tid))
		s.must(err, "looking for a thread's system call")
		if strings.HasPrefix(string(b), fmt.Sprintf("%d ", trap)) {
			return
		}
		runtime.Gosched()
	}
}

// signalThread sends a signal to one thread of this process.
func (s *stage) signalThread(tid int, sig unix.Signal) {
	s.must(unix.Tgkill(os.Getpid(), tid, sig), "tgkill")
}

// handle installs a handler that interrupts system calls, or lets them be restarted, and
// gives a channel that tells that it ran.
func (s *stage) handle(sig unix.Signal, restart bool) chan os.Signal {
	ran := make(chan os.Signal, 8)
	signal.Notify(ran, sig)
	a := s.action(sig, nil)
	const saRestart = 0x10000000
	a.flags &^= saRestart
	if restart {
		a.flags |= saRestart
	}
	s.action(sig, &a)
	return ran
}

// sigaction is the kernel's.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// action sets what a signal does, if to is not nil, and gives what it did.
func (s *stage) action(sig unix.Signal, to *sigaction) (was sigaction) {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(&was)), 8, 0, 0)
	if errno != 0 {
		s.must(errno, "rt_sigaction")
	}
	return was
}

func (s *stage) byDefault(sig unix.Signal) { s.action(sig, &sigaction{}) }

// part starts a process of the scenario with the files as 3, 4, ... What it prints
// goes to the transcript; closing talk ends its standard input.
func (s *stage) part(part string, attr *unix.SysProcAttr, files ...int) (cmd *exec.Cmd, talk io.WriteCloser, heard io.Reader) {
	cmd = exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), partVar+"="+part)
	attr.Pdeathsig = unix.SIGKILL
	cmd.SysProcAttr = attr
	cmd.Stderr = os.Stderr
	for _, fd := range files {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		s.must(err, "duplicating")
		f := os.NewFile(uintptr(dup), "passed")
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	talk, err := cmd.StdinPipe()
	s.must(err, "making a pipe")
	heard, err = cmd.StdoutPipe()
	s.must(err, "making a pipe")
	s.must(cmd.Start(), "starting "+part)
	return cmd, talk, heard
}

// ends lets a part end by closing its input, copies what it printed and says how
// it ended.
func (s *stage) ends(label string, cmd *exec.Cmd, talk io.Closer, heard io.Reader) {
	_ = talk.Close()
	_, err := io.Copy(s.w, heard)
	s.must(err, "listening to a part")
	_ = cmd.Wait() // its state says it
	s.say("%s: %v", label, cmd.ProcessState)
}

// line waits for the next line of a part.
func (s *stage) line(heard io.Reader) string {
	var b strings.Builder
	one := make([]byte, 1)
	for {
		_, err := io.ReadFull(heard, one)
		s.must(err, "listening to a part")
		if one[0] == '\n' {
			return b.String()
		}
		b.WriteByte(one[0])
	}
}

// leads is the attribute of a process that leads a session whose controlling terminal is
// its descriptor fd.
func leads(fd int) *unix.SysProcAttr {
	return &unix.SysProcAttr{Setsid: true, Setctty: true, Ctty: fd}
}

// waits is a part that says that it is there and ends with its input.
func waits(s *stage) {
	s.say("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // any end is one
}

func init() { parts["waits"] = waits }

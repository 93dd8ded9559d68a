package oracle

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// calls makes system calls for one process: the observer's in this process, the others'
// each in a helper.
type calls struct {
	fds    map[string]int
	caught chan os.Signal
}

func newCalls() *calls {
	return &calls{fds: make(map[string]int), caught: make(chan os.Signal, 256)}
}

func (k *calls) do(op Op) Result {
	switch op.Call {
	case Open, Peer:
		return k.open(op)
	case Setsid:
		_, err := unix.Setsid()
		return fail(err)
	case Setpgid:
		return fail(unix.Setpgid(0, int(op.Value)))
	case Setuid:
		id := int(op.Value)
		if err := syscall.Setgid(id); err != nil {
			return fail(err)
		}
		return fail(syscall.Setuid(id))
	case Exit:
		os.Exit(0)
	case Ignore:
		signal.Ignore(syscall.Signal(op.Value))
		return Result{}
	case Default:
		return fail(sigaction(int(op.Value), func(a *kernelSigaction) { *a = kernelSigaction{} }))
	case Catch:
		signal.Notify(k.caught, syscall.Signal(op.Value))
		return fail(sigaction(int(op.Value), func(a *kernelSigaction) { a.flags &^= saRestart }))
	case Block:
		var set unix.Sigset_t
		set.Val[0] = 1 << (op.Value - 1)
		return fail(unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil))
	case Signals:
		return k.signals()
	case WaitFor:
		return waitFor(int(op.Value))
	case Kill:
		return fail(unix.Kill(int(op.Value), unix.Signal(op.N)))
	}
	fd, ok := k.fds[op.End]
	if !ok {
		return fail(unix.EBADF)
	}
	return k.onFD(op, fd)
}

func (k *calls) onFD(op Op, fd int) Result {
	switch op.Call {
	case Close:
		delete(k.fds, op.End)
		return fail(unix.Close(fd))
	case Read:
		b := make([]byte, op.N)
		n, err := unix.Read(fd, b)
		if err != nil {
			return fail(err)
		}
		return Result{N: n, Data: b[:n]}
	case Write:
		n, err := unix.Write(fd, op.Data)
		if err != nil {
			return fail(err)
		}
		return Result{N: n}
	case Poll:
		e, err := poll(fd)
		return Result{Errno: errno(err), Events: e}
	case Ioctl:
		return ioctl(fd, op)
	}
	return fail(unix.EINVAL)
}

func (k *calls) open(op Op) Result {
	flags := unix.O_RDWR | unix.O_CLOEXEC
	switch {
	case op.Flags&ReadOnly != 0:
		flags = unix.O_RDONLY | unix.O_CLOEXEC
	case op.Flags&WriteOnly != 0:
		flags = unix.O_WRONLY | unix.O_CLOEXEC
	}
	if op.Flags&NoCtty != 0 {
		flags |= unix.O_NOCTTY
	}
	if op.Flags&NonBlock != 0 {
		flags |= unix.O_NONBLOCK
	}
	var fd int
	var err error
	if op.Call == Peer {
		from, ok := k.fds[op.End]
		if !ok {
			return fail(unix.EBADF)
		}
		r, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(from), pts.TIOCGPTPEER, uintptr(flags))
		if fd = int(r); e != 0 {
			err = e
		}
		if e == unix.ENOTTY { // no TIOCGPTPEER there: by name, as a libc does then
			if n, nerr := unix.IoctlGetInt(from, pts.TIOCGPTN); nerr == nil {
				fd, err = unix.Open("/dev/pts/"+strconv.Itoa(n), flags, 0)
			}
		}
	} else {
		// Data is the path, which the driver knows.
		fd, err = unix.Open(string(op.Data), flags, 0)
	}
	if err != nil {
		return fail(err)
	}
	if old, ok := k.fds[op.As]; ok {
		_ = unix.Close(old) // nobody can name it any more
	}
	k.fds[op.As] = fd
	return Result{}
}

func ioctl(fd int, op Op) Result {
	arg := uintptr(op.Value)
	b := make([]byte, 256) // more than any request fills, also one that the language misjudges
	copy(b, op.Data)
	var e unix.Errno
	var r uintptr
	switch {
	case op.BadPtr:
		r, _, e = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(op.Req), 1)
	case op.Data == nil:
		r, _, e = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(op.Req), arg)
	default:
		r, _, e = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(op.Req), uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	}
	runtime.KeepAlive(b)
	if e != 0 {
		return fail(e)
	}
	return Result{N: int(r), Data: b[:len(op.Data)]}
}

func poll(fd int) (wait.Events, error) {
	const all = wait.In | wait.Pri | wait.Out | wait.RdNorm | wait.WrNorm | wait.RdHup
	p := []unix.PollFd{{Fd: int32(fd), Events: int16(all)}}
	_, err := unix.Poll(p, 0)
	return wait.Events(uint16(p[0].Revents)), err
}

// signals tells which were caught since it was asked last. Pending signals are delivered
// lowest number first, so two of a high number to itself come after all that were sent before.
func (k *calls) signals() Result {
	const marker = syscall.Signal(64)
	res := Result{}
	seen := make(map[int]bool)
	signal.Notify(k.caught, marker)
	for range 2 {
		if err := unix.Kill(unix.Getpid(), unix.Signal(marker)); err != nil {
			return fail(err)
		}
		for s := range k.caught {
			n := int(s.(syscall.Signal))
			if s == marker {
				break
			}
			if !seen[n] {
				seen[n] = true
				res.Caught = append(res.Caught, n)
			}
		}
	}
	return res
}

func waitFor(pid int) Result {
	var st unix.WaitStatus
	got, err := unix.Wait4(pid, &st, unix.WNOHANG|unix.WUNTRACED, nil)
	switch {
	case err != nil:
		return fail(err)
	case got == 0:
		return Result{Text: "running"}
	case st.Stopped():
		return Result{Text: "stopped " + signalName(int(st.StopSignal()))}
	case st.Signaled():
		return Result{Text: "killed " + signalName(int(st.Signal()))}
	}
	return Result{Text: "exited " + strconv.Itoa(st.ExitStatus())}
}

// kernelSigaction is struct sigaction as the system call takes it.
type kernelSigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const saRestart = 0x10000000

// sigaction changes how sig is handled, beneath the Go runtime.
func sigaction(sig int, change func(*kernelSigaction)) error {
	var a kernelSigaction
	if _, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), 0, uintptr(unsafe.Pointer(&a)), 8, 0, 0); e != 0 {
		return fmt.Errorf("sigaction of signal %d: %w", sig, e)
	}
	change(&a)
	if _, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&a)), 0, 8, 0, 0); e != 0 {
		return fmt.Errorf("sigaction of signal %d: %w", sig, e)
	}
	return nil
}

func errno(err error) int {
	if e, ok := err.(syscall.Errno); ok {
		return int(e)
	}
	if err != nil {
		return int(unix.EINVAL)
	}
	return 0
}

func fail(err error) Result { return Result{Errno: errno(err)} }

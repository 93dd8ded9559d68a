//go:build linux

package fusefs

import (
	"fmt"
	"io"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/wait"
)

// stage is where a scenario acts: system calls on plain descriptors whose results are
// printed, so that two runs can be compared line by line.
type stage struct {
	w io.Writer
}

// stageError ends a scenario that cannot go on.
type stageError string

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.w, format+"\n", args...) }

func (s *stage) must(err error, doing string) {
	if err != nil {
		panic(stageError(fmt.Sprintf("%s: %v", doing, err)))
	}
}

// name is what a transcript shows of an error.
func name(err error) string {
	if err == nil {
		return "ok"
	}
	if errno := wrapped(err); errno != 0 {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

// open opens a ptm.
func (s *stage) open(flags int) int {
	fd, err := unix.Open("/dev/ptmx", flags|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	s.must(err, "opening /dev/ptmx")
	return fd
}

func (s *stage) tryOpen(label string, flags int) {
	fd, err := unix.Open("/dev/ptmx", flags|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err == nil {
		_ = unix.Close(fd)
	}
	s.say("%s: %s", label, name(err))
}

// close closes the last descriptor of a file and waits until that is done: the tap's
// release is sent after close(2) has returned, and done before a later request.
func (s *stage) close(fd int) {
	s.must(unix.Close(fd), "closing")
	s.barrier()
}

func (s *stage) barrier() {
	var st unix.Stat_t
	s.must(unix.Stat("/dev/ptmx", &st), "asking for the state of /dev/ptmx")
}

func (s *stage) index(m int) int {
	n, err := unix.IoctlGetInt(m, unix.TIOCGPTN)
	s.must(err, "TIOCGPTN")
	return n
}

func (s *stage) node(m int) string { return fmt.Sprintf("/dev/pts/%d", s.index(m)) }

func (s *stage) unlock(m int) { s.must(unix.IoctlSetPointerInt(m, unix.TIOCSPTLCK, 0), "TIOCSPTLCK") }

// pts opens the other end.
func (s *stage) pts(m int) int {
	fd, err := unix.Open(s.node(m), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	s.must(err, "opening a pts")
	return fd
}

func (s *stage) pair() (m, p int) {
	m = s.open(unix.O_RDWR)
	s.unlock(m)
	return m, s.pts(m)
}

// rawPair is a pair whose line discipline passes bytes through.
func (s *stage) rawPair() (m, p int) {
	m, p = s.pair()
	s.raw(p)
	return m, p
}

func (s *stage) raw(p int) {
	t, err := unix.IoctlGetTermios(p, unix.TCGETS)
	s.must(err, "TCGETS")
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	s.must(unix.IoctlSetTermios(p, unix.TCSETS, t), "TCSETS")
}

func (s *stage) read(label string, fd, n int) {
	b := make([]byte, n)
	n, err := unix.Read(fd, b)
	if err != nil {
		s.say("%s: read %s", label, name(err))
		return
	}
	s.say("%s: read %d %s", label, n, quote(b[:n]))
}

// readExactly returns n bytes, in however many reads, whatever they are.
func (s *stage) readExactly(fd, n int) []byte {
	b := make([]byte, n)
	for at := 0; at < n; {
		k, err := unix.Read(fd, b[at:])
		s.must(err, "reading")
		if k == 0 {
			panic(stageError("the end of the file came early"))
		}
		at += k
	}
	return b
}

func (s *stage) write(label string, fd int, data string) {
	n, err := unix.Write(fd, []byte(data))
	if err != nil {
		n = 0
	}
	s.say("%s: write %d %s", label, n, name(err))
}

// put is write where only success goes on.
func (s *stage) put(fd int, data string) {
	n, err := unix.Write(fd, []byte(data))
	s.must(err, "writing")
	if n != len(data) {
		panic(stageError("a write was short"))
	}
}

const pollAll = wait.In | wait.Pri | wait.Out | wait.RdNorm | wait.WrNorm | wait.RdHup

func (s *stage) readiness(fd int) wait.Events {
	fds := []unix.PollFd{{Fd: int32(fd), Events: int16(pollAll)}}
	_, err := unix.Poll(fds, 0)
	s.must(err, "poll")
	return wait.Events(uint16(fds[0].Revents))
}

func (s *stage) poll(label string, fd int) { s.say("%s: poll %v", label, s.readiness(fd)) }

// await blocks until fd has one of the events.
func (s *stage) await(fd int, events int16) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		_, err := unix.Poll(fds, -1)
		if err != unix.EINTR {
			s.must(err, "poll")
			return
		}
	}
}

// settle lets what was written arrive: the kernel hands it over on a worker, and a poll
// that finds nothing waits for that worker.
func (s *stage) settle(m, p int) {
	for range 3 {
		s.readiness(p)
		s.readiness(m)
	}
}

func (s *stage) setNonblock(fd int, on bool) { s.must(unix.SetNonblock(fd, on), "setting O_NONBLOCK") }

// ioctl is a request with an address or a number.
func ioctl(fd int, req uint32, arg uintptr) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(req), arg)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func (s *stage) value(label string, fd int, req uint32, arg uintptr) {
	n, err := ioctl(fd, req, arg)
	if err != nil {
		s.say("%s: %s", label, name(err))
		return
	}
	s.say("%s: %d", label, n)
}

func (s *stage) int(label string, fd int, req uint32, v int32) {
	_, err := ioctl(fd, req, uintptr(unsafe.Pointer(&v)))
	s.say("%s: %s", label, name(err))
}

// pid prints a pid that a request answers with, by the name it has in who.
func (s *stage) pid(label string, fd int, req uint32, who map[int]string) {
	var v int32
	_, err := ioctl(fd, req, uintptr(unsafe.Pointer(&v)))
	if err != nil {
		s.say("%s: %s", label, name(err))
		return
	}
	what, known := who[int(v)]
	if !known {
		what = fmt.Sprintf("stranger %d", v)
	}
	s.say("%s: %s", label, what)
}

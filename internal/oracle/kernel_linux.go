package oracle

import (
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// Kernel is the driver of real pairs, of the devpts at /dev/pts, or of what serves as one.
type Kernel struct {
	*Settler

	// Busy is called between looks at a process that seems to be blocked. It returns once who
	// answers its call had the time to, where that is not the kernel itself. nil: it is.
	Busy func()

	self   *calls
	path   string // of the pts
	socket string
	listen *net.UnixListener
	procs  []*helper // started in this conversation
}

// NewKernel makes the driver, which starts processes only for conversations that fork.
func NewKernel() (*Kernel, error) {
	if _, err := os.Stat("/dev/ptmx"); err != nil {
		return nil, fmt.Errorf("no /dev/ptmx: %w", err)
	}
	k := &Kernel{self: newCalls()}
	k.Settler = NewSettler((*kernelEnds)(k))
	var err error
	k.listen, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix"}) // the kernel chooses an abstract name
	if err != nil {
		return nil, err
	}
	k.socket = k.listen.Addr().String()
	return k, nil
}

// Close ends what Reset ends, and the driver.
func (k *Kernel) Close() error {
	k.Reset()
	return k.listen.Close()
}

// Self is the observer, in this process.
func (k *Kernel) Self() Proc { return (*observer)(k) }

// Reset closes the observer's ends and kills the processes.
func (k *Kernel) Reset() {
	for _, fd := range k.self.fds {
		_ = unix.Close(fd) // a tty reports nothing here
	}
	clear(k.self.fds)
	k.Settler.Reset()
	for _, h := range k.procs {
		h.end()
	}
	k.procs = nil
}

// Sleep waits, for those conversations whose subject is time.
func (k *Kernel) Sleep(d time.Duration) {
	_, _ = unix.Poll(nil, int(d/time.Millisecond)) // a signal that cuts it short shows as a mismatch
}

// kernelEnds are the observer's.
type kernelEnds Kernel

func (k *kernelEnds) Any() bool    { return len(k.self.fds) > 0 }
func (k *kernelEnds) Others() bool { return len(k.procs) > 0 }

func (k *kernelEnds) Named(name string) Asked {
	fd, ok := k.self.fds[name]
	if !ok {
		return nil
	}
	return kernelEnd(fd)
}

// kernelEnd is a descriptor.
type kernelEnd int

func (fd kernelEnd) Poll() wait.Events {
	e, err := poll(int(fd))
	if err != nil {
		return wait.Err
	}
	return e
}

func (fd kernelEnd) Ioctl(_ pts.Caller, req uint32, arg []byte) (int, error) {
	res := ioctl(int(fd), Op{Req: req, Data: arg})
	if res.Errno != 0 {
		return 0, unix.Errno(res.Errno)
	}
	copy(arg, res.Data)
	return res.N, nil
}

// observer is the process that asks.
type observer Kernel

func (o *observer) PID() int       { return os.Getpid() }
func (o *observer) Result() Result { return Result{} }

func (o *observer) Do(op Op) Result {
	k := (*Kernel)(o)
	k.Before(op)
	op = k.prepare(op, k.self)
	for {
		res := k.self.do(op)
		if res.Errno != int(unix.EINTR) { // a signal of the Go runtime
			return res
		}
	}
}

func (o *observer) Fork(ends []string) (Proc, error) {
	k := (*Kernel)(o)
	pid, err := startHelper(k.socket, ends, k.self.fds)
	if err != nil {
		return nil, fmt.Errorf("start a helper: %w", err)
	}
	return k.accept(pid)
}

// prepare puts the path into an open, once it is known.
func (k *Kernel) prepare(op Op, self *calls) Op {
	if op.Call != Open {
		return op
	}
	switch op.End {
	case "ptm":
		op.Data = []byte("/dev/ptmx")
	case "tty":
		op.Data = []byte("/dev/tty")
	default:
		if fd, ok := self.fds["ptm"]; ok {
			if n, err := unix.IoctlGetInt(fd, pts.TIOCGPTN); err == nil {
				k.path = "/dev/pts/" + strconv.Itoa(n)
			}
		}
		op.Data = []byte(k.path)
	}
	return op
}

// accept waits for a helper that was started. child is its pid where it is ours.
func (k *Kernel) accept(child int) (*helper, error) {
	if err := k.listen.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	conn, err := k.listen.Accept()
	if err != nil {
		return nil, fmt.Errorf("a helper did not come: %w", err)
	}
	h := &helper{k: k, conn: conn, enc: gob.NewEncoder(conn), dec: gob.NewDecoder(conn), child: child, answers: make(chan Result, 1)}
	if err := h.dec.Decode(&h.hello); err != nil {
		return nil, fmt.Errorf("a helper said nothing: %w", err)
	}
	k.procs = append(k.procs, h)
	return h, nil
}

// helper is a process of the conversation.
type helper struct {
	k       *Kernel
	conn    net.Conn
	enc     *gob.Encoder
	dec     *gob.Decoder
	child   int // its pid where this process has to reap it, else 0
	answers chan Result
	left    bool // a call has not returned
	reading bool // that call is a read
	hello
}

func (h *helper) PID() int { return h.hello.PID }

func (h *helper) Do(op Op) Result {
	h.k.moving = true
	if h.left && (op.Call == Close || op.Call == Poll) {
		return Result{Blocked: true}
	}
	if op.Call == Exit {
		return h.exit()
	}
	return h.order(order{Op: h.k.prepare(op, h.k.self)})
}

// exit returns when the process has exited: its last breath closes the connection, and only
// then its terminal is given up.
func (h *helper) exit() Result {
	fd, err := unix.PidfdOpen(h.hello.PID, 0)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(fd)
	res := h.order(order{Op: Op{Call: Exit}})
	if res.Stopped || res.Blocked || res.Errno != 0 {
		return res // it has not been told
	}
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		if err != unix.EINTR {
			return res
		}
	}
}

func (h *helper) Fork(ends []string) (Proc, error) {
	if res := h.order(order{Fork: true, Ends: ends}); failed(res) != "" {
		return nil, fmt.Errorf("fork: %s", outcome(res))
	}
	return h.k.accept(0)
}

func (h *helper) order(o order) Result {
	if h.left {
		return Result{Errno: int(unix.EBUSY)} // one call at a time
	}
	if err := h.enc.Encode(o); err != nil {
		return Result{Errno: int(unix.ESRCH)}
	}
	h.left, h.reading = true, o.Op.Call == Read
	go func() {
		var res Result
		if err := h.dec.Decode(&res); err != nil {
			res = Result{Errno: int(unix.ESRCH)} // it was killed, or has exited as it was told
			if o.Op.Call == Exit {
				res.Errno = 0
			}
		}
		h.answers <- res
	}()
	if o.Fork {
		h.left = false
		return <-h.answers // it waits for the child's exec, which looks like waiting for a terminal
	}
	return h.Result()
}

// Result waits until the call returns, or the process sleeps in it or is stopped. A
// process that something woke is not asleep, so a few looks in a row settle it.
func (h *helper) Result() Result {
	looks := 3
	if h.k.Busy != nil {
		looks *= 4
	}
	asleep, stopped := 0, 0
	for h.left {
		select {
		case res := <-h.answers:
			h.left = false
			if h.reading && failed(res) == "" && res.Data == nil {
				res.Data = []byte{} // gob does not tell it from none
			}
			return res
		case <-time.After(time.Millisecond):
		}
		if h.k.Busy != nil {
			h.k.Busy()
		}
		switch state := h.state(); {
		case state == 'T':
			asleep, stopped = 0, stopped+1
		case state == 'S' && h.inCall():
			asleep, stopped = asleep+1, 0
		default:
			asleep, stopped = 0, 0
		}
		if stopped >= looks {
			return Result{Stopped: true}
		}
		if asleep >= looks {
			return Result{Blocked: true}
		}
	}
	return Result{}
}

// state is the letter of /proc/PID/stat for the thread that makes the calls, but T only
// once all threads have stopped, which is when the parent is told.
func (h *helper) state() byte {
	dir := fmt.Sprintf("/proc/%d/task/", h.hello.PID)
	state := threadState(dir + strconv.Itoa(h.Thread))
	if state != 'T' {
		return state
	}
	threads, err := os.ReadDir(dir)
	for _, t := range threads {
		if threadState(dir+t.Name()) != 'T' {
			return 'R'
		}
	}
	if err != nil {
		return 'X'
	}
	return 'T'
}

func threadState(dir string) byte {
	b, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return 'X'
	}
	s := string(b)
	if i := strings.LastIndexByte(s, ')'); i >= 0 && i+2 < len(s) {
		return s[i+2]
	}
	return 'X'
}

// inCall tells whether that thread is in a call on a terminal, not in one of the Go runtime's.
func (h *helper) inCall() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", h.hello.PID, h.Thread))
	if err != nil {
		return false
	}
	number, _, _ := strings.Cut(string(b), " ")
	n, err := strconv.Atoi(number)
	return err == nil && (n == unix.SYS_READ || n == unix.SYS_WRITE || n == unix.SYS_IOCTL || n == unix.SYS_OPENAT)
}

// end kills the process and waits until it is gone, where it is ours to wait for.
func (h *helper) end() {
	_ = unix.Kill(h.hello.PID, unix.SIGKILL) // it may have ended
	if h.child != 0 {
		var st unix.WaitStatus
		for {
			if _, err := unix.Wait4(h.child, &st, 0, nil); !errors.Is(err, unix.EINTR) {
				break
			}
		}
	}
	_ = h.conn.Close()
	if h.left {
		<-h.answers
	}
}

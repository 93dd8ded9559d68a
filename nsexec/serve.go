//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inside is the supervisor, as it is in its own process. One goroutine does everything, on one
// locked thread, because only the children of that thread are in the pid namespace;
// a second one reads requests.
type inside struct {
	peer     *peer
	proc     int          // O_PATH fd of a /proc that knows this process
	dev      uint64       // st_dev of the instance
	reaper   *reaper      // nil without a pid namespace
	programs map[int]bool // started and not reaped
	ended    bool         // nothing can be started any more
}

// supervisorMain is the life of a process that spawn or takeOver started.
func supervisorMain() {
	runtime.LockOSThread()
	setComm()
	children := ownSignals()
	closeInherited(socketFD)
	p, err := newPeer(os.NewFile(socketFD, "server"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "ptsns: supervisor: %v\n", err)
		os.Exit(1)
	}
	s := &inside{peer: p, proc: -1, programs: map[int]bool{}}
	if s.first() {
		s.run(children)
	}
	os.Exit(0)
}

// setComm names this process as people know it, and not "exe".
func setComm() {
	_ = os.WriteFile("/proc/self/comm", []byte("ptsns"), 0) // a name, nothing more
}

// ownSignals makes no signal end or stop this process, and makes every signal be at
// its default in its children: Go resets what it handles but not what was ignored
// when it started. The mask, which children inherit, is that of the calling thread.
// The channel tells when there may be children to reap.
func ownSignals() (children <-chan os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGCHLD)
	signal.Notify(make(chan os.Signal, 1)) // all of them, and drops them
	heedIgnored()
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil) // cannot fail
	return c
}

// heedIgnored puts the signals that are still ignored to their default: those that Go
// leaves alone, the first of the real-time ones, which some make(1) ignore in all that
// they start.
func heedIgnored() {
	const first, last, sigIgn = 1, 64, 1
	for sig := uintptr(first); sig <= last; sig++ {
		var action [8]uint64 // struct sigaction of every architecture fits, and begins with the handler
		if !sigaction(sig, nil, &action) || action[0] != sigIgn {
			continue
		}
		sigaction(sig, new([8]uint64), nil) // all zero is SIG_DFL; SIGKILL and SIGSTOP are never ignored
	}
}

func sigaction(sig uintptr, set, old *[8]uint64) bool {
	const sigsetSize = 8
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), sigsetSize, 0, 0)
	return errno == 0
}

// closeInherited closes whatever else those who started us left open, so that
// neither we nor the programs keep it. What this process opened itself is not
// inheritable, and last is not any more.
func closeInherited(last int) {
	unix.CloseOnExec(last)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return // without it there is no telling them apart
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= last {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd) // not ours
		}
	}
}

// first does the first request. Only if it returns true is this process the one
// that goes on.
func (s *inside) first() bool {
	var r request
	if _, err := s.peer.receive(&r); err != nil {
		return false
	}
	if r.Op != opBuild {
		s.answer(r, s.do(r))
		return true
	}
	b := &builder{cfg: r.Config}
	defer b.close()
	err := b.build()
	if err != nil {
		s.answer(r, reply{Err: toWire(err)})
		return true
	}
	a, files := b.answer()
	if r.Config.UserNS {
		if a.PID, err = takeOver(s.peer, r.Config.Name); err != nil {
			s.answer(r, reply{Err: toWire(err)})
			return true
		}
	}
	s.answer(r, reply{Built: a}, files...)
	return a.PID == os.Getpid()
}

// takeOver starts the process that serves, in a user namespace below the one that
// made the mounts. The copy of them there is locked: a root in it can neither
// unmount nor uncover anything. It becomes a child of our parent.
func takeOver(p *peer, name string) (pid int, err error) {
	socket, err := p.conn.File()
	if err != nil {
		return 0, fmt.Errorf("passing the socket on: %w", err)
	}
	defer socket.Close()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_PARENT}
	newUserNS(attr, 0, 0)
	next, err := os.StartProcess(selfExe, []string{supervisorArg0, name}, &os.ProcAttr{
		Env:   os.Environ(),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, socket},
		Sys:   attr,
	})
	if err != nil {
		if errors.Is(err, syscall.ENOENT) {
			return 0, selfError("starting the supervisor", err)
		}
		return 0, namespaceError(Config{UserNS: true}, err)
	}
	return next.Pid, nil
}

// run does what the server orders until the server is gone, and then ends what
// lives inside.
func (s *inside) run(children <-chan os.Signal) {
	requests := make(chan request)
	go s.receive(requests)
	for {
		select {
		case r, ok := <-requests:
			if !ok {
				s.end()
				return
			}
			s.answer(r, s.do(r))
		case <-children:
			s.reap()
		}
	}
}

func (s *inside) receive(requests chan<- request) {
	defer close(requests)
	for {
		var r request
		files, err := s.peer.receive(&r)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintf(os.Stderr, "ptsns: supervisor: %v\n", err)
			}
			return
		}
		closeAll(files) // none are expected
		requests <- r
	}
}

// do does one request, but for opBuild, which can only be the first.
func (s *inside) do(r request) (a reply) {
	var err error
	switch r.Op {
	case opServe:
		err = s.prepare(r.Config)
	case opActivate:
		err = activate()
	case opStart:
		a.PID, err = s.start(r.Program)
	case opKill:
		s.end()
	default:
		err = fmt.Errorf("request %d: %w", r.Op, syscall.EBADRQC)
	}
	a.Err = toWire(err)
	return a
}

func (s *inside) answer(r request, a reply, files ...int) {
	a.Seq = r.Seq
	s.send(a, files...)
}

// send fails only when the server is gone, which receive will see.
func (s *inside) send(a reply, files ...int) {
	if err := s.peer.send(a, files...); err != nil && !errors.Is(err, syscall.EPIPE) {
		fmt.Fprintf(os.Stderr, "ptsns: supervisor: %v\n", err)
	}
}

// prepare gets this process ready to start programs.
func (s *inside) prepare(cfg Config) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming the reaper of orphans: %w", err)
	}
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening /proc: %w", err)
	}
	s.proc = proc
	var st unix.Stat_t
	if err := unix.Stat(ptsDir, &st); err != nil {
		return fmt.Errorf("finding the instance: %w", err)
	}
	s.dev = st.Dev
	if !cfg.PIDNS {
		return nil
	}
	s.reaper, err = startReaper(cfg.Name)
	return err
}

// activate asks whoever serves the tap for its attributes. Without a tap this is a
// look at a device.
func activate() error {
	var st unix.Stat_t
	if err := unix.Stat(ptmxPts, &st); err != nil {
		return fmt.Errorf("looking at %s: %w", ptmxPts, err)
	}
	return nil
}

// reap takes every child that has ended, orphans from inside included, and tells
// the server of those it had us start.
func (s *inside) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid == 0 {
			return
		}
		if s.programs[pid] {
			delete(s.programs, pid)
			s.send(reply{PID: pid, Status: status})
		}
	}
}

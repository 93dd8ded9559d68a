//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// errGone is the answer when there is no supervisor to give one.
var errGone = errors.New("the supervisor has ended")

// Supervisor is a namespace that Start made, held by the process in it. Its methods
// are safe for concurrent use. It owns one goroutine, which reads the supervisor's
// messages and ends with it.
type Supervisor struct {
	peer *peer
	proc *os.Process // the supervisor; owned by read until Start returns, then immutable
	done chan struct{}

	ptmx                   Ptmx // immutable after Start, like all below
	note                   string
	instance, parent, fuse *os.File

	sendMu sync.Mutex // serializes requests; held while writing to the socket, and nothing else

	mu       sync.Mutex
	seq      uint64                           // guarded by mu
	waiting  map[uint64]*call                 // requests without an answer; guarded by mu; nil when there is no supervisor
	programs map[int]func(syscall.WaitStatus) // what to tell when a program ends; guarded by mu
}

// call is a request on its way.
type call struct {
	answer chan answer // has room for one
	ended  func(syscall.WaitStatus)
}

type answer struct {
	reply reply
	files []*os.File
}

// Start makes a namespace. When it returns, the mounts are made, nothing runs inside
// yet and, if Fuse is not nil, requests for the tap wait to be served. On error
// nothing is left. A refused item of Config.Options is a *kpts.MountError.
func Start(cfg Config) (*Supervisor, error) {
	if err := cfg.resolveRoot(); err != nil {
		return nil, err
	}
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, err
	}
	proc, err := spawn(cfg, theirs)
	_ = theirs.Close() // only the supervisor keeps it, so that its end is seen
	if err != nil {
		_ = ours.Close() // nobody is there
		return nil, err
	}
	p, err := newPeer(ours)
	if err != nil {
		_ = proc.Kill() // it has made nothing that outlives it
		_, _ = proc.Wait()
		return nil, err
	}
	s := &Supervisor{
		peer:     p,
		proc:     proc,
		done:     make(chan struct{}),
		waiting:  map[uint64]*call{},
		programs: map[int]func(syscall.WaitStatus){},
	}
	go s.read()
	if err := s.build(cfg); err != nil {
		s.closeFiles()
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// build gives the supervisor its first two orders.
func (s *Supervisor) build(cfg Config) error {
	a, err := s.call(request{Op: opBuild, Config: cfg}, nil)
	if err != nil {
		return err
	}
	b := a.reply.Built
	s.ptmx, s.note = b.Config.Ptmx, b.Note
	files := a.files
	for _, f := range []struct {
		sent bool
		to   **os.File
	}{{b.Instance, &s.instance}, {b.Parent, &s.parent}, {b.Fuse, &s.fuse}} {
		if f.sent && len(files) > 0 {
			*f.to, files = files[0], files[1:]
		}
	}
	_, err = s.call(request{Op: opServe, Config: b.Config}, nil)
	return err
}

// Ptmx is the redirection that was made.
func (s *Supervisor) Ptmx() Ptmx { return s.ptmx }

// Note says in one line why Ptmx is not the default one; "" when it is, or was
// asked for.
func (s *Supervisor) Note() string { return s.note }

// Instance is the root of the instance, with nothing mounted on it: "ptmx" in it is
// the kernel's. With SharePts it is the parent's /dev/pts with everything that was
// mounted there. It is the caller's to close.
func (s *Supervisor) Instance() *os.File { return s.instance }

// Parent is a detached mount of the instance, for the parent to attach. It is nil
// with UserNS or SharePts. It is the caller's to close.
func (s *Supervisor) Parent() *os.File { return s.parent }

// Fuse is the /dev/fuse descriptor of the tap, which no process has read yet; nil
// unless Ptmx is Tap. Its requests name users as the namespace's user namespace
// does and processes as this process's pid namespace does. It is the caller's to
// close, which ends the tap.
func (s *Supervisor) Fuse() *os.File { return s.fuse }

// PID is the supervisor's process. Its /proc/PID/root is the namespace's.
func (s *Supervisor) PID() int { return s.proc.Pid }

// Done is closed when the supervisor has ended and is waited for.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Activate makes the kernel learn the size of the tap, which it must know before
// anybody writes to it. It waits for the answer of whoever serves Fuse. Without
// a tap it does nothing.
func (s *Supervisor) Activate() error {
	_, err := s.call(request{Op: opActivate}, nil)
	return err
}

// Start starts p and returns its pid, as this process's pid namespace knows it. When
// the program has ended and is reaped, ended is called once, possibly before Start
// has returned; it must not block. ended may be nil. If the supervisor dies, the
// status says that the program was killed.
//
// Start fails with a *StartError when the program, its directory or its terminal
// is at fault.
func (s *Supervisor) Start(p Program, ended func(syscall.WaitStatus)) (pid int, err error) {
	if ended == nil {
		ended = func(syscall.WaitStatus) {}
	}
	a, err := s.call(request{Op: opStart, Program: p}, ended)
	if err != nil {
		return 0, err
	}
	return a.reply.PID, nil
}

// Kill ends everything that lives inside, whatever it does about it: hangup first,
// terminate after half a second and kill after a second, for what is left. It returns
// when nothing is left. No program can be started any more. An error means that the
// supervisor was killed, and whatever it had started may still be there.
func (s *Supervisor) Kill() error {
	_, err := s.call(request{Op: opKill}, nil)
	return err
}

// Close ends the supervisor and waits for it. What still lives inside is hung up,
// and killed after a second. The files stay open.
func (s *Supervisor) Close() error {
	err := s.peer.conn.CloseWrite()
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ENOTCONN) {
		return fmt.Errorf("ending the supervisor: %w", err)
	}
	<-s.done
	return nil
}

func (s *Supervisor) closeFiles() {
	for _, f := range []*os.File{s.instance, s.parent, s.fuse} {
		if f != nil {
			_ = f.Close() // nobody has them
		}
	}
}

// call sends r and waits for its answer.
func (s *Supervisor) call(r request, ended func(syscall.WaitStatus)) (answer, error) {
	c := &call{answer: make(chan answer, 1), ended: ended}
	s.mu.Lock()
	if s.waiting == nil {
		s.mu.Unlock()
		return answer{}, errGone
	}
	s.seq++
	r.Seq = s.seq
	s.waiting[r.Seq] = c
	s.mu.Unlock()

	s.sendMu.Lock()
	err := s.peer.send(r)
	s.sendMu.Unlock()
	if errors.Is(err, syscall.E2BIG) {
		s.mu.Lock()
		delete(s.waiting, r.Seq)
		s.mu.Unlock()
		return answer{}, err
	}
	// Any other failure means that the supervisor is ending: read will say so.
	a, ok := <-c.answer
	if !ok {
		return answer{}, errGone
	}
	return a, a.reply.Err.err()
}

// read delivers what the supervisor says until it ends.
func (s *Supervisor) read() {
	defer close(s.done)
	for {
		var r reply
		files, err := s.peer.receive(&r)
		if err != nil {
			break
		}
		if r.Seq == 0 {
			s.tell(r.PID, r.Status)
			continue
		}
		if r.Built != nil && r.Built.PID != s.proc.Pid {
			s.follow(r.Built.PID)
		}
		s.deliver(answer{reply: r, files: files})
	}
	_ = s.peer.conn.Close() // lets a supervisor that talks nonsense go
	_, _ = s.proc.Wait()    // nobody else waits for it
	s.abandon()
}

// follow waits for the end of the process that made the mounts and takes pid for
// the supervisor, which is a child of this process too.
func (s *Supervisor) follow(pid int) {
	_, _ = s.proc.Wait() // it has answered, so it has done its work
	proc, err := os.FindProcess(pid)
	if err != nil {
		panic(err) // documented to be nil on Unix
	}
	s.proc = proc
}

// deliver hands a to the call that waits for it. A program that it says was started
// is known before the news of its end can be read.
func (s *Supervisor) deliver(a answer) {
	s.mu.Lock()
	c := s.waiting[a.reply.Seq]
	delete(s.waiting, a.reply.Seq)
	if c != nil && c.ended != nil && a.reply.Err == nil {
		s.programs[a.reply.PID] = c.ended
	}
	s.mu.Unlock()
	if c == nil {
		closeAll(a.files)
		return
	}
	c.answer <- a
}

// tell says that the program pid has ended.
func (s *Supervisor) tell(pid int, status syscall.WaitStatus) {
	s.mu.Lock()
	ended := s.programs[pid]
	delete(s.programs, pid)
	s.mu.Unlock()
	if ended != nil {
		ended(status)
	}
}

// abandon answers everybody who waits for a supervisor that is no more.
func (s *Supervisor) abandon() {
	s.mu.Lock()
	waiting, programs := s.waiting, s.programs
	s.waiting, s.programs = nil, nil
	s.mu.Unlock()
	for _, c := range waiting {
		close(c.answer)
	}
	for _, ended := range programs {
		ended(syscall.WaitStatus(syscall.SIGKILL))
	}
}

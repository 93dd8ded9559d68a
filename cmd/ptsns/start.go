package main

import (
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
	"golang.org/x/sys/unix"
)

// What a server inherits from the client that starts it.
const (
	fdControl = 3 + iota // the first control connection
	fdConfig             // a server.Config as gob, since paths need not be UTF-8
	fdStatus             // takes one serverStatus
	fdLock               // the entry's lock
)

// serverStatus is what a server says of its start.
type serverStatus struct {
	Ready bool   `json:"ready,omitempty"`
	Note  string `json:"note,omitempty"` // what people should know: why the tap is none
	Error string `json:"error,omitempty"`
}

const (
	startTime  = 30 * time.Second // that a server may take for its start
	settleTime = 5 * time.Second  // that a server without work may take for its end
)

// serverProcess is a server that this process started.
type serverProcess struct {
	name   string
	socket string
	client *control.Client // on the inherited connection
	dir    *rundir.Dir
	proc   *os.Process
	exited chan struct{} // closed when it has ended and was waited for
}

// startServer starts the server of entry, which becomes the server's, and returns
// when the namespace is made. On error neither is left.
func startServer(dir *rundir.Dir, entry *rundir.Entry, cfg server.Config) (*serverProcess, string, error) {
	s, status, err := spawnServer(dir, entry, cfg)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("start the server: %w", err), entry.Remove())
	}
	st, err := s.awaitReady(status, entry)
	if err != nil {
		return nil, "", err
	}
	return s, st.Note, nil
}

// spawnServer starts the process and hands it all that fdControl and the others
// name. status is what it will say.
func spawnServer(dir *rundir.Dir, entry *rundir.Entry, cfg server.Config) (s *serverProcess, status *os.File, err error) {
	// Nothing that our own parent left open may live on in the server.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return nil, nil, os.NewSyscallError("close_range", err)
	}
	log, err := os.OpenFile(entry.Log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	conn, theirs, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	defer theirs.Close()
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	configR, configW, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer configR.Close()
	defer configW.Close()
	statusR, statusW, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer statusW.Close()

	cmd := exec.Command(self(), "serve", cfg.Name)
	cmd.Args[0] = "ptsns"
	cmd.Dir = "/"
	cmd.Env = mergeEnv(os.Environ(), []string{"PTSNS_RUNTIME_DIR=" + dir.Path()}) // ours may be relative
	cmd.Stderr = log
	cmd.ExtraFiles = []*os.File{theirs, configR, statusW, entry.Lock()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = statusR.Close()
		return nil, nil, err
	}
	s = &serverProcess{
		name: cfg.Name, socket: entry.Socket(), client: control.NewClient(conn), dir: dir,
		proc: cmd.Process, exited: make(chan struct{}),
	}
	go func() { // ends with the server
		_ = cmd.Wait() // how it ended, its log and status tell
		close(s.exited)
	}()
	_ = gob.NewEncoder(configW).Encode(cfg) // a server that is not there to read it is heard of by its status
	return s, statusR, nil
}

// awaitReady waits for the server's word and lets go of the entry. On error the
// server has gone.
func (s *serverProcess) awaitReady(status *os.File, entry *rundir.Entry) (serverStatus, error) {
	defer status.Close()
	defer entry.Release()
	_ = status.SetReadDeadline(time.Now().Add(startTime)) // a pipe has deadlines
	var st serverStatus
	err := json.NewDecoder(io.LimitReader(status, 64<<10)).Decode(&st)
	if err == nil && st.Ready {
		return st, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = s.proc.Kill()
	}
	s.abandon()
	if st.Error != "" {
		return st, errors.New(st.Error)
	}
	entry.Release() // nobody has it now, so it is cleaned
	cleaned, cerr := s.dir.Clean()
	for _, c := range cleaned {
		if c.Name == s.name && c.Log != "" {
			return st, fmt.Errorf("the server ended before it was ready: %s", printable(c.Log))
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return st, errors.Join(errors.New("the server did not get ready in time"), cerr)
	}
	return st, errors.Join(errors.New("the server ended before it was ready"), cerr)
}

// abandon gives up a server that has no program yet and returns when it has gone:
// the end of its first connection tells it to.
func (s *serverProcess) abandon() {
	_ = s.client.Close() // it may have gone already
	select {
	case <-s.exited:
		return
	case <-time.After(settleTime):
	}
	_ = s.proc.Kill() // what it leaves, the next command cleans
	<-s.exited
}

// settle waits for the server's end where the end of our program, on terminal
// index, ought to bring it: nothing is left then when we return.
func (s *serverProcess) settle(index int) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if s.inUse(ctx, index) {
		return
	}
	select {
	case <-s.exited:
	case <-ctx.Done():
	}
}

// inUse tells whether the namespace has another terminal than that.
func (s *serverProcess) inUse(ctx context.Context, index int) bool {
	c, err := control.Dial(ctx, s.socket)
	if err != nil {
		return false // it is ending
	}
	defer c.Close()
	state, err := c.State(ctx)
	if err != nil {
		return false
	}
	for _, t := range state.Terminals {
		if t.Index != index {
			return true
		}
	}
	return false
}

// socketPair makes a connection, the other end of which is for a child.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "control")
	defer ours.Close() // FileConn has its own
	theirs := os.NewFile(uintptr(fds[1]), "control")
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}

// self is a path of this executable, one that works when its file was removed too.
func self() string {
	path, err := os.Executable()
	if err != nil || strings.HasSuffix(path, " (deleted)") {
		return "/proc/self/exe"
	}
	return path
}

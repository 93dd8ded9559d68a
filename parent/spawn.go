//go:build linux

package parent

import (
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
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

// spawn starts the process and hands it all that fdControl and the others name. status
// is what it will say.
func (p *Parent) spawn(program string, entry *rundir.Entry, cfg server.Config) (s *Server, status *os.File, err error) {
	// Nothing that our own parent left open may live on in the server.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return nil, nil, os.NewSyscallError("close_range", err)
	}
	log, err := os.OpenFile(entry.Log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	conn, theirs, err := usock.Pair()
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

	cmd := exec.Command(program, "serve-namespace", cfg.Name)
	cmd.Args[0] = "ptsns"
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "PTSNS_RUNTIME_DIR="+p.dir.Path()) // ours may be relative; the last counts
	cmd.Stderr = log
	cmd.ExtraFiles = []*os.File{theirs, configR, statusW, entry.Lock()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = statusR.Close()
		return nil, nil, err
	}
	s = &Server{parent: p, name: cfg.Name, client: control.NewClient(conn), proc: cmd.Process, exited: make(chan struct{})}
	go func() { // ends with the server
		_ = cmd.Wait() // how it ended, its log and status tell
		close(s.exited)
	}()
	_ = gob.NewEncoder(configW).Encode(cfg) // a server that is not there to read it is heard of by its status
	return s, statusR, nil
}

// awaitReady waits for the server's word and lets go of the entry. On error the
// server has gone.
func (s *Server) awaitReady(ctx context.Context, status *os.File, entry *rundir.Entry) (serverStatus, error) {
	defer status.Close()
	defer entry.Release()
	defer context.AfterFunc(ctx, func() { _ = status.SetReadDeadline(time.Unix(1, 0)) })() // a pipe has deadlines
	var st serverStatus
	err := json.NewDecoder(io.LimitReader(status, 64<<10)).Decode(&st)
	if err == nil && st.Ready {
		return st, nil
	}
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if late {
		_ = s.proc.Kill()
	}
	s.Abandon()
	if st.Error != "" {
		return st, errors.New(st.Error)
	}
	entry.Release() // nobody has it now, so it is cleaned
	cleaned, cerr := s.parent.dir.Clean()
	for _, c := range cleaned {
		if c.Name == s.name && c.Log != "" {
			return st, fmt.Errorf("the server ended before it was ready: %s", c.Log)
		}
	}
	if late {
		return st, errors.Join(fmt.Errorf("the server did not get ready in time: %w", context.Cause(ctx)), cerr)
	}
	return st, errors.Join(errors.New("the server ended before it was ready"), cerr)
}

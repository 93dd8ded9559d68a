//go:build linux

package parent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/server"
)

const (
	startTime  = 30 * time.Second // that a server may take for its start
	settleTime = 5 * time.Second  // that a server without work may take for its end
)

// Server is a server that this process started.
type Server struct {
	parent *Parent
	name   string
	client *control.Client // on the connection it inherited
	proc   *os.Process
	exited chan struct{} // closed when it has ended and was waited for
}

// Create makes a namespace with a server of its own, a process that outlives this one
// and is this program when that is ptsns, else the ptsns found in PATH, which should be
// of the same version. An empty cfg.Name takes the first of vs1, vs2, ... that is free;
// a taken one is rundir.ErrTaken. What a dead server left under the name is cleaned
// first. It returns when the namespace is there, within thirty seconds; when ctx is done
// before, or on any other error, nothing of it is left.
//
// The namespace has no program yet: start one with Client. Until then it ends with that
// client's connection, and so with this process; afterwards when its first program has
// ended and no terminal is open.
//
// note is what people should know, "" for nothing: why terminals that programs inside
// open cannot be joined.
//
// File descriptors of this process that are not closed at exec become so: nothing of
// ours may live on in the server.
func (p *Parent) Create(ctx context.Context, cfg server.Config) (_ *Server, note string, err error) {
	program, err := program()
	if err != nil {
		return nil, "", err
	}
	entry, err := p.dir.Reserve(cfg.Name)
	if err != nil {
		return nil, "", err
	}
	cfg.Name = entry.Name()
	s, status, err := p.spawn(program, entry, cfg)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("start the server: %w", err), entry.Remove())
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	st, err := s.awaitReady(ctx, status, entry)
	if err != nil {
		return nil, "", err
	}
	return s, st.Note, nil
}

// Name is the namespace's name.
func (s *Server) Name() string { return s.name }

// Client is the first connection to the server, on which the first program is to be
// started. It is always the same one.
func (s *Server) Client() *control.Client { return s.client }

// Abandon gives up a server that has no program yet and returns when it has gone: the
// end of its first connection tells it to. One that does not go in five seconds is
// killed.
func (s *Server) Abandon() {
	_ = s.client.Close() // it may have gone already
	select {
	case <-s.exited:
		return
	case <-time.After(settleTime):
	}
	_ = s.proc.Kill() // what it leaves, the next command cleans
	<-s.exited
}

// Settle waits, at most five seconds, for the server's end where the end of our program,
// on terminal index, ought to bring it: nothing is left then when it returns.
func (s *Server) Settle(index int) {
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
func (s *Server) inUse(ctx context.Context, index int) bool {
	state, err := s.parent.stateOf(ctx, s.name)
	if err != nil {
		return false // it is ending
	}
	for _, t := range state.Terminals {
		if t.Index != index {
			return true
		}
	}
	return false
}

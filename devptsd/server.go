//go:build linux

// Package devptsd serves mounts of virtual devpts instances: a process for each system,
// in which its instances live and which answers the FUSE requests of all its mounts. Each
// mounted instance is a namespace in the parent's hands (hands.go).
//
// The client mounts, in its own mount namespace, and hands the descriptor over the
// system's socket; the server makes the instance, or another mount of one, and serves
// it. It ends when its last mount is gone, and with it go the system's settings.
//
// Locks: Server.noting, Server.showing, Server.mu, then those of devpts and of fusefs. Server.mu is not held while a mount is
// served or a client answered. Goroutines: the event loop, one that accepts, one a client, one while an
// instance leaves the parent's hands.
package devptsd

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/fusefs"
	"github.com/ptsns/ptsns/procjob"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

// Server is a system at work.
type Server struct {
	system  *devpts.System  // immutable, like all down to started
	procs   *procjob.System //
	loop    *epoll.Loop     //
	entry   *rundir.Entry   // its place in the runtime directory
	cfg     Config          //
	started time.Time       //

	noting  sync.Mutex     // held while the record is written, so that the last word is the newest
	showing sync.Mutex     // held while an instance comes into the parent's hands, or leaves them
	leaving sync.WaitGroup // instances that leave them

	mu      sync.Mutex
	mounts  []*mounted                  // guarded by mu
	hands   map[*devpts.Instance]*shown // guarded by mu; of what is mounted
	tasks   map[int]*task               // guarded by mu; those with a PTS namespace, by pid
	clients map[*conn]struct{}          // guarded by mu; those that are connected
	ending  bool                        // guarded by mu: nobody comes in any more

	over chan struct{} // closed when ending was set
}

// mounted is one mount at work.
type mounted struct {
	mount   *devpts.Mount
	door    *fusefs.Door // guarded by Server.mu; nil until it is served
	source  string
	created time.Time
	dir     string        // where the client puts it
	device  string        // immutable, like all but door
	gone    chan struct{} // closed when it is unmounted
	once    sync.Once     // its end
}

// Config says how a system is served.
type Config struct {
	Generation devpts.Generation
	Home       string // the mount namespace that is the initial one to the system, as MountNamespace has it
	// Publish puts an instance into the parent's hands when it is mounted; nil: nobody has it.
	Publish func(cfg server.VirtualConfig) (Hands, error)
}

// ErrMountsLeft means that a server was ended while something was mounted. Its entry tells
// whoever cleans what to unmount.
var ErrMountsLeft = errors.New("ended while something was mounted")

// Serve serves the system of entry to first, a connection that
// was inherited, and to those that l accepts, if they are of our user or root. Serve owns both
// connections and returns when the last mount is gone and nobody is connected, or when ctx is
// done: mounts that are left then are dead, and the error is ErrMountsLeft. Removing the entry
// is the caller's.
func Serve(ctx context.Context, entry *rundir.Entry, cfg Config, first *net.UnixConn, l *net.UnixListener) error {
	loop, err := epoll.NewLoop()
	if err != nil {
		return errors.Join(err, first.Close(), l.Close())
	}
	procs, err := procjob.New(loop)
	if err != nil {
		return errors.Join(err, loop.Close(), first.Close(), l.Close())
	}
	s := &Server{
		procs: procs, loop: loop, entry: entry, cfg: cfg, started: time.Now(), hands: make(map[*devpts.Instance]*shown),
		tasks: make(map[int]*task), clients: make(map[*conn]struct{}), over: make(chan struct{}),
	}
	s.system = devpts.NewSystem(devpts.Config{Generation: cfg.Generation, Tap: s.tap})
	defer context.AfterFunc(ctx, s.end)()

	var talks sync.WaitGroup
	talk := func(c *net.UnixConn) {
		x := newConn(c)
		if !s.enter(x) {
			x.close()
			return
		}
		talks.Go(func() { // ends with the connection, which the end closes
			s.talk(x)
			s.leave(x)
		})
	}
	talk(first)
	accepting := make(chan error, 1)
	go func() { // ends when l is closed; received below
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				accepting <- err
				return
			}
			if usock.MayEnter(c) {
				talk(c)
			} else {
				_ = c.Close() // nothing was said on it yet
			}
		}
	}()
	select {
	case <-s.over:
	case err = <-accepting: // nobody can mount, or unmount, any more
		s.end()
		accepting <- nil
	}
	_ = l.Close() // what it is closed for
	<-accepting
	s.hangUp()
	talks.Wait()
	return errors.Join(err, s.closeAll())
}

// enter lets a client in, unless the end has come.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return false
	}
	s.clients[c] = struct{}{}
	return true
}

// leave is the end of a client.
func (s *Server) leave(c *conn) {
	c.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	s.endIfIdleLocked()
}

// endIfIdleLocked is the end, when there is nothing to serve and nobody to ask for it.
func (s *Server) endIfIdleLocked() {
	if len(s.mounts) == 0 && len(s.clients) == 0 {
		s.endLocked()
	}
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked()
}

func (s *Server) endLocked() {
	if !s.ending {
		s.ending = true
		close(s.over)
	}
}

// hangUp ends the connections.
func (s *Server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		_ = c.UnixConn.Close() // its goroutine hears of it
	}
}

// closeAll ends what is at work.
func (s *Server) closeAll() error {
	err := errors.Join(s.procs.Close(), s.loop.Close())
	s.mu.Lock()
	mounts := slices.Clone(s.mounts)
	tasks := s.tasks
	s.tasks = nil
	s.mu.Unlock()
	if len(mounts) > 0 {
		err = errors.Join(err, ErrMountsLeft)
	}
	for _, m := range mounts {
		s.unmounted(m)
	}
	s.leaving.Wait()
	for _, t := range tasks {
		t.close()
	}
	return err
}

// talk answers a client until it goes.
func (s *Server) talk(c *conn) {
	for {
		var r request
		if c.receive(&r, maxLine) != nil {
			return
		}
		if c.send(s.answer(c, r), nil) != nil {
			return
		}
	}
}

func (s *Server) answer(c *conn, r request) answer {
	switch r.Op {
	case "mount":
		return s.mount(c, r)
	case "remount":
		return s.remount(r)
	case "list":
		return answer{System: s.list()}
	case "wait":
		s.wait(r.Device)
		return answer{}
	}
	return refuse(errUnknown)
}

func (s *Server) list() *System {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &System{Name: s.entry.Name(), Generation: s.system.Generation().String(), ServerPID: os.Getpid(), Mounts: []Mounted{}}
	for _, m := range s.mounts {
		terminals := 0
		for range m.mount.Terminals() {
			terminals++
		}
		name := ""
		if h := s.hands[m.mount.Instance()]; h != nil {
			name = h.Name()
		}
		l.Mounts = append(l.Mounts, Mounted{Source: m.source, Dir: m.dir, Device: m.device, Name: name,
			Options: m.mount.String(), Terminals: terminals, Created: m.created})
	}
	return l
}

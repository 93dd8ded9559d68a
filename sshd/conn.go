package sshd

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// conn is a connection of somebody with a key.
type conn struct {
	s     *Server
	sc    *ssh.ServerConn
	key   *key // immutable
	stall stall
	log   *slog.Logger
}

// errClosing is why visits end when the door closes.
var errClosing = errors.New("the door is closing; the terminal lives on")

// serve does what the client asks until it goes, or says goodbye when ctx is done.
func (c *conn) serve(ctx context.Context, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) {
	c.log.Info("ssh: login")
	defer c.log.Info("ssh: gone")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	visits := newCrowd()
	running.Go(func() { c.answer(reqs) }) // ends with the connection
	running.Go(func() { c.keepAlive(ctx) })
	gone := make(chan struct{})
	running.Go(func() { // ends with the connection, or ends it
		select {
		case <-gone:
			return
		case <-ctx.Done():
		}
		select {
		case <-visits.leave():
		case <-time.After(c.s.limits.leaving):
		case <-gone:
		}
		_ = c.sc.Close() // it may have gone
	})
	var open atomic.Int32
	for nch := range chans {
		if nch.ChannelType() != "session" {
			c.log.Info("ssh: refused", "channel", nch.ChannelType())
			_ = nch.Reject(ssh.Prohibited, "ptsns: nothing is forwarded here") // heard or not
			continue
		}
		if int(open.Load()) >= c.s.limits.visits {
			_ = nch.Reject(ssh.ResourceShortage, "ptsns: too many channels") // the same
			continue
		}
		if !visits.enter() {
			_ = nch.Reject(ssh.ResourceShortage, "ptsns: the door is closing") // the same
			continue
		}
		ch, reqs, err := nch.Accept()
		if err != nil {
			visits.left()
			break // the connection has gone
		}
		open.Add(1)
		v := newVisit(c, ch)
		ctx, closed := context.WithCancel(ctx)
		running.Go(func() { // ends with ctx at the latest
			defer visits.left()
			v.serve(ctx)
		})
		running.Go(v.read)  // ends with the channel, or serve
		running.Go(func() { // ends when both sides have closed the channel
			defer open.Add(-1)
			defer closed()
			v.take(reqs)
		})
	}
	close(gone)
	cancel()
	_ = c.sc.Close() // it has gone, as a rule
	running.Wait()
}

// crowd counts who is there, until nobody may come any more and all have left.
type crowd struct {
	mu      sync.Mutex
	n       int           // guarded by mu
	leaving bool          // guarded by mu: nobody may come any more
	empty   chan struct{} // closed when all have left
}

func newCrowd() *crowd { return &crowd{empty: make(chan struct{})} }

// enter counts somebody in, if they may come.
func (c *crowd) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leaving {
		c.n++
	}
	return !c.leaving
}

func (c *crowd) left() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.leaving && c.n == 0 {
		close(c.empty)
	}
}

// leave lets nobody come any more. It is called once; what it returns is closed when all
// have left.
func (c *crowd) leave() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving = true; c.n == 0 {
		close(c.empty)
	}
	return c.empty
}

// answer refuses whatever is asked for the connection as a whole: forwarding mostly.
func (c *conn) answer(reqs <-chan *ssh.Request) {
	for r := range reqs {
		if r.Type == "tcpip-forward" || r.Type == "streamlocal-forward@openssh.com" {
			c.log.Info("ssh: refused", "request", r.Type)
		}
		if r.WantReply {
			_ = r.Reply(false, nil) // keepalives of clients want no more
		}
	}
}

// keepAlive ends the connection when the client does not answer any more.
func (c *conn) keepAlive(ctx context.Context) {
	tick := time.NewTicker(c.s.limits.keepalive)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		end := time.AfterFunc(time.Duration(c.s.limits.misses)*c.s.limits.keepalive, func() {
			c.log.Info("ssh: the client does not answer any more")
			_ = c.sc.Close() // ends all that waits for it
		})
		_, _, err := c.sc.SendRequest("keepalive@openssh.com", true, nil)
		end.Stop()
		if err != nil {
			return
		}
	}
}

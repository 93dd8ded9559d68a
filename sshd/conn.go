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
	s   *Server
	sc  *ssh.ServerConn
	key *key // immutable
	log *slog.Logger
}

// errClosing is why visits end when the door closes.
var errClosing = errors.New("the door is closing; the terminal lives on")

// serve does what the client asks until it goes, or says goodbye when ctx is done.
func (c *conn) serve(ctx context.Context, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) {
	c.log.Info("ssh: login")
	defer c.log.Info("ssh: gone")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running, visits sync.WaitGroup
	running.Go(func() { c.answer(reqs) }) // ends with the connection
	running.Go(func() { c.keepAlive(ctx) })
	gone := make(chan struct{})
	running.Go(func() { // ends with the connection, or ends it
		select {
		case <-gone:
			return
		case <-ctx.Done():
		}
		over := make(chan struct{})
		go func() { // ends with the visits, which end with the connection at the latest
			visits.Wait()
			close(over)
		}()
		select {
		case <-over:
		case <-time.After(c.s.limits.leaving):
		case <-gone:
		}
		_ = c.sc.Close() // it may have gone
	})
	var open atomic.Int32
	for nch := range chans {
		if ctx.Err() != nil {
			_ = nch.Reject(ssh.ResourceShortage, "ptsns: the door is closing") // heard or not
			continue
		}
		if nch.ChannelType() != "session" {
			c.log.Info("ssh: refused", "channel", nch.ChannelType())
			_ = nch.Reject(ssh.Prohibited, "ptsns: nothing is forwarded here") // the same
			continue
		}
		if int(open.Load()) >= c.s.limits.visits {
			_ = nch.Reject(ssh.ResourceShortage, "ptsns: too many channels") // the same
			continue
		}
		ch, reqs, err := nch.Accept()
		if err != nil {
			break // the connection has gone
		}
		open.Add(1)
		v := newVisit(c, ch)
		visits.Go(func() { v.serve(ctx) })
		running.Go(v.read)  // ends with the channel, or serve
		running.Go(func() { // ends when both sides have closed the channel
			defer open.Add(-1)
			v.take(reqs)
		})
	}
	close(gone)
	cancel()
	visits.Wait()
	running.Wait()
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

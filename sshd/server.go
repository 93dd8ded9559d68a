package sshd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Config is what a door is made of. All of it must be there but Env, Dir and Host.
type Config struct {
	HostKey    ssh.Signer
	Keys       Keys
	Namespaces Namespaces
	Shell      string   // what a login without a command runs, where that is there; else /bin/sh
	Env        []string // of every program; the client adds TERM, LANG and LC_*
	Dir        string   // where programs start, where that is there; else in /
	Host       string   // what the picker calls this machine
	Log        *slog.Logger
}

// limits are what clients are held to.
type limits struct {
	conns     int           // connections in all
	strangers int           // of them, such as have not shown a key yet
	source    int           // of these, such as come from one source
	here      int           // and such as come from this machine, where a proxy brings many
	visits    int           // channels of a connection
	tries     int           // keys that a client may show
	grace     time.Duration // to show one
	answer    time.Duration // of a namespace's server to start or join something
	keepalive time.Duration // between questions whether the client is still there
	misses    int           // such questions without an answer; then it has gone
	stall     time.Duration // without taking anything, of a client whose program waits for it
	leaving   time.Duration // for the last words when the door closes
	look      time.Duration // between looks at the namespaces, of the picker
}

var defaultLimits = limits{
	conns: 100, strangers: 16, source: 4, here: 12, visits: 10, tries: 6, grace: 30 * time.Second, answer: 15 * time.Second,
	keepalive: 30 * time.Second, misses: 4, stall: 30 * time.Second, leaving: 2 * time.Second, look: time.Second,
}

// Server is a door. Its methods may be called at once.
type Server struct {
	cfg    Config // immutable, like limits
	limits limits

	mu        sync.Mutex
	conns     int            // guarded by mu
	strangers int            // guarded by mu
	sources   map[source]int // guarded by mu; strangers of each
}

// New makes a door that leads nobody in before Serve.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, limits: defaultLimits, sources: make(map[source]int)}
}

// Serve lets in who comes to the listeners, which it closes, until ctx is done or one of
// them fails. It returns once everybody has left.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		for _, l := range listeners {
			_ = l.Close() // ends accept
		}
	})
	defer stop()
	var running sync.WaitGroup
	errs := make([]error, len(listeners))
	for i, l := range listeners {
		running.Go(func() {
			defer cancel()
			errs[i] = s.accept(ctx, l, &running)
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// accept takes connections. Each has a goroutine of its own.
func (s *Server) accept(ctx context.Context, l net.Listener, running *sync.WaitGroup) error {
	const retry = 100 * time.Millisecond
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = nc.Close() // came too late
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // too many open files, say: others may leave
			s.cfg.Log.Error("ssh: accept", "err", err)
			select {
			case <-time.After(retry):
			case <-ctx.Done():
			}
			continue
		}
		src := sourceOf(remoteAddr(nc))
		if !s.enter(src) {
			s.cfg.Log.Warn("ssh: too many connections", "from", nc.RemoteAddr())
			_ = nc.SetWriteDeadline(time.Now().Add(retry))               // a socket that fails to take it
			_, _ = io.WriteString(nc, "ptsns: too many connections\r\n") // or that hears nothing more
			_ = nc.Close()                                               // is closed all the same
			continue
		}
		running.Go(func() { s.serveConn(ctx, nc, src) })
	}
}

// source is where strangers come from who count together: an address, of IPv6 the /64 that
// one client has all of. The zero value is this machine, and who has no address.
type source netip.Prefix

func sourceOf(a netip.Addr) source {
	bits := a.BitLen()
	switch {
	case !a.IsValid() || a.IsLoopback():
		return source{}
	case a.Is6():
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // one that it has
	return source(p)
}

// enter counts a connection in, if there is room for it.
func (s *Server) enter(src source) bool {
	most := s.limits.source
	if src == (source{}) {
		most = s.limits.here
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns >= s.limits.conns || s.strangers >= s.limits.strangers || s.sources[src] >= most {
		return false
	}
	s.conns++
	s.strangers++
	s.sources[src]++
	return true
}

// known counts one that is no stranger any more; left one that has gone.
func (s *Server) known(src source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strangers--
	if s.sources[src]--; s.sources[src] == 0 {
		delete(s.sources, src)
	}
}

func (s *Server) left() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns--
}

// serveConn is a connection's life.
func (s *Server) serveConn(ctx context.Context, nc net.Conn, src source) {
	defer s.left()
	defer nc.Close()
	log := s.cfg.Log.With("from", nc.RemoteAddr().String())
	c, chans, reqs, err := s.handshake(ctx, nc, log)
	s.known(src)
	if err != nil {
		log.Info("ssh: no login", "err", err)
		return
	}
	c.serve(ctx, chans, reqs)
}

// handshake finds out who comes.
func (s *Server) handshake(ctx context.Context, nc net.Conn, log *slog.Logger) (*conn, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() }) // ends the handshake
	defer stop()
	if err := nc.SetDeadline(time.Now().Add(s.limits.grace)); err != nil {
		return nil, nil, nil, err
	}
	addr := remoteAddr(nc)
	config := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-ptsns",
		MaxAuthTries:  s.limits.tries,
		PublicKeyCallback: func(meta ssh.ConnMetadata, pub ssh.PublicKey) (*ssh.Permissions, error) {
			k, err := s.cfg.Keys.find(pub, addr, time.Now())
			if err != nil {
				log.Info("ssh: key refused", "user", meta.User(), "key", ssh.FingerprintSHA256(pub), "err", err)
				return nil, err
			}
			return &ssh.Permissions{ExtraData: map[any]any{grantedKey{}: granted{k, ssh.FingerprintSHA256(pub)}}}, nil
		},
	}
	config.AddHostKey(s.cfg.HostKey)
	sc, chans, reqs, err := ssh.NewServerConn(nc, config)
	if err != nil {
		return nil, nil, nil, err
	}
	// Only of the key that signed: others may have been asked about before.
	g, ok := sc.Permissions.ExtraData[grantedKey{}].(granted)
	if err := nc.SetDeadline(time.Time{}); err != nil || !ok {
		_ = sc.Close() // it has gone, or there is no telling who it is
		return nil, nil, nil, errors.Join(err, errors.New("no key"))
	}
	c := &conn{s: s, sc: sc, key: g.key, stall: stall{nc: nc, after: s.limits.stall}, log: log.With("user", sc.User(), "key", g.fingerprint, "name", g.key.name)}
	return c, chans, reqs, nil
}

type (
	grantedKey struct{} // under which Permissions have a granted
	granted    struct {
		key         *key
		fingerprint string
	}
)

// remoteAddr is the client's address, the zero value when it has none.
func remoteAddr(nc net.Conn) netip.Addr {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

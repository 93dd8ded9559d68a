package control

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSocketPath is the longest path that sockaddr_un holds, its NUL left out.
const maxSocketPath = 107

// Listen makes the socket of a namespace at path, for its owner alone: mode 0600
// from the first moment. The file stays when the listener is closed. It changes
// the process's umask for a moment and is for use before other goroutines make
// files.
func Listen(path string) (net.Listener, error) {
	short, done, err := shorten(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", path, err)
	}
	defer done()
	old := unix.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	unix.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", path, err)
	}
	l.SetUnlinkOnClose(false) // its address may name an fd, and the owner of the directory removes it
	return l, nil
}

// dialSocket connects to the socket at path, however long that is.
func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	short, done, err := shorten(path)
	if err != nil {
		return nil, err
	}
	defer done()
	var d net.Dialer
	return d.DialContext(ctx, "unix", short)
}

// shorten finds a name for path that fits a socket address: itself, or its last
// element below a file descriptor of its directory, which is open until done.
func shorten(path string) (short string, done func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, file := filepath.Split(path)
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", fd, file), func() { _ = unix.Close(fd) }, nil
}

// maxConns is how many connections may be open at once. A connection more is
// closed at once.
const maxConns = 2048

// guardedListener accepts for those who may come in: first, which was inherited
// and is given out before anything else, and then what l accepts from our own
// user and root.
type guardedListener struct {
	net.Listener
	mu    sync.Mutex
	first net.Conn // guarded by mu; nil when given out
	open  int      // guarded by mu; connections given out and not closed
}

// Accept gives the next connection of somebody who may come in.
func (g *guardedListener) Accept() (net.Conn, error) {
	g.mu.Lock()
	first := g.first
	g.first = nil
	g.mu.Unlock()
	if first != nil {
		return first, nil
	}
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if mayEnter(c) && g.enter() {
			return &guardedConn{Conn: c, leave: sync.OnceFunc(g.leave)}, nil
		}
		_ = c.Close() // nothing was said on it yet
	}
}

func (g *guardedListener) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= maxConns {
		return false
	}
	g.open++
	return true
}

func (g *guardedListener) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
}

type guardedConn struct {
	net.Conn
	leave func()
}

func (c *guardedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// mayEnter tells whether the process at the other end of c ran as our user or as
// root when it connected. When the kernel does not say, nobody may.
func mayEnter(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	var cred *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); cerr != nil || err != nil {
		return false
	}
	return cred.Uid == 0 || cred.Uid == uint32(os.Geteuid())
}

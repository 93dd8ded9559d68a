//go:build linux

// Package usock is a unix socket that only its owner (and root) comes in by: made for
// him alone, its path as long as it likes, and the other end's user asked of the kernel;
// or a pair, whose other end a child inherits.
// It has no lock and no goroutine.
package usock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSocketPath is the longest path that sockaddr_un holds, its NUL left out.
const maxSocketPath = 107

// Listen makes a socket at path for its owner alone: mode 0600 from the first moment,
// whatever the umask is. The file stays when the listener is closed.
func Listen(path string) (*net.UnixListener, error) {
	short, done, err := shorten(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", path, err)
	}
	defer done()
	// bind(2) gives the file the mode of the socket itself, less the umask.
	private := func(_, _ string, c syscall.RawConn) error {
		var err error
		cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(cerr, err)
	}
	l, err := (&net.ListenConfig{Control: private}).Listen(context.Background(), "unix", short)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", path, err)
	}
	u := l.(*net.UnixListener)
	u.SetUnlinkOnClose(false) // its address may name an fd, and the owner of the directory removes it
	return u, nil
}

// Dial connects to the socket at path, however long that is.
func Dial(ctx context.Context, path string) (net.Conn, error) {
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

// MayEnter tells whether the process at the other end of c ran as our user or as
// root when it connected. When the kernel does not say, nobody may.
func MayEnter(c net.Conn) bool {
	uid, _, ok := Peer(c)
	return ok && (uid == 0 || uid == os.Geteuid())
}

// Peer asks the kernel who is at the other end of c: the effective user id and the pid,
// in our namespaces, of the process that connected, or, for one that connected, of the
// one that listens. ok is false when the kernel does not say.
func Peer(c net.Conn) (uid, pid int, ok bool) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0, 0, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	var cred *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); cerr != nil || err != nil {
		return 0, 0, false
	}
	return int(cred.Uid), int(cred.Pid), true
}

// Pair makes a connection, the other end of which is for a child process to inherit.
// Both are the caller's to close.
func Pair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "socket")
	defer ours.Close() // FileConn has its own
	theirs := os.NewFile(uintptr(fds[1]), "socket")
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = theirs.Close() // nobody has it yet
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

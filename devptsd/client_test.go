//go:build linux

package devptsd

import (
	"errors"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A server that dies with a request unread resets the connection.
func TestServerDiesUnderARequest(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours := os.NewFile(uintptr(fds[0]), "client")
	conn, err := net.FileConn(ours)
	if err := errors.Join(err, ours.Close()); err != nil {
		t.Fatal(err)
	}
	client := NewClient(conn.(*net.UnixConn))
	defer client.Close()
	if err := client.c.send(request{Op: "list"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(fds[1]); err != nil {
		t.Fatal(err)
	}
	if err := client.c.receive(new(answer), maxLine); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("a reset connection gives %v", err)
	}
	if _, err := client.List(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("then the client says %v, want that the server is gone", err)
	}
}

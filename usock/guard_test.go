//go:build linux

package usock

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestGuard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() { // ends with l
		g := Guard(l, 1)
		for {
			c, err := g.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		c, err := Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one := dial()
	defer one.Close()
	inside := <-accepted
	if uid, pid, ok := Peer(inside); !ok || uid != os.Geteuid() || pid != os.Getpid() {
		t.Errorf("the peer is %d, %d, %v", uid, pid, ok)
	}
	two := dial()
	defer two.Close()
	if n, err := two.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("one too many: %d, %v; want the end", n, err)
	}
	_ = inside.Close()
	_ = inside.Close() // makes room once
	three := dial()
	defer three.Close()
	inside = <-accepted
	defer inside.Close()
	four := dial()
	defer four.Close()
	if n, err := four.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("again one too many: %d, %v; want the end", n, err)
	}
}

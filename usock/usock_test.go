//go:build linux

package usock

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestListen(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 60), strings.Repeat("e", 60))
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{t.TempDir(), long} {
		socket := filepath.Join(dir, "socket")
		l, err := Listen(socket)
		if err != nil {
			t.Fatal(err)
		}
		st, err := os.Lstat(socket)
		if err != nil || st.Mode() != os.ModeSocket|0o600 {
			t.Errorf("socket: %v %v, want mode 0600", st.Mode(), err)
		}
		c, err := Dial(t.Context(), socket)
		if err != nil {
			t.Error(err)
		} else {
			if uid, pid, ok := Peer(c); uid != os.Geteuid() || pid != os.Getpid() || !ok {
				t.Errorf("the peer is %d, %d, %v, want ourselves", uid, pid, ok)
			}
			_ = c.Close()
		}
		_ = l.Close()
		if _, err := os.Lstat(socket); err != nil {
			t.Errorf("the socket went with its listener: %v", err)
		}
	}
}

func TestPeerOfNothing(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, _, ok := Peer(a); ok || MayEnter(a) {
		t.Error("a pipe has a peer")
	}
}

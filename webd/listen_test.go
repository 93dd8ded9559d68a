package webd

import (
	"io"
	"net"
	"testing"
)

// One connection too many is closed; when another has gone there is room again.
func TestLimited(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limit := &limited{Listener: l, slots: make(slots, 1)}
	defer limit.Close()
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := limit.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	dial()
	first := <-accepted
	if n, err := dial().Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("one too many: read %d, %v, want io.EOF", n, err)
	}
	_ = first.Close()
	_ = first.Close() // frees its place once
	dial()
	second := <-accepted
	if n, err := dial().Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("one too many again: read %d, %v, want io.EOF", n, err)
	}
	_ = second.Close()
}

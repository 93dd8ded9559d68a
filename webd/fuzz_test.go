package webd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// FuzzMessage gives messages to a terminal, whole ones. What is queued stays bounded, and
// who looks on types nothing.
func FuzzMessage(f *testing.F) {
	f.Add(true, true, []byte("ls\r"))
	for _, text := range []string{`{"type":"ack","bytes":18446744073709551615}`, `{"type":"resize","rows":1,"cols":2000}`, `{"type":"ping","x":[[[]]]}`, `{"type":1}`, `[`} {
		f.Add(false, false, []byte(text))
	}
	f.Fuzz(func(t *testing.T, readOnly, binary bool, p []byte) {
		kind := websocket.MessageText
		if binary {
			kind = websocket.MessageBinary
		}
		a := &attached{stream: newStream(), readOnly: readOnly, in: newInput(), out: newCredit()}
		if m, err := parse(kind, p); err == nil && m.Type == "ping" {
			return // it would be answered
		}
		for range 3 {
			err := a.take(t.Context(), kind, p)
			if binary && readOnly && err == nil {
				t.Error("input of who looks on was taken")
			}
		}
		if len(a.in.queue) > inWindow || readOnly && len(a.in.queue) > 0 || a.out.owed != 0 {
			t.Errorf("%d bytes queued, %d owed", len(a.in.queue), a.out.owed)
		}
		select {
		case s := <-a.stream.(*fakeStream).resizes:
			if s[0] == 0 || s[1] == 0 || s[0] > maxSize || s[1] > maxSize {
				t.Errorf("resized to %v", s)
			}
		default:
		}
	})
}

// FuzzFrames sends bytes where websocket frames are expected, to a terminal that is looked
// on: whatever they are, the connection ends and nothing was typed.
func FuzzFrames(f *testing.F) {
	d := openDoor(f, nil)
	f.Add([]byte("\x82\x83abcd\x0d\x11\x6e"))      // binary, masked
	f.Add([]byte("\x82\x03ls\r"))                  // not masked
	f.Add([]byte("\x02\x81aaaa\x00\x80\x81bbbb0")) // in fragments
	f.Add([]byte("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x89\x80aaaa\x88\x82aaaa\x62\x89"))
	f.Add([]byte("\xf3\x80aaaa"))
	head := fmt.Sprintf("GET /api/terminals/vs1/0?rows=24&cols=80&read_only=1 HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nCookie: %s\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		d.addr, d.addr, d.cookie, protocol)
	f.Fuzz(func(t *testing.T, p []byte) {
		s := newStream()
		d.fake.mu.Lock()
		d.fake.stream = s
		d.fake.mu.Unlock()
		conn, err := net.Dial("tcp", d.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(deadline)) // a hang is a failure
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("the handshake: %v, %v", resp, err)
		}
		_, _ = conn.Write(p) // it may be refused in the middle
		_ = conn.(*net.TCPConn).CloseWrite()
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		select {
		case <-s.closed:
		case <-ctx.Done():
			t.Error("the connection does not end")
		}
		if got := s.text(); got != "" {
			t.Errorf("typed %q", got)
		}
	})
}

package webd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ptsns/ptsns/control"
)

// pipes is a listener whose connections are in this process, so that synctest sees them.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "tcp" }
func (pipeAddr) String() string  { return "127.0.0.1:8022" }

// joinRaw joins the terminal and leaves the reading and writing of frames to the caller.
func joinRaw(t *testing.T, d *testDoor, l *pipes) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	l.conns <- theirs
	go func() {
		fmt.Fprintf(ours, "GET /api/terminals/vs1/0?rows=24&cols=80 HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nCookie: %s\r\n"+
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
			d.addr, d.addr, d.cookie, protocol)
	}()
	r := bufio.NewReaderSize(ours, 1) // takes no frame
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the handshake: %v, %v", resp, err)
	}
	return ours
}

// A page whose machine went away without a word is noticed, whether it is owed output or
// not.
func TestSilentPages(t *testing.T) {
	for name, test := range map[string]struct {
		reads, output bool
		within        time.Duration
	}{
		"takes nothing": {false, true, ioTimeout + time.Second},
		"says nothing":  {true, false, silence + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
				d := serveDoor(t, l, nil)
				conn := joinRaw(t, d, l)
				defer conn.Close()
				if test.reads {
					go io.Copy(io.Discard, conn)
				}
				if test.output {
					go func() {
						select {
						case d.fake.stream.events <- control.Event{Kind: control.Output, Output: []byte(strings.Repeat("x", 8000))}:
						case <-d.fake.stream.closed:
						}
					}()
				}
				begin := time.Now()
				<-d.fake.stream.closed
				if took := time.Since(begin); took > test.within {
					t.Errorf("noticed after %v, want %v", took, test.within)
				}
			})
		})
	}
}

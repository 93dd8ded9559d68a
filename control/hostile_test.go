package control

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ptsns/ptsns/hub"
	"golang.org/x/sys/unix"
)

// rawAttach attaches by hand and returns the connection as a stream.
func rawAttach(t *testing.T, socket string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "POST /v1/terminals/0/attach HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: PTSNS\r\nContent-Length: 2\r\n\r\n{}")
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("attach: %v %v", resp, err)
	}
	return conn
}

func TestHostileFrames(t *testing.T) {
	tests := []struct {
		name  string
		bytes []byte
		says  string // in the failure frame, "" when there is none
	}{
		{"unknown type", []byte{'?', 0, 0, 0, 0}, "protocol error"},
		{"a type of the server's", appendFrame(nil, frameOutput, 'x'), "protocol error"},
		{"too long", []byte{frameInput, 0, 1, 0, 1}, ""},
		{"longer than memory", []byte{frameInput, 0xff, 0xff, 0xff, 0xff}, ""},
		{"long signal", appendFrame(nil, frameSignal, 1, 2), ""},
		{"short resize", appendFrame(nil, frameResize, 1), ""},
		{"input after its end", append(appendFrame(nil, frameEndInput), appendFrame(nil, frameInput, 'x')...), "protocol error"},
		{"more input than allowed", bytes.Repeat(appendFrame(nil, frameInput, make([]byte, 1<<15)...), 3), "protocol error"},
		{"half a frame", []byte{frameInput, 0, 0}, ""},
		{"HTTP", []byte("GET /v1/namespace HTTP/1.1\r\n\r\n"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ns := newFakeNamespace()
			v := newFakeViewer()
			v.gate = make(chan struct{}) // nothing is ever typed
			ns.joined = joined{viewer: v, process: newFakeProcess()}
			conn := rawAttach(t, serveFake(t, ns, nil).socket)
			_, _ = conn.Write(tt.bytes) // the server may drop us in the middle
			if tt.says == "" {
				_ = conn.(*net.UnixConn).CloseWrite()
			}
			said, _ := io.ReadAll(conn) // ends: the server hangs up
			if tt.says != "" && (len(said) == 0 || said[0] != frameFailure || !strings.Contains(string(said), tt.says)) {
				t.Errorf("the server said %q, want a failure with %q", said, tt.says)
			}
			next(t, v.closed)
		})
	}
}

// One that sends what it must not is dropped, also when it does not read why.
func TestHostileFramesUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newFakeViewer()
		conn, other := net.Pipe()
		defer other.Close()
		a := newAttached(joined{viewer: v}, conn, bufio.NewReader(conn))
		over := make(chan struct{})
		go func() {
			defer close(over)
			a.serve(t.Context())
		}()
		v.out <- chunk{p: "nobody reads this"}
		if _, err := other.Write([]byte{'?', 0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		<-over
		if got := time.Since(start); got > leaveGrace {
			t.Errorf("gone after %v", got)
		}
	})
}

// A server that hangs up after its answer, as it does when it did not take all of the
// request, says so, and the client's next request goes another way.
func TestLastAnswerOfAConnection(t *testing.T) {
	ns := newFakeNamespace()
	c := serveFake(t, ns, nil).dial(t)
	for range 2 {
		err := c.ask(t.Context(), "POST", "/v1/terminals/0/resize", strings.Repeat("x", maxBody+1), nil)
		if !errors.Is(err, ErrBadRequest) {
			t.Fatalf("too long a request: %v", err)
		}
	}
	if _, err := c.State(t.Context()); err != nil {
		t.Errorf("the next: %v", err)
	}
}

func TestHostileRequests(t *testing.T) {
	ns := newFakeNamespace()
	ns.joined = joined{viewer: newFakeViewer()}
	socket := serveFake(t, ns, nil).socket
	const upgrade = "Connection: Upgrade\r\nUpgrade: ptsns\r\n"
	post := func(path, header, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", path, header, len(body), body)
	}
	tests := []struct {
		name, request string
		status        int
	}{
		{"not HTTP", "\x00\x01\x02\r\n\r\n", 400},
		{"endless header", "GET /v1/namespace HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", 431},
		{"unknown path", "GET /v2/namespace HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"wrong method", "PUT /v1/namespace HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405},
		{"no JSON", post("/v1/programs", "", "argv"), 400},
		{"wrong JSON", post("/v1/programs", "", `{"argv":3}`), 400},
		{"deep JSON", post("/v1/programs", "", strings.Repeat("[", 1<<20)), 400},
		{"no program", post("/v1/programs", "", `{"argv":[]}`), 400},
		{"a NUL", post("/v1/programs", "", `{"argv":["a\u0000b"]}`), 400},
		{"a NUL in the environment", post("/v1/programs", "", `{"argv":["a"],"env":["A=\u0000"]}`), 400},
		{"rows out of range", post("/v1/programs", "", `{"argv":["a"],"rows":65536}`), 400},
		{"attach without upgrade", post("/v1/programs", "", `{"argv":["a"],"attach":true}`), 400},
		{"upgrade without attach", post("/v1/programs", upgrade, `{"argv":["a"]}`), 400},
		{"body too long", post("/v1/terminals/0/attach", upgrade, strings.Repeat(" ", maxBody+1)), 400},
		{"no upgrade", post("/v1/terminals/0/attach", "", "{}"), 400},
		{"other upgrade", post("/v1/terminals/0/attach", "Connection: Upgrade\r\nUpgrade: h2c\r\n", "{}"), 400},
		{"index", post("/v1/terminals/x/attach", upgrade, "{}"), 400},
		{"negative index", post("/v1/terminals/-1/attach", upgrade, "{}"), 400},
		{"index too high", post("/v1/terminals/1048576/attach", upgrade, "{}"), 400},
		{"a field that is not known", post("/v1/terminals/0/await", "", `{"txt":"x"}`), 400},
		{"a field that is not known in a program", post("/v1/programs", "", `{"argv":["a"],"root":"/"}`), 400},
		{"a field that is not known beside base64", post("/v1/programs", "", `{"argv":[{"base64":"","x":1}]}`), 400},
		{"neither string nor base64", post("/v1/programs", "", `{"argv":[{}]}`), 400},
		{"something after the JSON", post("/v1/terminals/0/await", "", `{"text":"x"}{}`), 400},
		{"a size that is none", post("/v1/programs", "", `{"argv":["a"],"size":"huge"}`), 400},
		{"a name with control characters", post("/v1/programs", "", `{"argv":["a"],"name":"\u001b[2J"}`), 400},
		{"a long name", post("/v1/terminals/0/attach", upgrade, `{"name":"`+strings.Repeat("a", maxName+1)+`"}`), 400},
		{"a long await", post("/v1/terminals/0/await", "", `{"text":"`+strings.Repeat("a", maxBody)+`"}`), 400},
		{"a long regexp", post("/v1/terminals/0/await", "", `{"regexp":"`+strings.Repeat("a", hub.MaxPattern+1)+`"}`), 400},
		{"a regexp that repeats too much", post("/v1/terminals/0/await", "", `{"regexp":"`+strings.Repeat("a{900}", 100)+`"}`), 400},
		{"a regexp with a back reference", post("/v1/terminals/0/await", "", `{"regexp":"(a)\\1"}`), 400},
		{"a long wait", post("/v1/terminals/0/await", "", `{"text":"a","timeout":"61s"}`), 400},
		{"a wait into the past", post("/v1/terminals/0/await", "", `{"text":"a","timeout":"-1s"}`), 400},
		{"too much input", post("/v1/terminals/0/input", "Content-Type: application/octet-stream\r\n", strings.Repeat("x", maxInput+1)), 400},
		{"too much input as JSON", post("/v1/terminals/0/input", "", `{"data":"`+strings.Repeat("x", maxInput+1)+`"}`), 400},
		{"a name with ..", post("/v1/terminals/../input", "", `{"data":"x"}`), 400},
		{"a name with .. encoded", post("/v1/terminals/%2e%2e/input", "", `{"data":"x"}`), 400},
		{"a slash encoded", post("/v1/terminals/0%2f1/input", "", `{"data":"x"}`), 404},
		{"two slashes", post("//v1/terminals/0/input", "", `{"data":"x"}`), 404},
		{"a viewer that is no number", post("/v1/viewers/x/kick", "", ""), 400},
		{"a file in no directory", post("/v1/terminals/0/record", "", `{"file":"../x"}`), 400},
		{"a query that is not known", "GET /v1/terminals/0/output?sinse=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"a query of an attach that is not known", post("/v1/terminals/0/attach?index=1", upgrade, "{}"), 400},
		{"a program that is not on the terminal", post("/v1/terminals/0/attach?pid=77", upgrade, "{}"), 404},
		{"a query of a program", post("/v1/programs?attach=1", "", `{"argv":["a"]}`), 400},
		{"a query of the end", "DELETE /v1/namespace?name=vs2 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"a query twice", "GET /v1/terminals/0/output?since=1&since=2 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"a query that is none", "GET /v1/terminals/0/output?%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"a negative cursor", "GET /v1/terminals/0/output?since=-1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"no output at all", "GET /v1/terminals/0/output?max=0 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"too much output", "GET /v1/terminals/0/output?max=1048577 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"a terminal that is not there", "GET /v1/terminals/7/screen HTTP/1.1\r\nHost: x\r\n\r\n", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { _, _ = io.WriteString(conn, tt.request) }() // the server may answer before it has read all; ends with conn
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
}

// A client that says what it wants slowly, or not at all, is hung up on.
func TestSlowClients(t *testing.T) {
	tests := []struct {
		name, request string
		drip          bool // a byte more now and then
		after         time.Duration
	}{
		{"nothing", "", false, headerTimeout},
		{"half a header", "GET /v1/namespace HTTP/1.1\r\nHo", false, headerTimeout},
		{"a header for ever", "GET /v1/namespace HTTP/1.1\r\nHost: ", true, headerTimeout},
		{"half a body", "POST /v1/terminals/0/input HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{", false, bodyTimeout},
		{"a body for ever", "POST /v1/terminals/0/input HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{", true, bodyTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns := newFakeNamespace()
				ns.terminal = newFakeTerminal()
				conn, done := inBubble(t, ns)
				defer done()
				start := time.Now()
				var writing sync.WaitGroup
				writing.Go(func() {
					_, err := io.WriteString(conn, tt.request)
					for tt.drip && err == nil {
						<-time.After(time.Second)
						_, err = io.WriteString(conn, "x")
					}
				})
				_, _ = io.ReadAll(conn)
				if got := time.Since(start); got < tt.after || got > tt.after+2*time.Second {
					t.Errorf("hung up on after %v, want %v", got, tt.after)
				}
				_ = conn.Close()
				writing.Wait()
			})
		})
	}
}

func TestHostileServer(t *testing.T) {
	tests := []struct {
		name  string
		bytes []byte
	}{
		{"unknown type", []byte{'?', 0, 0, 0, 0}},
		{"too long", []byte{frameOutput, 0xff, 0xff, 0xff, 0xff}},
		{"failure without JSON", appendFrame(nil, frameFailure, '{')},
		{"short exit", appendFrame(nil, frameExit, 1)},
	}
	for _, tt := range tests {
		ours, theirs := connPair(t)
		s := newStream(ours, bufio.NewReader(ours), ref{})
		_, _ = theirs.Write(tt.bytes)
		if e, err := s.Next(); err == nil {
			t.Errorf("%s: event %+v, want an error", tt.name, e)
		}
		_, _ = s.Close(), theirs.Close()
	}
}

// connectAs connects to a socket with the effective user id uid, on a thread that
// is thrown away.
func connectAs(t *testing.T, socket string, uid int) *os.File {
	t.Helper()
	type result struct {
		fd  int
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		keep := ^uintptr(0)
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, uintptr(uid), keep); errno != 0 {
			done <- result{-1, errno}
			return
		}
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: socket})
		}
		done <- result{fd, err}
	}()
	r := next(t, done)
	if r.err != nil {
		t.Fatalf("connect as %d: %v", uid, r.err)
	}
	return os.NewFile(uintptr(r.fd), "stranger")
}

func TestStrangersStayOutside(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal("not root")
		}
		t.Skip("becoming another user takes root")
	}
	ns := newFakeNamespace()
	s := serveFake(t, ns, nil)
	// The mode alone keeps strangers out; open it, so that only the check is left.
	for dir := s.socket; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	const request = "GET /v1/namespace HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for _, tt := range []struct {
		uid int
		in  bool
	}{{65534, false}, {0, true}} {
		f := connectAs(t, s.socket, tt.uid)
		_, _ = f.WriteString(request) // it may be hung up on already
		answer, _ := io.ReadAll(f)
		_ = f.Close()
		if got := strings.HasPrefix(string(answer), "HTTP/1.1 200"); got != tt.in {
			t.Errorf("uid %d was answered %q, want let in: %v", tt.uid, answer, tt.in)
		}
	}
}

func TestDrain(t *testing.T) {
	tests := []struct {
		name       string
		role       role
		hurry      bool
		leaveAfter time.Duration // 0: only when it must
		want       time.Duration
	}{
		{"guest that leaves", guest, false, leaveGrace / 2, leaveGrace / 2},
		{"guest that stays", guest, false, 0, leaveGrace},
		{"owner that leaves", owner, false, time.Hour, time.Hour},
		{"owner that stays, end asked for", owner, true, 0, leaveGrace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClients()
				ctx, leave, ok := c.enter(tt.role)
				if !ok {
					t.Fatal("not let in")
				}
				go func() {
					var own <-chan time.Time
					if tt.leaveAfter > 0 {
						own = time.After(tt.leaveAfter)
					}
					select {
					case <-own:
					case <-ctx.Done():
					}
					leave()
				}()
				if tt.hurry {
					c.hurry()
				}
				start := time.Now()
				c.drain()
				if got := time.Since(start); got != tt.want {
					t.Errorf("drained after %v, want %v", got, tt.want)
				}
				if _, _, ok := c.enter(guest); ok {
					t.Error("somebody was let in after the end")
				}
			})
		})
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, frameInput, 'a', 'b'), frameResize, 0, 24, 0, 80))
	f.Add([]byte{frameInput, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReader(bytes.NewReader(data))
		var buf, again []byte
		for {
			kind, payload, err := readFrame(r, &buf)
			if err != nil {
				break
			}
			if want, small := payloadSizes[kind]; small && len(payload) != want {
				t.Fatalf("frame %q of %d bytes", kind, len(payload))
			}
			again = appendFrame(again, kind, payload...)
		}
		if !bytes.HasPrefix(data, again) {
			t.Fatalf("%q was read as %q", data, again)
		}
		if len(buf) > maxPayload || binary.Size(buf) > maxPayload {
			t.Fatalf("the buffer grew to %d", len(buf))
		}
	})
}

// late is an answer that checks whether the request was read before.
type late struct {
	*httptest.ResponseRecorder
	t    *testing.T
	name string
	body *bytes.Reader
}

func (l late) WriteHeader(status int) {
	if l.body.Len() > 0 {
		l.t.Errorf("%s: answered with %d before %d bytes were read", l.name, status, l.body.Len())
	}
	l.ResponseRecorder.WriteHeader(status)
}

// No request is answered before it was read, whatever the answer: its client would still be
// at sending it, and find the connection closed.
func TestReadsBeforeItAnswers(t *testing.T) {
	for _, name := range []string{"DELETE /v1/terminals/0/record", "DELETE /v1/terminals/x/record", "GET /v1/namespace", "PUT /v1/namespace", "POST /nothing",
		"POST /v1/terminals/x/record", "POST /v1/terminals/0/input?what", "POST /v1/viewers/x/kick", "POST /v1/terminals/0/attach", "POST /v1/programs?x=1"} {
		ns := newFakeNamespace()
		ns.did = make(chan string, 9)
		method, path, _ := strings.Cut(name, " ")
		body := bytes.NewReader(bytes.Repeat([]byte(" "), 10_000))
		newHandler(ns).ServeHTTP(late{httptest.NewRecorder(), t, name, body}, httptest.NewRequest(method, path, body))
	}
}

package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/screen"
	"github.com/ptsns/ptsns/server"
)

// serveTerminal serves a namespace with one terminal and a program on it.
func serveTerminal(t *testing.T) (*served, *fakeTerminal, *fakeProcess, *Client) {
	t.Helper()
	ns := newFakeNamespace()
	term, p := newFakeTerminal(), newFakeProcess()
	ns.terminal, ns.program = term, program{0, 42, p}
	s := serveFake(t, ns, nil)
	c := s.dial(t)
	c.Who = hub.Who{Door: "local", Name: "ada"}
	return s, term, p, c
}

func TestType(t *testing.T) {
	_, term, _, c := serveTerminal(t)
	for _, keys := range []string{"ls\r", "\x00\xff\x1b[A", "ü"} {
		if err := c.Type(t.Context(), 0, []byte(keys)); err != nil {
			t.Fatal(err)
		}
		if got, want := next(t, term.did), fmt.Sprintf("local ada %d types %q", os.Geteuid(), keys); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if err := c.Type(t.Context(), 3, []byte("x")); !errors.Is(err, server.ErrNoTerminal) {
		t.Errorf("on a terminal that is not there: %v", err)
	}
	term.denied = fmt.Errorf("type: %w", hub.ErrTaken)
	if err := c.Type(t.Context(), -1, []byte("x")); !errors.Is(err, hub.ErrTaken) {
		t.Errorf("while somebody has the input for himself: %v", err)
	}
}

// inBubble serves ns under synctest: the client's one connection is a pipe.
func inBubble(t *testing.T, ns *fakeNamespace) (net.Conn, func()) {
	ours, theirs := net.Pipe()
	l := &deafListener{closed: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- serve(context.Background(), ns, theirs, l) }()
	return ours, func() {
		_ = ours.Close()
		close(ns.done)
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

// deafListener accepts nobody.
type deafListener struct{ closed chan struct{} }

func (l *deafListener) Accept() (net.Conn, error) {
	<-l.closed
	return nil, net.ErrClosed
}
func (l *deafListener) Close() error   { close(l.closed); return nil }
func (l *deafListener) Addr() net.Addr { return nil }

// What cannot be typed in time is said to the byte, and the connection is still good.
func TestTypeTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newFakeNamespace()
		ns.terminal = newFakeTerminal()
		ns.terminal.room = make(chan struct{}, 3)
		for range 3 {
			ns.terminal.room <- struct{}{}
		}
		conn, done := inBubble(t, ns)
		defer done()
		c := NewClient(conn)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		n, err := c.typeAt(ctx, ref{}, []byte("hello"))
		if n != 3 || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("typed %d after %v: %v", n, time.Since(start), err)
		}
		if _, err := c.State(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOutput(t *testing.T) {
	_, term, _, c := serveTerminal(t)
	term.say("hello\x1b[1m")
	want := []struct {
		since uint64
		max   int
		o     hub.Output
	}{
		{0, 0, hub.Output{From: 0, Next: 9, Data: []byte("hello\x1b[1m")}},
		{2, 3, hub.Output{From: 2, Next: 5, Data: []byte("llo")}},
		{9, 0, hub.Output{From: 9, Next: 9, Data: []byte{}}},
	}
	for _, w := range want {
		o, err := c.Output(t.Context(), 0, w.since, w.max, 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w.o, o); diff != "" {
			t.Errorf("since %d (-want +got):\n%s", w.since, diff)
		}
	}
	if _, err := c.Output(t.Context(), 0, 10, 0, 0); !errors.Is(err, hub.ErrBadCursor) {
		t.Errorf("since the future: %v", err)
	}
	got := make(chan hub.Output, 1)
	go func() {
		o, _ := c.Output(t.Context(), 0, 9, 0, time.Minute)
		got <- o
	}()
	term.say("\xff\xe2\x82")
	if diff := cmp.Diff(hub.Output{From: 9, Next: 10, Data: []byte("\xff")}, next(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff) // the rest is the beginning of a character
	}
	term.say(strings.Repeat("x", 200))
	close(term.done)
	o, err := c.Output(t.Context(), 0, 10, 0, time.Minute)
	if err != nil || o.From != 112 || o.Next != 212 || !o.Ended {
		t.Errorf("after a loss and the end: %+v, %v", o, err)
	}
}

// A character whose end is still to come is left for the next answer.
func TestOutputEndsWithACharacter(t *testing.T) {
	for in, want := range map[string]int{"": 0, "a": 0, "é": 0, "aé": 0, "a\xc3": 1, "a\xe2\x82": 2, "a\xf0\x9f\x98": 3, "a\xff": 0, "a\x80\x80\x80\x80": 0, "\xc3": 1} {
		if got := unfinished([]byte(in)); got != want {
			t.Errorf("unfinished(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestResizeAndSignal(t *testing.T) {
	ns, term, p, c := serveTerminal(t)
	if err := c.Resize(t.Context(), 0, 30, 100); err != nil {
		t.Error(err)
	}
	if got := next(t, term.did); got != "size 30x100" {
		t.Error(got)
	}
	if err := c.Resize(t.Context(), 0, 0, 100); !errors.Is(err, ErrBadRequest) {
		t.Errorf("no rows: %v", err)
	}
	if err := c.Signal(t.Context(), 0, syscall.SIGHUP); err != nil {
		t.Error(err)
	}
	for _, body := range []string{`{"signal":"HUP"}`, `{"signal":"sighup"}`, `{"signal":1}`, `{"signal":"1"}`} {
		if status, answer := ns.do(t, "POST", "/v1/terminals/0/signal", "", body); status != 204 {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	for range 5 {
		if got := next(t, p.got); got != syscall.SIGHUP {
			t.Errorf("got %v", got)
		}
	}
	for _, body := range []string{`{"signal":"FOO"}`, `{"signal":65}`, `{"signal":0}`, `{"signal":-1}`, `{"signal":1.5}`, `{"signal":null}`, `{}`} {
		if status, answer := ns.do(t, "POST", "/v1/terminals/0/signal", "", body); status != 400 {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	if err := c.Signal(t.Context(), 3, syscall.SIGHUP); !errors.Is(err, ErrNoProgram) {
		t.Errorf("without a program: %v", err)
	}
	if status, answer := ns.do(t, "POST", "/v1/terminals/0/signal?pid=7", "", `{"signal":"HUP"}`); status != 404 || !strings.Contains(answer, "no-program") {
		t.Errorf("of another program: %d %s", status, answer)
	}
}

// do does one request and returns the whole answer.
func (s *served) do(t *testing.T, method, path, accept, body string) (status int, answer string) {
	t.Helper()
	resp, answer := s.ask(t, method, path, accept, body)
	return resp.StatusCode, answer
}

func (s *served) ask(t *testing.T, method, path, accept, body string) (*http.Response, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.socket)
	}}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://ptsns"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

func TestExit(t *testing.T) {
	_, _, p, c := serveTerminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.WaitExit(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
	p.code <- 7
	e, err := c.WaitExit(t.Context(), 0)
	if want := (ExitStatus{PID: 42, Exited: true, Code: 7}); err != nil || e != want {
		t.Errorf("got %+v, %v", e, err)
	}
	if _, err := c.WaitExit(t.Context(), 1); !errors.Is(err, ErrNoProgram) {
		t.Errorf("without a program: %v", err)
	}
}

func TestScreen(t *testing.T) {
	s, term, _, c := serveTerminal(t)
	for i := range 26 {
		term.say(fmt.Sprintf("line %d\r\n", i))
	}
	got, err := c.Screen(t.Context(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.Text, "line 3\n") || !strings.HasSuffix(got.Text, "\nline 25") || len(got.History) != 3 || got.Next != term.Cursor() {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(term.Snapshot(), got.Screen); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
	_, plain := s.do(t, "GET", "/v1/terminals/-/screen", "text/plain;q=0.9, */*", "")
	if plain != got.Text+"\n" {
		t.Errorf("as text: %q", plain)
	}
	_, plain = s.do(t, "GET", "/v1/terminals/0/screen?history=true", "text/plain", "")
	if !strings.HasPrefix(plain, "line 0\nline 1\nline 2\nline 3\n") {
		t.Errorf("as text with history: %q", plain)
	}
}

func TestAwait(t *testing.T) {
	s, term, _, c := serveTerminal(t)
	go term.say("hello")
	seen, err := c.Await(t.Context(), 0, Text("hell"))
	if err != nil || seen.Text != "hello" || seen.Next != 5 {
		t.Errorf("got %+v, %v", seen, err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	seen, err = c.Await(ctx, 0, Text("bye"))
	var gave *AwaitError
	if !errors.As(err, &gave) || !errors.Is(err, context.DeadlineExceeded) || seen.Text != "hello" || !strings.Contains(err.Error(), "\n  | hello") {
		t.Errorf("got %+v, %v", seen, err)
	}
	status, answer := s.do(t, "POST", "/v1/terminals/0/await", "", `{"text":"bye","timeout":"1ms"}`)
	var told struct {
		Code string
		Seen *Seen
	}
	if err := json.Unmarshal([]byte(answer), &told); status != 408 || err != nil || told.Code != "timeout" || told.Seen == nil || told.Seen.Text != "hello" {
		t.Errorf("%d %s", status, answer)
	}

	go close(term.done)
	if _, err := c.Await(t.Context(), 0, Text("bye")); !errors.As(err, &gave) || !errors.Is(err, hub.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// Each kind of condition comes through as it is.
func TestConditions(t *testing.T) {
	_, term, _, c := serveTerminal(t)
	got := make(chan string, 1)
	term.wait = func(_ context.Context, c hub.Condition) (hub.Seen, error) {
		s := fmt.Sprintf("%q %v %v %v", c.Text, c.Regexp, c.Quiet, c.Ended)
		if c.Since != nil {
			s += fmt.Sprint(" since ", *c.Since)
		}
		if c.Echo != nil {
			s += fmt.Sprint(" echo ", *c.Echo)
		}
		got <- s
		return hub.Seen{Match: []string{"m"}, Screen: screen.New(1, 1, screen.Options{}).Snapshot()}, nil
	}
	for _, tt := range []struct {
		c           Condition
		wire, words string
	}{
		{Text("a"), `"a" <nil> 0s false`, `the text "a"`},
		{Regexp("a+"), `"" a+ 0s false`, `a match of "a+"`},
		{Text("a").After(0), `"a" <nil> 0s false since 0`, `the text "a", since 0`},
		{Quiet(200 * time.Millisecond), `"" <nil> 200ms false`, `quiet for 200ms`},
		{Echo(false).And(Text("a")), `"a" <nil> 0s false echo false`, `the text "a", echo off`},
		{AtEnd().And(Echo(true)), `"" <nil> 0s true echo true`, `echo on, the end`},
	} {
		seen, err := c.Await(t.Context(), 0, tt.c)
		if err != nil || len(seen.Match) != 1 {
			t.Errorf("%v: %+v, %v", tt.c, seen, err)
			continue
		}
		if s := next(t, got); s != tt.wire || tt.c.String() != tt.words {
			t.Errorf("%v came as %s, want %s, %s", tt.c, s, tt.wire, tt.words)
		}
	}
	for _, bad := range []Condition{{}, Regexp("("), Text(strings.Repeat("a", hub.MaxPattern+1)), Quiet(2 * time.Minute), Quiet(1).After(0), Regexp(strings.Repeat("a", hub.MaxPattern+1))} {
		if _, err := c.Await(t.Context(), 0, bad); !errors.Is(err, ErrBadRequest) {
			t.Errorf("%.80v: %v", bad, err)
		}
	}
}

// A client asks again as long as its own time lasts, and connections serve on.
func TestAwaitLongerThanARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newFakeNamespace()
		ns.terminal = newFakeTerminal()
		conn, done := inBubble(t, ns)
		defer done()
		c := NewClient(conn)
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := c.Await(ctx, 0, Text("x")); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 150*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.AfterFunc(100*time.Second, func() { ns.terminal.say("x") })
		start = time.Now()
		if _, err := c.Await(t.Context(), 0, Text("x")); err != nil || time.Since(start) != 100*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestKick(t *testing.T) {
	s, _, _, c := serveTerminal(t)
	v := newFakeViewer()
	s.joined = joined{viewer: v, id: 7}
	stream := s.attach(t)
	if err := c.Kick(t.Context(), 8); !errors.Is(err, ErrNoViewer) {
		t.Errorf("somebody who is not there: %v", err)
	}
	if err := c.Kick(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	next(t, s.did)
	v.out <- chunk{err: hub.ErrKicked}
	if _, err := stream.Next(); !errors.Is(err, hub.ErrKicked) || err.Error() != "kicked by ada" {
		t.Errorf("the viewer hears %v", err)
	}
	next(t, v.closed)
	if status, answer := s.do(t, "POST", "/v1/viewers/7/kick", "", ""); status != 204 {
		t.Errorf("without a body: %d %s", status, answer)
	}
}

// Somebody who does not read what is on the terminal is sent away all the same, and types
// nothing from the kick on.
func TestKickOfOneWhoDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newFakeNamespace()
		v := newFakeViewer()
		ns.joined = joined{viewer: v, id: 7}
		h := newHandler(ns)
		conn, other := net.Pipe()
		defer other.Close()
		a := newAttached(ns.joined, conn, bufio.NewReader(conn))
		defer h.register(a.id, a)()
		over := make(chan struct{})
		go func() {
			defer close(over)
			a.serve(t.Context())
		}()
		v.out <- chunk{p: "nobody reads this"}
		synctest.Wait()
		start := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/v1/viewers/7/kick", nil))
		if w.Code != http.StatusNoContent {
			t.Errorf("kick: %d %s", w.Code, w.Body)
		}
		if _, err := other.Write(appendFrame(nil, frameInput, 'x')); err != nil {
			t.Errorf("type: %v", err)
		}
		<-over
		if got := time.Since(start); got > leaveGrace {
			t.Errorf("gone after %v", got)
		}
		if len(v.did) > 0 {
			t.Errorf("it did %q", <-v.did)
		}
	})
}

// What is typed while somebody has the input for himself is refused, and the viewer stays.
func TestInputTaken(t *testing.T) {
	ns := newFakeNamespace()
	v := newFakeViewer()
	v.denied = hub.ErrTaken
	ns.joined = joined{viewer: v}
	s := serveFake(t, ns, nil).attach(t)
	for range 2 {
		if _, err := s.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		if got := nextEvent(t, s); got != `4 "" 0 3` {
			t.Errorf("event %s, want refused", got)
		}
	}
	v.out <- chunk{p: "hello"}
	if got := nextEvent(t, s); got != `0 "hello" 0 0` {
		t.Errorf("event %s", got)
	}
}

func TestRecord(t *testing.T) {
	s, _, _, c := serveTerminal(t)
	if err := c.Record(t.Context(), 0, server.RecordSpec{File: "/r/\xff.cast", Input: true, V2: true}); err != nil {
		t.Fatal(err)
	}
	if got, want := next(t, s.did), fmt.Sprintf("record 0 %+v", server.RecordSpec{File: "/r/\xff.cast", Input: true, V2: true, Asker: os.Getpid()}); got != want {
		t.Errorf("got %q", got)
	}
	for file, want := range map[string]string{"": `stop -1 ""`, "/a&b=c": `stop -1 "/a&b=c"`} {
		if err := c.StopRecord(t.Context(), -1, file); err != nil {
			t.Fatal(err)
		}
		if got := next(t, s.did); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, about := range []struct{ method, query, body string }{{"POST", "", `{"file":"/x"}`}, {"DELETE", "&file=/x", ""}} {
		for pid, want := range map[string]int{"42": 204, "7": 404} {
			if status, answer := s.do(t, about.method, "/v1/terminals/0/record?pid="+pid+about.query, "", about.body); status != want {
				t.Errorf("%s about program %s: %d %s, want %d", about.method, pid, status, answer, want)
			}
		}
		next(t, s.did)
	}
	for _, file := range []string{"", "r.cast", "../r.cast"} {
		if err := c.Record(t.Context(), 0, server.RecordSpec{File: file}); !errors.Is(err, ErrBadRequest) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestEvents(t *testing.T) {
	s, _, _, c := serveTerminal(t)
	s.list = []hub.Event{{Seq: 1, Time: time.Unix(1e9, 0).UTC(), Kind: "opened", Terminal: "0"}, {Seq: 2, Kind: "joined", Terminal: "0", Text: "ada"}}
	got, err := c.Events(t.Context(), 0, 0)
	if diff := cmp.Diff(s.list, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := c.Events(t.Context(), 2, 0); err != nil || len(got) != 0 {
		t.Errorf("after the last: %v, %v", got, err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := c.Events(t.Context(), 2, time.Minute)
		waited <- err
	}()
	close(s.done) // ends a wait for what is not to come any more
	if err := next(t, waited); err != nil && !errors.Is(err, server.ErrEnding) && !errors.Is(err, ErrServerGone) && !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("at the end: %v", err)
	}
}

func TestRawOutput(t *testing.T) {
	s, term, _, _ := serveTerminal(t)
	term.say(strings.Repeat("x", 150) + "\xff\xc3")
	resp, answer := s.ask(t, "GET", "/v1/terminals/0/output?since=2", "application/octet-stream", "")
	head := fmt.Sprint(resp.Header["Ptsns-From"], resp.Header["Ptsns-Next"], resp.Header["Ptsns-Lost"], resp.Header["Ptsns-Ended"])
	if len(answer) != kept || head != "[52] [152] [50] [false]" {
		t.Errorf("%s %q", head, answer)
	}
	if status, answer := s.do(t, "GET", "/v1/terminals/0/output?since=now", "", ""); status != 200 || answer != `{"from":152,"next":152,"lost":0,"data":"","ended":false}`+"\n" {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := s.do(t, "GET", "/v1/terminals/0/output?since=150", "", ""); status != 200 || answer != `{"from":150,"next":151,"lost":0,"data":{"base64":"/w=="},"ended":false}`+"\n" {
		t.Errorf("%d %s", status, answer)
	}
}

func TestRawInput(t *testing.T) {
	s, term, _, _ := serveTerminal(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.socket)
	}}}
	resp, err := client.Post("http://ptsns/v1/terminals/0/input", octetStream, strings.NewReader("{}\x00"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got, want := next(t, term.did), fmt.Sprintf(`api  %d types "{}\x00"`, os.Geteuid()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The end of the namespace waits for nobody who waits.
func TestWaitersAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newFakeNamespace()
		ns.terminal = newFakeTerminal()
		conn, done := inBubble(t, ns)
		c := NewClient(conn)
		waited := make(chan error, 1)
		go func() {
			_, err := c.Await(t.Context(), 0, Text("x"))
			waited <- err
		}()
		synctest.Wait()
		start := time.Now()
		done()
		if <-waited == nil || time.Since(start) > 2*leaveGrace {
			t.Errorf("it took %v", time.Since(start))
		}
	})
}

func TestTerminalHandle(t *testing.T) {
	s, term, p, c := serveTerminal(t)
	s.joined = joined{index: 0, pid: 42, process: p}
	h, err := c.Open(t.Context(), server.Spec{Argv: []string{"vim"}})
	if err != nil || h.Index() != 0 || h.PID() != 42 {
		t.Fatalf("%+v, %v", h, err)
	}
	if err := h.Type("ls\r"); err != nil {
		t.Error(err)
	}
	next(t, term.did)
	var since *uint64
	term.say("hello")
	term.wait = func(_ context.Context, c hub.Condition) (hub.Seen, error) {
		since = c.Since
		return hub.Seen{}, nil
	}
	if _, err := h.Ask("ls\r", Text("ls")); err != nil || since == nil || *since != 5 {
		t.Errorf("since %v, %v", since, err)
	}
	if o, err := h.Output(0, 0, 0); err != nil || string(o.Data) != "hello" {
		t.Errorf("%+v, %v", o, err)
	}
	if err := errors.Join(h.Resize(1, 2), h.Signal(syscall.SIGINT)); err != nil {
		t.Error(err)
	}
	p.code <- 3
	if code, err := h.Wait(); code != 3 || err != nil {
		t.Errorf("%d, %v", code, err)
	}
	s.program.pid = 43 // another program's terminal
	if _, err := h.Screen(); !errors.Is(err, server.ErrNoTerminal) {
		t.Errorf("another program's terminal: %v", err)
	}
}

//go:build linux

package apid

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

// fakeParent has one namespace, vs1, whose server answers with the request it got.
type fakeParent struct {
	socket  string
	created []Creation
	ended   []string
	err     error
}

func (p *fakeParent) List(context.Context) ([]parent.Listed, error) {
	return []parent.Listed{{State: server.State{Name: "vs1"}}}, p.err
}

func (p *fakeParent) Create(_ context.Context, c Creation) (Created, error) {
	p.created = append(p.created, c)
	return Created{Name: c.Name, Index: 0, PID: 7}, p.err
}

func (p *fakeParent) End(_ context.Context, name string) error {
	p.ended = append(p.ended, name)
	return p.err
}

func (p *fakeParent) Socket(name string) (string, error) {
	if name != "vs1" {
		return "", fmt.Errorf("no namespace %q: %w", name, fs.ErrNotExist)
	}
	return p.socket, nil
}

// newFake serves vs1 at a socket of its own.
func newFake(t testing.TB) *fakeParent {
	p := &fakeParent{socket: filepath.Join(t.TempDir(), "socket")}
	l, err := usock.Listen(p.socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "ptsns" {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ptsns\r\n\r\n")
			line, _ := rw.ReadString('\n')
			_, _ = io.WriteString(conn, "got "+line)
			_, _ = io.Copy(io.Discard, rw) // until the door closes
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RequestURI(), body)
	})}
	go func() { _ = srv.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = srv.Close() })
	return p
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// ask makes one request and returns its status and body.
func ask(h http.Handler, method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "http://ptsns/v1/namespaces", strings.NewReader(body))
	if u, err := r.URL.Parse(path); err == nil {
		r.URL = u
	}
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestPassedOn(t *testing.T) {
	h := Handler(newFake(t), quiet())
	for path, want := range map[string]string{
		"/v1/namespaces/vs1":                                "PUT /v1/namespace x",
		"/v1/namespaces/vs1/namespace":                      "PUT /v1/namespace x",
		"/v1/namespaces/vs1/terminals/0/output?since=3&w=a": "PUT /v1/terminals/0/output?since=3&w=a x",
		"/v1/namespaces/vs1/a%2fb":                          "PUT /v1/a%2fb x",
		"/v1/namespaces/%76s1/namespace":                    "PUT /v1/namespace x",
		"/v1/namespaces/vs1/%2e%2e/x":                       "PUT /v1/%2e%2e/x x",
	} {
		method := "PUT"
		if !strings.Contains(path[len("/v1/namespaces/"):], "/") {
			method, want = "GET", strings.Replace(want, "PUT", "GET", 1)
		}
		if _, got := ask(h, method, path, "x"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	p := newFake(t)
	h := Handler(p, quiet())
	for _, tt := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/v1/namespaces/vs2/terminals/0/screen", "", 404, "no-such-namespace"},
		{"GET", "/v1/namespaces/..%2f..%2fetc/x", "", 400, "bad-request"},
		{"GET", "/v1/namespaces/%00/x", "", 400, "bad-request"},
		{"DELETE", "/v1/namespaces/a%2fb", "", 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"history":-1,"program":{"argv":["a"]}}`, 400, "bad-request"},
		{"GET", "/v2/namespaces", "", 404, "no-such-request"},
		{"POST", "/v1/namespaces", "{}", 400, "bad-request"},
		{"POST", "/v1/namespaces", "[", 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"program":{"argv":["a"]}} {}`, 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"nam":"a","program":{"argv":["a"]}}`, 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"name":"../a","program":{"argv":["a"]}}`, 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"ptmx":"x","program":{"argv":["a"]}}`, 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"root":"x","program":{"argv":["a"]}}`, 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"program":{"argv":["a\u0000"]}}`, 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"program":{"argv":["a"],"size":"huge"}}`, 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"share_pts":true,"options":"max=3","program":{"argv":["a"]}}`, 400, "bad-request"},
		{"POST", "/v1/namespaces", `{"name":"` + strings.Repeat("a", maxCreation) + `"}`, 400, "bad-request"},
	} {
		status, body := ask(h, tt.method, tt.path, tt.body)
		var e control.Error
		if err := json.Unmarshal([]byte(body), &e); err != nil || status != tt.status || e.Code != tt.code || e.Text == "" {
			t.Errorf("%s %s %.60s: %d %s, %v; want %d, %s", tt.method, tt.path, tt.body, status, body, err, tt.status, tt.code)
		}
	}
	if len(p.created)+len(p.ended) > 0 {
		t.Errorf("made %+v, ended %v", p.created, p.ended)
	}
	for err, want := range map[error]string{
		fmt.Errorf("name: %w", rundir.ErrTaken):          "409 name-taken",
		&control.Error{Code: "not-found", Text: "no sh"}: "422 not-found",
		&control.Error{Code: "no-space", Text: "full"}:   "507 no-space",
		errors.New("boo"): "500 internal",
	} {
		p.err = err
		status, body := ask(h, "POST", "/v1/namespaces", `{"program":{"argv":["sh"]}}`)
		var e control.Error
		_ = json.Unmarshal([]byte(body), &e)
		if got := fmt.Sprint(status, " ", e.Code); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

func TestCreation(t *testing.T) {
	p := newFake(t)
	h := Handler(p, quiet())
	status, body := ask(h, "POST", "/v1/namespaces", `{"name":"bot","options":"max=3","history":4096,"program":{"argv":["sh","-i"],"env":[]}}`)
	if want := `{"name":"bot","index":0,"pid":7}`; status != 201 || body != want {
		t.Errorf("%d %s, want 201 %s", status, body, want)
	}
	c := p.created[0]
	if diff := cmp.Diff(server.Config{Name: "bot", Options: parent.DefaultOptions() + ",max=3", History: 4096}, c.config()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(server.Spec{Argv: []string{"sh", "-i"}, Env: []string{}, Rows: 24, Cols: 80}, c.Program.spec()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if status, _ := ask(h, "DELETE", "/v1/namespaces/bot", ""); status != 204 || len(p.ended) != 1 {
		t.Errorf("end: %d, ended %v", status, p.ended)
	}
	if status, body := ask(h, "GET", "/v1/namespaces", ""); status != 200 || !strings.HasPrefix(body, `[{"name":"vs1"`) {
		t.Errorf("list: %d %s", status, body)
	}
}

// TestStream turns a connection through the door into a stream.
func TestStream(t *testing.T) {
	p := newFake(t)
	l, err := usock.Listen(filepath.Join(t.TempDir(), "api"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, p, quiet()) }()
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/namespaces/vs1/terminals/0/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ptsns\r\n\r\n")
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", resp, err)
	}
	fmt.Fprintf(conn, "hello\n") // and not before the answer
	if line, err := r.ReadString('\n'); line != "got hello\n" {
		t.Errorf("the stream said %q, %v", line, err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := r.ReadByte(); err != io.EOF { // streams end with the door
		t.Errorf("after the end: %v", err)
	}
}

// FuzzRequests makes requests of all kinds: none may crash the door or be answered with
// anything but JSON.
func FuzzRequests(f *testing.F) {
	f.Add("POST", "/v1/namespaces", `{"name":"a","program":{"argv":["a"],"rows":3}}`)
	f.Add("GET", "/v1/namespaces/vs1/terminals/-/screen?x=%zz", "")
	f.Add("DELETE", "/v1/namespaces/..", "")
	h := Handler(newFake(f), quiet())
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if strings.ToUpper(method) != method || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || method == "" || method == "CONNECT" || !strings.HasPrefix(path, "/") {
			return
		}
		status, answer := ask(h, method, path, body)
		if status < 400 || status == http.StatusMethodNotAllowed || status >= 300 && status < 400 || answer == "" {
			return
		}
		if !json.Valid([]byte(answer)) {
			t.Errorf("%d %q", status, answer)
		}
	})
}

package control

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// FuzzHandler: no request makes the handler panic, wait, or answer a failure with
// anything but JSON that has a code of the table; nothing refused is done.
func FuzzHandler(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/v1/version", ""}, {"GET", "/v1/namespace", ""}, {"DELETE", "/v1/namespace", ""},
		{"POST", "/v1/programs", `{"argv":["sh",{"base64":"/w=="}],"env":["A=b"],"rows":24,"cols":80,"size":"latest","modes":"AA=="}`},
		{"POST", "/v1/terminals/0/attach", `{"steal":true}`},
		{"POST", "/v1/terminals/-/input?timeout=1ms", `{"data":"ls\r"}`}, {"POST", "/v1/terminals/0/input", `{"data":{"base64":"AA=="}}`},
		{"GET", "/v1/terminals/0/output?since=0&wait=5s&max=10", ""}, {"GET", "/v1/terminals/0/output?since=now&pid=42", ""},
		{"POST", "/v1/terminals/0/resize", `{"rows":1,"cols":2}`}, {"POST", "/v1/terminals/0/signal", `{"signal":"HUP"}`},
		{"GET", "/v1/terminals/0/exit?wait=1s", ""}, {"GET", "/v1/terminals/0/screen?history=true", ""},
		{"POST", "/v1/terminals/0/await", `{"text":"x","regexp":"(a|b)*","quiet":"1ms","echo":false,"since":1,"ended":true,"timeout":"1ms"}`},
		{"POST", "/v1/viewers/7/kick", `{"door":"web","name":"ada"}`}, {"POST", "/v1/terminals/0/record", `{"file":"/x","input":true,"v2":true}`},
		{"DELETE", "/v1/terminals/0/record?file=/x&pid=42", ""}, {"GET", "/v1/events?since=1&wait=1s", ""},
		{"GET", "/v1/terminals/..%2f..%2fx/screen", ""}, {"HEAD", "//v1/namespace", ""}, {"PUT", "/v1/namespace", ""}, {"GET", "*", ""},
	} {
		f.Add(seed[0], seed[1], []byte(seed[2]))
	}
	codesKnown := map[string]bool{"internal": true}
	for _, c := range codes {
		codesKnown[c.code] = true
	}
	f.Fuzz(func(t *testing.T, method, target string, body []byte) {
		path, query, _ := strings.Cut(target, "?")
		path, err := url.PathUnescape(path)
		if err != nil {
			return
		}
		ns := newFakeNamespace()
		ns.terminal, ns.program = newFakeTerminal(), program{0, 42, newFakeProcess()}
		ns.terminal.say("some text\r\n")
		ns.joined = joined{viewer: newFakeViewer()}
		ns.list = []hub.Event{{Seq: 1}}
		h := newHandler(ns)
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the client has gone: nothing waits
		r := (&http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{},
			Body: http.NoBody, ContentLength: int64(len(body))}).WithContext(ctx)
		if len(body) > 0 {
			r.Body = readCloser{bytes.NewReader(body)}
		}
		for _, header := range []http.Header{{}, {"Accept": {octetStream + ",text/plain"}, "Content-Type": {octetStream}}, {"Upgrade": {protocol}, "Connection": {"upgrade"}}} {
			r.Header = header
			if len(body) > 0 {
				r.Body = readCloser{bytes.NewReader(body)}
			}
			before := ns.deeds()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code < 400 {
				continue
			}
			var e Error
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || !codesKnown[e.Code] || e.Text == "" {
				t.Fatalf("%s %s %q: %d %q", method, target, body, w.Code, w.Body)
			}
			if e.Code == "internal" && !strings.Contains(e.Text, "turn the connection into a stream") && !strings.Contains(e.Text, context.Canceled.Error()) {
				t.Fatalf("%s %s %q: %q", method, target, body, e.Text)
			}
			if w.Code == http.StatusBadRequest && ns.deeds() > before {
				t.Fatalf("%s %s %q was refused and done", method, target, body)
			}
		}
	})
}

// deeds is how much was done.
func (n *fakeNamespace) deeds() int {
	return len(n.did) + len(n.specs) + len(n.joins) + len(n.terminal.did) + len(n.program.process.(*fakeProcess).got)
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// FuzzAnswers: nothing that a server says makes the client panic, or more than it is.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"from":1,"next":2,"data":{"base64":"AA=="}}`))
	f.Add([]byte(`{"code":"timeout","error":"x","seen":{"screen":{"lines":[{"text":"a"}]}}}`))
	f.Fuzz(func(_ *testing.T, body []byte) {
		var e Error
		if json.Unmarshal(body, &e) == nil {
			_, _ = e.Error(), e.Unwrap()
		}
		for _, v := range []any{new(outputAnswer), new(Screen), new(Seen), new(ExitStatus), new(eventsAnswer), new(server.State)} {
			_ = json.Unmarshal(body, v) // what it is does not matter
		}
		_ = (&AwaitError{Err: &e}).Error()
	})
}

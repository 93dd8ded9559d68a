package webd

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

func TestTerminal(t *testing.T) {
	d := openDoor(t, nil)
	b := d.join("&steal=1")
	want := control.AttachOptions{Who: hub.Who{Door: "web", Name: "token"}, Steal: true, Rows: 24, Cols: 80}
	if diff := cmp.Diff(want, d.fake.attached[0]); diff != "" {
		t.Errorf("joined with (-want +got)\n%s", diff)
	}
	s := d.fake.stream
	s.events <- control.Event{Kind: control.Output, Output: []byte("hello \xff")}
	if kind, p, err := b.read(); kind != websocket.MessageBinary || string(p) != "hello \xff" {
		t.Fatalf("output: got %v %q, %v", kind, p, err)
	}
	b.send(websocket.MessageText, `{"type":"ack","bytes":7}`)
	b.send(websocket.MessageBinary, "ls\r")
	if m := b.message(); m.Type != "typed" || m.Bytes != 3 || s.text() != "ls\r" {
		t.Errorf("got %+v, typed %q", m, s.text())
	}
	b.send(websocket.MessageText, `{"type":"resize","rows":30,"cols":100}`)
	if got := <-s.resizes; got != [2]uint16{30, 100} {
		t.Errorf("resized to %v", got)
	}
	b.send(websocket.MessageText, `{"type":"ping"}`)
	if m := b.message(); m.Type != "pong" {
		t.Errorf("got %+v, want pong", m)
	}
	s.events <- control.Event{Kind: control.Lost, Lost: 99}
	if m := b.message(); m.Type != "lost" || m.Bytes != 99 {
		t.Errorf("got %+v, want lost", m)
	}
	s.events <- control.Event{Kind: control.Refused, Code: 4}
	if m := b.message(); m.Type != "refused" || m.Bytes != 4 {
		t.Errorf("got %+v, want refused", m)
	}
	s.events <- control.Event{Kind: control.Exit, Code: 3}
	if m := b.message(); m.Type != "exit" || m.Status == nil || *m.Status != 3 {
		t.Errorf("got %+v, want exit", m)
	}
	if code, _ := b.closing(); code != websocket.StatusNormalClosure {
		t.Errorf("closed with %v", code)
	}
	<-s.closed
}

func TestEnds(t *testing.T) {
	d := openDoor(t, nil)
	b := d.join("")
	d.fake.stream.events <- control.Event{Kind: control.Ended}
	if m := b.message(); m.Type != "ended" {
		t.Errorf("got %+v, want ended", m)
	}
	d = openDoor(t, nil)
	b = d.join("")
	close(d.fake.stream.events)
	if m := b.message(); m.Type != "failure" || m.Code != "server-gone" {
		t.Errorf("got %+v, want server-gone", m)
	}
	d = openDoor(t, nil)
	b = d.join("")
	_ = b.conn.CloseNow()
	<-d.fake.stream.closed // who has gone has left
}

func TestTerminalRefused(t *testing.T) {
	d := openDoor(t, nil)
	for path, want := range map[string]string{
		"vs2/0": "no-such-namespace",
		"vs1/1": "no-such-terminal",
	} {
		b, _, err := d.dial("/api/terminals/"+path+"?rows=24&cols=80", asked{})
		if err != nil {
			t.Fatal(err)
		}
		if m := b.message(); m.Type != "failure" || m.Code != want {
			t.Errorf("%s: got %+v, want %s", path, m, want)
		}
		if code, _ := b.closing(); code != websocket.StatusNormalClosure {
			t.Errorf("%s: closed with %v", path, code)
		}
	}
	for _, path := range []string{"vs1/-1", "vs1/x", "vs1/00", "vs1/99999999", "-x/0", "%2e%2e/0", "vs1%2f0/0", "a%00b/0"} {
		if _, status, err := d.dial("/api/terminals/"+path+"?rows=24&cols=80", asked{}); err == nil || status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %v", path, status, err)
		}
	}
	for _, query := range []string{"", "rows=0&cols=80", "rows=24&cols=-1", "rows=99999&cols=80", "rows=24&cols=x"} {
		if _, status, err := d.dial("/api/terminals/vs1/0?"+query, asked{}); err == nil || status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %v", query, status, err)
		}
	}
	if len(d.fake.attached) > 0 {
		t.Errorf("joined with %+v", d.fake.attached)
	}
}

func TestSubprotocol(t *testing.T) {
	d := openDoor(t, nil)
	for _, protocols := range [][]string{nil, {"ptsns.0"}} {
		conn, _, err := websocket.Dial(t.Context(), "ws://"+d.addr+"/api/terminals/vs1/0?rows=24&cols=80", &websocket.DialOptions{
			HTTPHeader: d.request("/", asked{}).Header, Subprotocols: protocols})
		if err != nil {
			t.Fatal(err)
		}
		b := &browser{t, conn}
		if code, _ := b.closing(); code != websocket.StatusPolicyViolation {
			t.Errorf("subprotocols %q: closed with %v", protocols, code)
		}
		_ = conn.CloseNow()
	}
}

// Whoever only looks on cannot type, whether they or the whole door chose that.
func TestReadOnly(t *testing.T) {
	for name, test := range map[string]struct {
		query  string
		change func(*Config)
	}{
		"viewer": {"&read_only=1", nil},
		"door":   {"", func(c *Config) { c.ReadOnly = true }},
		"both":   {"&read_only=0&steal=1", func(c *Config) { c.ReadOnly = true }},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, test.change)
			b := d.join(test.query)
			if o := d.fake.attached[0]; !o.ReadOnly || o.Steal {
				t.Errorf("joined with %+v", o)
			}
			b.send(websocket.MessageText, `{"type":"resize","rows":30,"cols":100}`) // its window is its own
			b.send(websocket.MessageBinary, "rm -rf /\r")
			if code, why := b.closing(); code != websocket.StatusPolicyViolation {
				t.Errorf("closed with %v %q", code, why)
			}
			<-d.fake.stream.closed
			if got := d.fake.stream.text(); got != "" {
				t.Errorf("typed %q", got)
			}
		})
	}
}

func TestViolations(t *testing.T) {
	for _, test := range []struct {
		kind websocket.MessageType
		text string
		want websocket.StatusCode
	}{
		{websocket.MessageText, "", websocket.StatusPolicyViolation},
		{websocket.MessageText, "ls", websocket.StatusPolicyViolation},
		{websocket.MessageText, `{}`, websocket.StatusPolicyViolation},
		{websocket.MessageText, `{"type":"steal"}`, websocket.StatusPolicyViolation},
		{websocket.MessageText, `{"type":"ack","bytes":1}`, websocket.StatusPolicyViolation},
		{websocket.MessageText, `{"type":"ack","bytes":-1}`, websocket.StatusPolicyViolation},
		{websocket.MessageText, `{"type":"resize","rows":0,"cols":1}`, websocket.StatusPolicyViolation},
		{websocket.MessageText, `{"type":"resize","rows":65537,"cols":65537}`, websocket.StatusPolicyViolation},
		{websocket.MessageText, `{"type":"` + strings.Repeat("x", maxMessage) + `"}`, websocket.StatusMessageTooBig},
		{websocket.MessageBinary, strings.Repeat("x", maxMessage+1), websocket.StatusMessageTooBig},
	} {
		d := openDoor(t, nil)
		b := d.join("")
		b.send(test.kind, test.text)
		if code, _ := b.closing(); code != test.want {
			t.Errorf("%.40q: closed with %v, want %v", test.text, code, test.want)
		}
		<-d.fake.stream.closed
	}
}

// A program that does not read holds up input, and nothing else.
func TestInputIsBounded(t *testing.T) {
	d := openDoor(t, nil)
	d.fake.stream.stuck = make(chan struct{})
	b := d.join("")
	for range inWindow / maxMessage {
		b.send(websocket.MessageBinary, strings.Repeat("x", maxMessage))
	}
	b.send(websocket.MessageText, `{"type":"resize","rows":5,"cols":6}`)
	if got := <-d.fake.stream.resizes; got != [2]uint16{5, 6} {
		t.Errorf("resized to %v", got)
	}
	b.send(websocket.MessageBinary, "x") // one too many
	if code, why := b.closing(); code != websocket.StatusPolicyViolation {
		t.Errorf("closed with %v %q", code, why)
	}
	<-d.fake.stream.closed
}

// A page that does not show what it gets gets no more than fits its window; the terminal
// is not read meanwhile.
func TestOutputIsBounded(t *testing.T) {
	d := openDoor(t, nil)
	b := d.join("")
	s := d.fake.stream
	chunk := []byte(strings.Repeat("y", 32<<10))
	go func() {
		for {
			select {
			case s.events <- control.Event{Kind: control.Output, Output: chunk}:
			case <-s.closed:
				return
			}
		}
	}()
	for got := 0; got < outWindow; {
		_, p, err := b.read()
		if err != nil {
			t.Fatal(err)
		}
		got += len(p)
	}
	b.send(websocket.MessageText, `{"type":"ping"}`)
	if m := b.message(); m.Type != "pong" { // and no output
		t.Errorf("got %+v, want pong", m)
	}
	b.send(websocket.MessageText, `{"type":"ack","bytes":32768}`)
	if kind, p, err := b.read(); kind != websocket.MessageBinary || len(p) != len(chunk) {
		t.Errorf("after an ack: got %v of %d bytes, %v", kind, len(p), err)
	}
}

// A page that names the terminal gets that one, or hears how it ended.
func TestSerial(t *testing.T) {
	d := openDoor(t, nil)
	b, _, err := d.dial("/api/terminals/vs1/0?rows=24&cols=80&serial="+fakeSerial, asked{})
	if err != nil {
		t.Fatal(err)
	}
	if m := b.message(); m.Type != "attached" || m.Serial != fakeSerial || d.fake.attached[0].Serial != fakeSerial {
		t.Errorf("got %+v", m)
	}
	if b, _, err = d.dial("/api/terminals/vs1/0?rows=24&cols=80&serial=before", asked{}); err != nil {
		t.Fatal(err)
	}
	if m := b.message(); m.Type != "failure" || m.Code != "terminal-ended" || m.Status == nil || *m.Status != 3 {
		t.Errorf("of one that has ended: %+v", m)
	}
}

func TestStart(t *testing.T) {
	d := openDoor(t, nil)
	start := func(name, body string) (*http.Response, string) {
		return d.ask("/api/namespaces/"+name+"/terminals", asked{method: "POST", body: body})
	}
	resp, body := start("vs1", `{"rows":24,"cols":80}`)
	if resp.StatusCode != http.StatusOK || strings.TrimSpace(body) != `{"index":7,"serial":"fake-7"}` {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
	want := []server.Spec{{Rows: 24, Cols: 80, Who: hub.Who{Door: "web", Name: "token"}}}
	if diff := cmp.Diff(want, d.fake.started); diff != "" {
		t.Errorf("started (-want +got)\n%s", diff)
	}
	for _, test := range []struct {
		name, body string
		want       int
	}{
		{"vs2", `{"rows":24,"cols":80}`, http.StatusNotFound},
		{"%2e%2e", `{"rows":24,"cols":80}`, http.StatusBadRequest},
		{"vs1", `{}`, http.StatusBadRequest},
		{"vs1", ``, http.StatusBadRequest},
		{"vs1", `{"rows":24,"cols":80}` + strings.Repeat(" ", maxBody), http.StatusBadRequest},
	} {
		if resp, _ := start(test.name, test.body); resp.StatusCode != test.want {
			t.Errorf("%s %.30q: status %d, want %d", test.name, test.body, resp.StatusCode, test.want)
		}
	}
	d = openDoor(t, func(c *Config) { c.ReadOnly = true })
	if resp, _ := start("vs1", `{"rows":24,"cols":80}`); resp.StatusCode != http.StatusForbidden || len(d.fake.started) > 0 {
		t.Errorf("at a door to look on: status %d, started %v", resp.StatusCode, d.fake.started)
	}
}

func TestTooManySockets(t *testing.T) {
	d := openDoor(t, nil)
	for range maxSockets {
		d.server.sockets <- struct{}{}
	}
	if _, status, err := d.dial("/api/live", asked{}); err == nil || status != http.StatusServiceUnavailable {
		t.Errorf("status %d, %v", status, err)
	}
	for range maxSockets {
		<-d.server.sockets
	}
	if _, _, err := d.dial("/api/live", asked{}); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

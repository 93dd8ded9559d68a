package webd

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogin(t *testing.T) {
	d := openDoor(t, nil)
	login := func(token string, a asked) (*http.Response, string) {
		a.method, a.body = "POST", `{"token":"`+token+`"}`
		if a.cookie == "" {
			a.cookie = "-"
		}
		return d.ask("/api/login", a)
	}
	resp, _ := login(testToken, asked{})
	cookies := resp.Cookies()
	if resp.StatusCode != http.StatusNoContent || len(cookies) != 1 {
		t.Fatalf("the token: status %d, cookies %v", resp.StatusCode, cookies)
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/api/" || strings.Contains(c.Value, testToken) {
		t.Errorf("cookie %+v", c)
	}
	if resp, body := d.ask("/api/me", asked{cookie: c.Name + "=" + c.Value}); resp.StatusCode != http.StatusOK || !strings.Contains(body, `"user":"token"`) {
		t.Errorf("with the cookie: status %d, %s", resp.StatusCode, body)
	}
	for _, token := range []string{"", "x", testToken + " ", testToken[1:], strings.Repeat("x", 8000)} {
		if resp, _ := login(token, asked{}); resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) > 0 {
			t.Errorf("token %.20q: status %d, cookies %v", token, resp.StatusCode, resp.Cookies())
		}
	}
	if resp, _ := login(testToken, asked{origin: "http://elsewhere.example"}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("from another origin: status %d", resp.StatusCode)
	}
	if resp, _ := login(strings.Repeat("x", 2*maxBody), asked{}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a long body: status %d", resp.StatusCode)
	}
}

func TestTooManyWrongTokens(t *testing.T) {
	d := openDoor(t, nil)
	try := func(token string) int {
		status, _ := d.status("/api/login", asked{method: "POST", body: `{"token":"` + token + `"}`})
		return status
	}
	for i := range 10 {
		if got := try("wrong"); got != http.StatusUnauthorized {
			t.Fatalf("wrong token %d: status %d", i, got)
		}
	}
	if got := try(testToken); got != http.StatusTooManyRequests {
		t.Errorf("after ten wrong tokens the right one: status %d, want it to wait like others", got)
	}
}

func TestBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(2, time.Second)
		b.take()
		b.take()
		if b.has() {
			t.Error("it has more than it holds")
		}
		time.Sleep(time.Second)
		if !b.has() {
			t.Error("nothing came back in a second")
		}
		b.take()
		if b.has() {
			t.Error("more than one came back in a second")
		}
		time.Sleep(time.Hour)
		b.has()
		b.take()
		b.take()
		if b.has() {
			t.Error("an hour gave more than it holds")
		}
	})
}

func TestNobodyWithoutCookie(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Recordings = t.TempDir() })
	for _, cookie := range []string{"-", "ptsns=x", d.cookie + "x", strings.Replace(d.cookie, "=", "x=", 1), d.cookie[:len(d.cookie)-1]} {
		for _, path := range []string{"/api/me", "/api/recordings", "/api/recordings/a.cast"} {
			if got, _ := d.status(path, asked{cookie: cookie}); got != http.StatusUnauthorized {
				t.Errorf("GET %s, cookie %q: status %d", path, cookie, got)
			}
		}
		if got, _ := d.status("/api/namespaces/vs1/terminals", asked{method: "POST", cookie: cookie, body: `{"rows":24,"cols":80}`}); got != http.StatusUnauthorized {
			t.Errorf("a new terminal, cookie %q: status %d", cookie, got)
		}
		for _, path := range []string{"/api/live", "/api/terminals/vs1/0?rows=24&cols=80"} {
			if _, got, err := d.dial(path, asked{cookie: cookie}); err == nil || got != http.StatusUnauthorized {
				t.Errorf("websocket %s, cookie %q: status %d, %v", path, cookie, got, err)
			}
		}
	}
}

func TestNobodyWithoutToken(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Token = "" })
	for _, cookie := range []string{"-", d.cookie, d.cookie[:strings.Index(d.cookie, "=")+1]} {
		if got, _ := d.status("/api/me", asked{cookie: cookie}); got != http.StatusUnauthorized {
			t.Errorf("cookie %q: status %d", cookie, got)
		}
	}
	if got, _ := d.status("/api/login", asked{method: "POST", body: `{"token":""}`}); got != http.StatusUnauthorized {
		t.Errorf("the empty token: status %d", got)
	}
}

func TestProxyHeader(t *testing.T) {
	const name = "X-Forwarded-User"
	from := func(addr string) func(*Config) {
		return func(c *Config) { c.TrustHeader, c.TrustFrom = name, prefixes(addr) }
	}
	trusted, elsewhere := openDoor(t, from("127.0.0.0/8")), openDoor(t, from("192.0.2.0/24"))
	tests := []struct {
		door *testDoor
		user []string
		want int
	}{
		{trusted, []string{"alice"}, http.StatusOK},
		{trusted, []string{"Zoë <z@example>"}, http.StatusOK},
		{trusted, nil, http.StatusUnauthorized},
		{trusted, []string{""}, http.StatusUnauthorized},
		{trusted, []string{"alice", "root"}, http.StatusUnauthorized},
		{trusted, []string{"a\u202eb"}, http.StatusUnauthorized},
		{trusted, []string{"\xff"}, http.StatusUnauthorized},
		{trusted, []string{strings.Repeat("a", maxUser+1)}, http.StatusUnauthorized},
		{elsewhere, []string{"alice"}, http.StatusUnauthorized},
	}
	for _, test := range tests {
		if got, _ := test.door.status("/api/me", asked{cookie: "-", header: http.Header{name: test.user}}); got != test.want {
			t.Errorf("user %q: status %d, want %d", test.user, got, test.want)
		}
	}
	b, _, err := trusted.dial("/api/terminals/vs1/0?rows=24&cols=80", asked{cookie: "-", header: http.Header{name: {"alice"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.message()
	if who := trusted.fake.attached[0].Who; who.Door != "web" || who.Name != "alice" {
		t.Errorf("joined as %+v", who)
	}
}

package webd

import (
	"net/http"
	"strings"
	"testing"
)

func TestOrigin(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Origin = "https://term.example:8443" })
	const terminal = "/api/terminals/vs1/0?rows=24&cols=80"
	tests := []struct {
		origin, host, site string
		ok                 bool
	}{
		{"", "", "", true},
		{"", "", "same-origin", true},
		{"https://term.example:8443", "", "", true},
		{"https://term.example:8443", "term.example:8443", "", true},
		{"-", "", "", false}, // no browser
		{"null", "", "", false},
		{"http://evil.example", "", "", false},
		{"http://127.0.0.1", "", "", false}, // another port
		{"http://127.0.0.1:1", "", "", false},
		{"https://term.example", "", "", false},
		{"http://term.example:8443", "", "", false},
		{"https://term.example:8443.evil.example", "", "", false},
		{"https://term.example:8443@evil.example", "", "", false},
		{"https://term.example:8443/", "", "", false},
		{"file://", "", "", false},
		{"", "", "cross-site", false},
		{"", "", "same-site", false},
	}
	for _, test := range tests {
		a := asked{origin: test.origin, host: test.host, header: http.Header{}}
		if test.host != "" {
			a.cookie = "ptsns-8443=" + d.server.cookie
		}
		if test.site != "" {
			a.header.Set("Sec-Fetch-Site", test.site)
		}
		want := http.StatusSwitchingProtocols
		if !test.ok {
			want = http.StatusForbidden
		}
		for _, path := range []string{terminal, "/api/live"} {
			if _, got, err := d.dial(path, a); got != want || (err == nil) != test.ok {
				t.Errorf("websocket %s from %q (%s): status %d, %v, want %d", path, test.origin, test.site, got, err, want)
			}
		}
		a.method, a.body = "POST", `{"rows":24,"cols":80}`
		if got, _ := d.status("/api/namespaces/vs1/terminals", a); (got == http.StatusOK) != test.ok {
			t.Errorf("POST from %q (%s): status %d", test.origin, test.site, got)
		}
	}
}

// A name that was made to point at our address is refused: with it a page of somebody
// else's would be of our origin.
func TestHost(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Origin = "https://term.example" })
	for host, ok := range map[string]bool{
		"": true, "localhost": true, "LOCALHOST:8022": true, "127.0.0.1": true, "[::1]:8022": true, "192.0.2.1:80": true,
		"term.example": true, "Term.Example": true,
		"evil.example": false, "evil.example:8022": false, "term.example.evil.example": false, "127.0.0.1.evil.example": false,
		"localhost.evil.example": false, "term.example:1": false,
	} {
		origin := "http://" + host
		if host == "" {
			origin = ""
		}
		got, _ := d.status("/api/logout", asked{method: "POST", host: host, origin: origin})
		if ok != (got == http.StatusNoContent) || !ok && got != http.StatusMisdirectedRequest {
			t.Errorf("host %q: status %d", host, got)
		}
	}
	if got, _ := d.status("/", asked{host: "evil.example"}); got != http.StatusMisdirectedRequest {
		t.Errorf("the page for another host: status %d", got)
	}
}

func TestHeaders(t *testing.T) {
	d := openDoor(t, nil)
	for _, path := range []string{"/", "/app.js", "/nothing", "/api/me", "/api/nothing"} {
		resp, _ := d.ask(path, asked{})
		h := resp.Header
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: policy %q, want %s", path, h.Get("Content-Security-Policy"), want)
			}
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", path, h)
		}
		if strings.HasPrefix(path, "/api/") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, h.Get("Cache-Control"))
		}
	}
}

func TestParseOrigin(t *testing.T) {
	for s, want := range map[string]origin{
		"http://h": {"http", "h"}, "https://H.example:1/": {"https", "h.example:1"}, "https://[::1]:2": {"https", "[::1]:2"},
		"": {}, "h": {}, "//h": {}, "ftp://h": {}, "http://": {}, "http://h/p": {}, "http://h?q": {}, "http://h#f": {}, "http://u@h": {}, "http:h": {},
	} {
		got, err := parseOrigin(s)
		if got != want || (err == nil) != (want != origin{}) {
			t.Errorf("%q: got %v, %v, want %v", s, got, err, want)
		}
	}
}

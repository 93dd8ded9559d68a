package webd

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// policy is what the page may load and do. xterm.js writes its colours and sizes into
// style elements, so inline styles have to be let through; scripts never are.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// protect sets the headers that every answer has.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for those who do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// origin is the scheme and the host, with its port, of a page.
type origin struct{ scheme, host string }

// parseOrigin reads what --web-origin and the header Origin say: "https://host:port" and
// no more.
func parseOrigin(s string) (origin, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return origin{}, fmt.Errorf("origin %q: want SCHEME://HOST[:PORT], http or https", s)
	}
	return origin{u.Scheme, strings.ToLower(u.Host)}, nil
}

// ours tells whether host, of a request, is a name of this door. A name that somebody
// made point at our address is not: of names only localhost and that of Config.Origin
// are, and an address cannot be rebound.
func (s *Server) ours(host string) bool {
	if s.origin.host != "" && strings.EqualFold(host, s.origin.host) {
		return true
	}
	u := url.URL{Host: host}
	name := u.Hostname()
	if strings.EqualFold(name, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// sameOrigin tells whether a page of ours made the request. Browsers send Origin with
// every websocket and every POST; who sends none is no page of ours.
func (s *Server) sameOrigin(r *http.Request) bool {
	all := r.Header.Values("Origin")
	if len(all) != 1 {
		return false
	}
	o, err := parseOrigin(all[0])
	if err != nil || strings.HasSuffix(all[0], "/") {
		return false
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	return o == s.origin || strings.EqualFold(o.host, r.Host)
}

// changing lets a request through that a page of ours made: one that changes something,
// or becomes a websocket.
func (s *Server) changing(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.sameOrigin(r) {
			s.cfg.Log.Warn("refused", "why", "origin", "origin", r.Header.Get("Origin"), "host", r.Host, "from", r.RemoteAddr)
			writeFailure(w, errForeignOrigin)
			return
		}
		next(w, r)
	}
}

// private lets a request of a user through.
func (s *Server) private(next func(w http.ResponseWriter, r *http.Request, user string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, ok := s.user(r)
		if !ok {
			writeFailure(w, errNotLoggedIn)
			return
		}
		next(w, r, user)
	}
}

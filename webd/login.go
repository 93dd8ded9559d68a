package webd

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ptsns/ptsns/control"
)

// tokenUser is the name of those who come with the token.
const tokenUser = "token"

// cookieOf is the cookie that stands for a token: whoever has it has the token's rights,
// as long as that is the token, and cannot tell the token. "" for no token.
func cookieOf(token string) string {
	if token == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("ptsns web cookie 1"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// cookieName is the name of the cookie. It has the port in it, because cookies do not
// belong to a port and another door may be on another one.
func cookieName(r *http.Request) string {
	u := url.URL{Host: r.Host}
	return "ptsns-" + u.Port()
}

// user tells who asks.
func (s *Server) user(r *http.Request) (name string, ok bool) {
	if name, ok := s.proxied(r); ok {
		return name, true
	}
	if s.cookie == "" {
		return "", false
	}
	for _, c := range r.CookiesNamed(cookieName(r)) {
		if subtle.ConstantTimeCompare([]byte(c.Value), []byte(s.cookie)) == 1 {
			return tokenUser, true
		}
	}
	return "", false
}

// maxUser is how long a user's name may be, in bytes.
const maxUser = 128

// proxied tells who asks, when a proxy that is trusted says so.
func (s *Server) proxied(r *http.Request) (name string, ok bool) {
	if s.cfg.TrustHeader == "" {
		return "", false
	}
	names := r.Header.Values(s.cfg.TrustHeader)
	if len(names) != 1 || !goodUser(names[0]) {
		return "", false
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "", false
	}
	for _, p := range s.cfg.TrustFrom {
		if p.Contains(from.Addr().Unmap()) {
			return names[0], true
		}
	}
	return "", false
}

// goodUser tells whether name can be shown as it is.
func goodUser(name string) bool {
	if name == "" || len(name) > maxUser || !utf8.ValidString(name) {
		return false
	}
	for _, c := range name {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

// login trades the token for a cookie.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		writeFailure(w, err)
		return
	}
	var req struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		writeFailure(w, fmt.Errorf("%w: %w", control.ErrBadRequest, err))
		return
	}
	if !s.wrong.has() {
		w.Header().Set("Retry-After", "5")
		writeFailure(w, errTooManyTries)
		return
	}
	// Hashes have one length, so the time tells nothing of the token's.
	got, want := sha256.Sum256([]byte(req.Token)), sha256.Sum256([]byte(s.cfg.Token))
	if s.cfg.Token == "" || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		s.wrong.take()
		s.cfg.Log.Warn("refused", "why", "wrong token", "from", r.RemoteAddr)
		writeFailure(w, errWrongToken)
		return
	}
	s.setCookie(w, r, s.cookie, 0)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	s.setCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

// setCookie sets the cookie for as long as the browser runs, or with age -1 takes it back.
func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	secure := s.origin.scheme == "https" && r.Header.Get("Origin") == s.cfg.Origin
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: value, MaxAge: age, Path: "/api/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure})
}

// bucket limits how often something may happen: size times at once, and again once in
// each interval.
type bucket struct {
	size     int
	interval time.Duration

	mu   sync.Mutex
	left int       // guarded by mu
	last time.Time // guarded by mu: up to when left is counted
}

func newBucket(size int, interval time.Duration) *bucket {
	return &bucket{size: size, interval: interval, left: size, last: time.Now()}
}

// has tells whether take would be within the limit.
func (b *bucket) has() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := int(time.Since(b.last) / b.interval); n > 0 {
		b.left = min(b.size, b.left+n)
		b.last = b.last.Add(time.Duration(n) * b.interval)
	}
	return b.left > 0
}

func (b *bucket) take() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = max(b.left-1, 0)
}

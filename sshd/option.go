package sshd

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"time"
)

// key is what the line of a key grants.
type key struct {
	name       string    // the comment, or the fingerprint
	namespaces []string  // globs of the namespaces; empty means all
	readOnly   bool      // looks on and types nothing
	noPTY      bool      // gets no terminal at its own end
	from       string    // address patterns; "" means anywhere
	expires    time.Time // zero means never
}

// allows tells whether the key may go into the namespace of that name.
func (k *key) allows(name string) bool {
	if len(k.namespaces) == 0 {
		return true
	}
	for _, glob := range k.namespaces {
		if ok, err := path.Match(glob, name); ok && err == nil {
			return true
		}
	}
	return false
}

// admits tells why the key does not open the door to somebody at addr now, or nil.
func (k *key) admits(addr netip.Addr, now time.Time) error {
	if !k.expires.IsZero() && !now.Before(k.expires) {
		return fmt.Errorf("the key has expired at %s", k.expires.Format(time.RFC3339))
	}
	if k.from != "" {
		ok, err := matchAddr(k.from, addr)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("the key is not for %v", addr)
		}
	}
	return nil
}

// options are what may stand before a key. Those without a function forbid what nobody
// gets here.
var options = map[string]struct {
	value bool // wants one
	set   func(k *key, value string) error
}{
	"namespaces":          {true, (*key).setNamespaces},
	"read-only":           {false, func(k *key, _ string) error { k.readOnly = true; return nil }},
	"restrict":            {false, func(k *key, _ string) error { k.noPTY = true; return nil }},
	"no-pty":              {false, func(k *key, _ string) error { k.noPTY = true; return nil }},
	"pty":                 {false, func(k *key, _ string) error { k.noPTY = false; return nil }},
	"from":                {true, (*key).setFrom},
	"expiry-time":         {true, (*key).setExpires},
	"no-agent-forwarding": {},
	"no-port-forwarding":  {},
	"no-x11-forwarding":   {},
	"no-user-rc":          {},
}

// take applies the options of a line in their order, each NAME or NAME="VALUE".
func (k *key) take(list []string) error {
	for _, text := range list {
		name, quoted, hasValue := strings.Cut(text, "=")
		o, known := options[strings.ToLower(name)]
		if !known {
			return fmt.Errorf("option %q is not known here", name)
		}
		if hasValue != o.value {
			return fmt.Errorf("option %q: want a value: %v", text, o.value)
		}
		value := ""
		if hasValue {
			var err error
			if value, err = unquote(quoted); err != nil {
				return fmt.Errorf("option %q: %w", text, err)
			}
		}
		if o.set == nil {
			continue
		}
		if err := o.set(k, value); err != nil {
			return fmt.Errorf("option %q: %w", text, err)
		}
	}
	return nil
}

// unquote takes the quotes from a value. Inside, \" stands for a quote.
func unquote(s string) (string, error) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", errors.New("the value is not in quotes")
	}
	var b strings.Builder
	for s = s[1 : len(s)-1]; s != ""; s = s[1:] {
		if strings.HasPrefix(s, `\"`) {
			s = s[1:]
		} else if s[0] == '"' {
			return "", errors.New("a quote in the middle of the value")
		}
		b.WriteByte(s[0])
	}
	return b.String(), nil
}

func (k *key) setNamespaces(value string) error {
	if k.namespaces != nil {
		return errors.New("it comes twice")
	}
	for glob := range strings.SplitSeq(value, ",") {
		if _, err := path.Match(glob, ""); err != nil || glob == "" {
			return fmt.Errorf("%q is not a pattern of names", glob)
		}
		k.namespaces = append(k.namespaces, glob)
	}
	return nil
}

func (k *key) setFrom(value string) error {
	if k.from != "" {
		return errors.New("it comes twice")
	}
	k.from = value
	_, err := matchAddr(value, netip.IPv4Unspecified())
	return err
}

// setExpires takes a date or time of sshd(8): local, or UTC with a Z. Of several the
// earliest holds.
func (k *key) setExpires(value string) error {
	digits, utc := strings.CutSuffix(strings.ToUpper(value), "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	layouts := map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}
	layout, ok := layouts[len(digits)]
	if !ok {
		return errors.New("want YYYYMMDD[HHMM[SS]][Z]")
	}
	at, err := time.ParseInLocation(layout, digits, zone)
	if err != nil {
		return err
	}
	if k.expires.IsZero() || at.Before(k.expires) {
		k.expires = at
	}
	return nil
}

// matchAddr tells whether addr is in a list of sshd(8)'s patterns for from=: addresses with
// * and ?, or ADDRESS/BITS, and with "!" before one that must not match. Names of
// hosts match nothing, since nobody is asked for them.
func matchAddr(list string, addr netip.Addr) (bool, error) {
	addr = addr.Unmap().WithZone("")
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if pattern == "" {
			return false, fmt.Errorf("%q has an empty pattern", list)
		}
		ok := false
		if strings.Contains(pattern, "/") {
			prefix, err := netip.ParsePrefix(pattern)
			if err != nil {
				return false, err
			}
			if prefix != prefix.Masked() {
				return false, fmt.Errorf("%q has bits beyond its length", pattern)
			}
			ok = prefix.Contains(addr)
		} else if not && !addrPattern(pattern) {
			return false, fmt.Errorf("!%s: names of hosts are not looked up, so this would keep nobody out", pattern)
		} else if ip, err := netip.ParseAddr(pattern); err == nil {
			ok = ip.Unmap() == addr
		} else {
			ok = wildcard(strings.ToLower(pattern), addr.String())
		}
		if ok && not {
			return false, nil
		}
		found = found || ok
	}
	return found, nil
}

// addrPattern tells whether a pattern can match an address at all.
func addrPattern(pattern string) bool {
	return strings.Trim(strings.ToLower(pattern), "0123456789abcdef:.*?") == "" && strings.ContainsAny(pattern, ":.*?")
}

// wildcard matches s with a pattern of * and ?.
func wildcard(pattern, s string) bool {
	star, mark := -1, 0 // where the last * was, and how far into s it reaches
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

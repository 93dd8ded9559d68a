package main

import (
	"bytes"
	"strings"
)

const defaultDetachKeys = "ctrl-p,ctrl-q"

// parseKeys parses detach keys: characters and ctrl-X, with commas between. ""
// is no keys.
func parseKeys(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	var keys []byte
	for key := range strings.SplitSeq(s, ",") {
		k, ok := parseKey(key)
		if !ok {
			return nil, usagef("--detach-keys %q: %q is not a key: want a character or ctrl- and one of a-z @ [ \\ ] ^ _", s, key)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func parseKey(s string) (byte, bool) {
	if len(s) == 1 {
		return s[0], s[0] >= ' ' && s[0] < 0x7f
	}
	name, ok := strings.CutPrefix(strings.ToLower(s), "ctrl-")
	if !ok || len(name) != 1 {
		return 0, false
	}
	c := strings.ToUpper(name)[0]
	if c < '@' || c > '_' {
		return 0, false
	}
	return c & 0x1f, true
}

// keyScanner finds the detach keys in what is typed. What may be their start is
// held back until the next key tells.
type keyScanner struct {
	keys []byte
	held int // so many of keys were typed last
}

// scan looks at the next bytes typed. pass is what goes on to the program; it may
// share p's memory. found means that the keys were typed, and the rest of p is
// not looked at.
func (k *keyScanner) scan(p []byte) (pass []byte, found bool) {
	if len(k.keys) == 0 {
		return p, false
	}
	if k.held == 0 && bytes.IndexByte(p, k.keys[0]) < 0 {
		return p, false
	}
	pass = make([]byte, 0, k.held+len(p))
	for _, c := range p {
		// Let go of the oldest held key until the rest and c fit the start of keys.
		for k.held > 0 && k.keys[k.held] != c {
			next := k.overlap()
			pass = append(pass, k.keys[:k.held-next]...)
			k.held = next
		}
		if k.keys[k.held] != c {
			pass = append(pass, c)
			continue
		}
		k.held++
		if k.held == len(k.keys) {
			k.held = 0
			return pass, true
		}
	}
	return pass, false
}

// overlap is how many of the held keys, without the oldest at least, are still a
// start of keys.
func (k *keyScanner) overlap() int {
	held := k.keys[:k.held]
	n := k.held - 1
	for !bytes.HasPrefix(k.keys, held[k.held-n:]) {
		n--
	}
	return n
}

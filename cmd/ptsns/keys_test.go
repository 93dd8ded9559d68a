package main

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParseKeys(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"ctrl-p,ctrl-q", "\x10\x11"},
		{"CTRL-P,Ctrl-Q", "\x10\x11"},
		{"ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\x00\x1b\x1c\x1d\x1e\x1f"},
		{"ctrl-a,d", "\x01d"},
		{"~,.", "~."},
		{"ctrl-z,ctrl-z", "\x1a\x1a"},
	}
	for _, tt := range tests {
		got, err := parseKeys(tt.in)
		if err != nil || string(got) != tt.want {
			t.Errorf("parseKeys(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{",", "ctrl-", "ctrl-1", "ctrl-aa", "ctrl-{", "ab", "a,", "é", "ctrl-p,,ctrl-q", "\x01"} {
		if got, err := parseKeys(in); exitCode(err) != exitUsage {
			t.Errorf("parseKeys(%q) = %q, %v, want a usage error", in, got, err)
		}
	}
}

func TestKeyScanner(t *testing.T) {
	tests := []struct {
		keys, in, pass string
		found          bool
	}{
		{"", "abc", "abc", false},
		{"pq", "abc", "abc", false},
		{"pq", "apq", "a", true},
		{"pq", "apqrest", "a", true},
		{"pq", "ap", "a", false}, // held
		{"pq", "apb", "apb", false},
		{"pq", "ppq", "p", true},
		{"pq", "pppp", "ppp", false},
		{"q", "aq", "a", true},
		{"aab", "aaab", "a", true},
		{"aab", "aaaa", "aa", false},
		{"abab", "abaabab", "aba", true},
		{"aaa", "aabaaa", "aab", true},
	}
	for _, tt := range tests {
		whole := keyScanner{keys: []byte(tt.keys)}
		pass, found := whole.scan([]byte(tt.in))
		if string(pass) != tt.pass || found != tt.found {
			t.Errorf("keys %q, typed %q: %q, %v, want %q, %v", tt.keys, tt.in, pass, found, tt.pass, tt.found)
		}
		bytewise := keyScanner{keys: []byte(tt.keys)}
		var all []byte
		found = false
		for i := 0; i < len(tt.in) && !found; i++ {
			pass, found = bytewise.scan([]byte{tt.in[i]})
			all = append(all, pass...)
		}
		if string(all) != tt.pass || found != tt.found {
			t.Errorf("keys %q, typed %q byte by byte: %q, %v, want %q, %v", tt.keys, tt.in, all, found, tt.pass, tt.found)
		}
	}
}

// What is passed and what is held together are what was typed, up to the keys'
// first appearance.
func TestKeyScannerLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		keys := randomAB(r, 1+r.IntN(5))
		typed := randomAB(r, r.IntN(40))
		k := keyScanner{keys: keys}
		var passed []byte
		found := false
		for rest := typed; len(rest) > 0 && !found; {
			n := 1 + r.IntN(len(rest))
			var pass []byte
			pass, found = k.scan(rest[:n])
			passed = append(passed, pass...)
			rest = rest[n:]
		}
		want := string(typed)
		at := strings.Index(want, string(keys))
		if found != (at >= 0) {
			t.Fatalf("keys %q, typed %q: found is %v", keys, typed, found)
		}
		if found {
			want = want[:at]
		}
		if got := string(passed) + string(keys[:k.held]); got != want {
			t.Fatalf("keys %q, typed %q: passed %q and holds %d", keys, typed, passed, k.held)
		}
	}
}

func randomAB(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(r.IntN(2))
	}
	return b
}

package sshd

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// However what is typed is cut, what passes is all before the keys.
func TestDetachScanner(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		typed := make([]byte, r.IntN(12))
		for i := range typed {
			typed[i] = "\x10\x11x"[r.IntN(3)]
		}
		want, _, wantFound := bytes.Cut(typed, []byte("\x10\x11"))
		if !wantFound {
			want = bytes.TrimSuffix(want, []byte("\x10")) // held back
		}
		var d detachScanner
		var got []byte
		found := false
		for rest := bytes.Clone(typed); len(rest) > 0 && !found; {
			n := 1 + r.IntN(len(rest))
			var pass []byte
			pass, found = d.scan(rest[:n])
			got = append(got, pass...)
			rest = rest[n:]
		}
		if !bytes.Equal(got, want) || found != wantFound {
			t.Fatalf("typed %q: %q passes, found %v; want %q, %v", typed, got, found, want, wantFound)
		}
	}
}

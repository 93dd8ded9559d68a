package sshd

import (
	"net/netip"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestOptions(t *testing.T) {
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	tests := []struct {
		options string // with a space between
		want    key
		err     string
	}{
		{"", key{}, ""},
		{`namespaces="vs1,build-*"`, key{namespaces: []string{"vs1", "build-*"}}, ""},
		{`NameSpaces="vs1" Read-Only`, key{namespaces: []string{"vs1"}, readOnly: true}, ""},
		{"restrict", key{noPTY: true}, ""},
		{"restrict pty", key{}, ""},
		{"pty no-pty", key{noPTY: true}, ""},
		{"no-port-forwarding no-agent-forwarding no-X11-forwarding no-user-rc", key{}, ""},
		{`from="10.0.0.0/8,!10.1.*"`, key{from: "10.0.0.0/8,!10.1.*"}, ""},
		{`expiry-time="20300102Z"`, key{expires: utc("2030-01-02T00:00:00Z")}, ""},
		{`expiry-time="203001020304Z"`, key{expires: utc("2030-01-02T03:04:00Z")}, ""},
		{`expiry-time="20300102030405z" expiry-time="20310101Z"`, key{expires: utc("2030-01-02T03:04:05Z")}, ""},
		{`expiry-time="20300102"`, key{expires: time.Date(2030, 1, 2, 0, 0, 0, 0, time.Local)}, ""},

		{`command="true"`, key{}, `option "command" is not known here`},
		{"port-forwarding", key{}, "not known"},
		{"cert-authority", key{}, "not known"},
		{`environment="A=b"`, key{}, "not known"},
		{`permitopen="localhost:22"`, key{}, "not known"},
		{`read-only="yes"`, key{}, "want a value: false"},
		{"namespaces", key{}, "want a value: true"},
		{"namespaces=vs1", key{}, "not in quotes"},
		{`namespaces="`, key{}, "not in quotes"},
		{`namespaces="vs1"x"`, key{}, "a quote in the middle"},
		{`namespaces=""`, key{}, "not a pattern"},
		{`namespaces="vs1,"`, key{}, "not a pattern"},
		{`namespaces="[a"`, key{}, "not a pattern"},
		{`namespaces="a" namespaces="b"`, key{}, "twice"},
		{`from=""`, key{}, "empty pattern"},
		{`from="10.0.0.1/8"`, key{}, "bits beyond"},
		{`from="10.0.0.0/33"`, key{}, "10.0.0.0/33"},
		{`from="1.1.1.1" from="2.2.2.2"`, key{}, "twice"},
		{`expiry-time="2030"`, key{}, "want YYYYMMDD"},
		{`expiry-time="tomorrow"`, key{}, "parsing time"},
		{`expiry-time="20301302"`, key{}, "out of range"},
	}
	for _, tt := range tests {
		var got key
		err := got.take(strings.Fields(tt.options))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", tt.options, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.options, err)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(key{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.options, diff)
		}
	}
}

func TestUnquote(t *testing.T) {
	got, err := unquote(`"a \"b\" \c"`)
	if want := `a "b" \c`; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestMatchAddr(t *testing.T) {
	tests := []struct {
		list, addr string
		want       bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "::ffff:127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"127.*", "127.0.0.2", true},
		{"127.0.0.?", "127.0.0.22", false},
		{"*", "::1", true},
		{"*,!127.0.0.1", "127.0.0.1", false},
		{"!127.0.0.1,*", "127.0.0.1", false},
		{"!10.0.0.0/8", "127.0.0.1", false}, // nothing lets it in
		{"10.0.0.0/8", "10.200.0.1", true},
		{"10.0.0.0/8", "::ffff:10.200.0.1", true},
		{"10.0.0.0/8", "11.0.0.1", false},
		{"fe80::/10", "fe80::1%eth0", true},
		{"2001:DB8::1", "2001:db8::1", true},
		{"2001:DB8::*", "2001:db8::1", true},
		{"localhost", "127.0.0.1", false},
		{"*.example.com", "127.0.0.1", false},
	}
	for _, tt := range tests {
		got, err := matchAddr(tt.list, netip.MustParseAddr(tt.addr))
		if got != tt.want || err != nil {
			t.Errorf("%s in %q: %v, %v; want %v", tt.addr, tt.list, got, err, tt.want)
		}
	}
	for _, list := range []string{"!host.example,*", "*,!localhost", "!face"} {
		if got, err := matchAddr(list, netip.MustParseAddr("127.0.0.1")); got || err == nil {
			t.Errorf("%q, which nobody could be kept out with, was taken", list)
		}
	}
	if got, err := matchAddr("10.*", netip.Addr{}); got || err != nil {
		t.Errorf("no address in 10.*: %v, %v", got, err)
	}
}

func TestAdmits(t *testing.T) {
	home := netip.MustParseAddr("127.0.0.1")
	now := time.Unix(1e9, 0)
	tests := []struct {
		k   key
		err string
	}{
		{key{}, ""},
		{key{expires: now.Add(time.Second)}, ""},
		{key{expires: now}, "expired"},
		{key{from: "127.0.0.1"}, ""},
		{key{from: "10.0.0.0/8"}, "not for 127.0.0.1"},
	}
	for _, tt := range tests {
		err := tt.k.admits(home, now)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%+v: %v, want %q", tt.k, err, tt.err)
		}
	}
}

func FuzzOptions(f *testing.F) {
	for _, line := range []string{`namespaces="vs1,build-*",read-only`, `from="10.0.0.0/8,!*"`, `expiry-time="20300102Z"`, "restrict,pty", `x="\"`, `namespaces="*a*b?[c"`} {
		f.Add(line, "127.0.0.1")
	}
	f.Fuzz(func(t *testing.T, line, at string) {
		addr, _ := netip.ParseAddr(at) // none is one too
		text := line + " " + testKeyLine
		pub, k, err := parseLine([]byte(text))
		if err != nil || strings.ContainsAny(text, "\n\r") {
			return
		}
		if pub == nil || k.name == "" {
			t.Fatalf("%q gives no key", text)
		}
		for _, glob := range k.namespaces {
			if _, err := path.Match(glob, "vs1"); err != nil || glob == "" {
				t.Errorf("%q: glob %q", line, glob)
			}
		}
		// What cannot be said of a line that is taken: that it has an option nobody knows.
		if fields := strings.Fields(line); len(fields) > 0 && strings.HasPrefix(strings.ToLower(fields[0]), "command=") {
			t.Errorf("%q is taken", line)
		}
		_ = k.admits(addr, time.Unix(0, 0))
		_ = k.allows("vs1")
	})
}

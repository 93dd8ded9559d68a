package sshd

import (
	"strings"
	"testing"

	"github.com/ptsns/ptsns/pts"
)

func TestParseUser(t *testing.T) {
	long := strings.Repeat("x", pts.MaxNameLen)
	for user, want := range map[string]target{
		"ptsns":              {picker: true},
		"vs1":                {name: "vs1", index: -1},
		"vs1/0":              {name: "vs1", index: 0},
		"vs1+17":             {name: "vs1", index: 17},
		"ptsns/3":            {name: "ptsns", index: 3},
		"a.b-c_d":            {name: "a.b-c_d", index: -1},
		long:                 {name: long, index: -1},
		long + "/1048575":    {name: long, index: pts.MaxIndex},
		"":                   {},
		"..":                 {},
		"../x":               {},
		"../vs1/0":           {},
		"vs1/..":             {},
		"vs1/../vs2":         {},
		"/":                  {},
		"/0":                 {},
		"+0":                 {},
		"vs1/":               {},
		"vs1+":               {},
		"vs1/0/":             {},
		"vs1/0+1":            {},
		"vs1/+1":             {},
		"vs1/-1":             {},
		"vs1/01":             {},
		"vs1/1048576":        {},
		"vs1/0x1":            {},
		".systems":           {},
		"-v":                 {},
		"vs1 ":               {},
		"vs1\n":              {},
		"vs1\x00":            {},
		"vs 1":               {},
		"vs1\\0":             {},
		"v\u0455":            {},
		long + "x":           {},
		"ptsns/..":           {},
		"vs1/99999999999999": {},
	} {
		got, err := parseUser(user)
		if got != want || (err == nil) != (want != target{}) {
			t.Errorf("user %q: %+v, %v; want %+v", user, got, err, want)
		}
	}
}

func FuzzUser(f *testing.F) {
	for _, user := range []string{"ptsns", "vs1", "vs1/0", "vs1+0", "../x", "vs1/..", "a+b/c", ""} {
		f.Add(user)
	}
	f.Fuzz(func(t *testing.T, user string) {
		got, err := parseUser(user)
		if err != nil || got.picker {
			return
		}
		if err := pts.CheckName(got.name); err != nil {
			t.Errorf("user %q: %v", user, err)
		}
		if got.index < -1 || got.index > pts.MaxIndex {
			t.Errorf("user %q: index %d", user, got.index)
		}
		if back := got.String(); back != strings.Replace(user, "+", "/", 1) {
			t.Errorf("user %q is %q", user, back)
		}
	})
}

package pts

import (
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{"vs1", "a", "0", "web-1.prod_x", strings.Repeat("n", MaxNameLen)} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q is refused: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "-d", "_x", ".lock", "a/b", "/a", "a b", "a\n", "ä", "a\x00", strings.Repeat("n", MaxNameLen+1)} {
		if CheckName(name) == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}

func TestParseID(t *testing.T) {
	for _, want := range []ID{{"vs1", 0}, {"a.b", 42}, {"x", MaxIndex}} {
		if got, err := ParseID(want.String()); err != nil || got != want {
			t.Errorf("%q parses as %+v, %v", want.String(), got, err)
		}
	}
	for _, s := range []string{"", "vs1", "vs1/", "/0", "vs1/x", "vs1/-1", "vs1/01", "vs1/+1", "vs1/0/1", "../0", "vs1/1048576", "vs1/99999999999999999999"} {
		if got, err := ParseID(s); err == nil {
			t.Errorf("%q parses as %+v", s, got)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("vs1/0")
	f.Add("../../etc/0")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			return
		}
		if id.String() != s || strings.Count(s, "/") != 1 || id.Index < 0 || id.Index > MaxIndex {
			t.Errorf("%q parses as %+v", s, id)
		}
	})
}

//go:build linux

package rundir

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestParseMountinfo(t *testing.T) {
	const data = `21 30 0:20 / /proc rw,relatime shared:5 - proc proc rw
22 30 0:22 / /a\040b\134\011c rw - tmpfs ptsns\0401 rw,size=4k
nonsense
x 30 0:22 / /bad rw - tmpfs t rw
23 30 0:23 /ptmx /dev/ptmx rw master:1 propagate_from:2 unbindable - devpts  rw,mode=600
24 30 0:24 / /end\04 rw - tmpfs \999`
	got := parseMountinfo([]byte(data))
	want := []mount{
		{21, "0:20", "/proc", "proc", "proc"},
		{22, "0:22", "/a b\\\tc", "tmpfs", "ptsns 1"},
		{23, "0:23", "/dev/ptmx", "devpts", ""},
		{24, "0:24", `/end\04`, "tmpfs", `\999`},
	}
	if diff := cmp.Diff(got, want, cmp.AllowUnexported(mount{})); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

func FuzzParseMountinfo(f *testing.F) {
	f.Add([]byte(`22 30 0:22 / /a\040b rw - tmpfs ptsns\0401 rw`))
	f.Add([]byte(`\`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, m := range parseMountinfo(data) {
			if len(m.point)+len(m.source) > len(data) {
				t.Errorf("%+v grew out of %q", m, data)
			}
		}
	})
}

func TestValidMarker(t *testing.T) {
	marker := newMarker()
	for s, want := range map[string]bool{
		marker: true, "": false, "ptsns-": false, "tmpfs": false, marker + "0": false,
		marker[:len(marker)-2]: false, strings.Replace(marker, "ptsns", "PTSNS", 1): false, marker[:len(marker)-1] + "g": false,
	} {
		if got := validMarker(s); got != want {
			t.Errorf("validMarker(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestLastWords(t *testing.T) {
	d := openDir(t)
	e := reserve(t, d, "vs1")
	h := &held{path: d.Path()}
	var err error
	if h.dir, err = os.Open(d.Path()); err != nil {
		t.Fatal(err)
	}
	defer h.dir.Close()
	for _, tt := range []struct{ name, log, want string }{
		{"empty", "", ""},
		{"blank end", "one\ntwo\n\n  \n", "two"},
		{"no newline", "one\ntwo", "two"},
		{"crash", "start\npanic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n", "panic: runtime error: index out of range"},
		{"escapes", "a\x1b[2Jb\xffc\n", "a [2Jb c"},
		{"long line", strings.Repeat("é", 1000), strings.Repeat("é", maxLogLine/2)},
		{"ordinary life", "one\n" + `{"time":"2026-05-01T12:00:00Z","level":"INFO","msg":"serving"}` + "\n", "one"},
		{"debugging alone", `{"level":"DEBUG-4","msg":"x"}`, ""},
		{"message alone", `{"level":"ERROR","msg":"no\u001b[2Jthing","namespace":"vs1"}` + "\n" + `{"level":"WARN","msg":"later"}`, "no [2Jthing"},
		{"error", "x\n" + `{"level":"ERROR+2","msg":"ended","error":"no \"room\""}` + "\n", `ended: no "room"`},
		{"crash after JSON", "panic: x\n" + `{"level":"ERROR","msg":"ended"}`, "panic: x"},
		{"other JSON", `{"level":"high"}`, `{"level":"high"}`},
		{"half a line", `{"level":"ERROR","msg":"en`, `{"level":"ERROR","msg":"en`},
		{"long log", strings.Repeat("x\n", maxLog) + "end\n", "end"},
	} {
		if err := os.WriteFile(filepath.Join(d.Path(), "vs1", "log"), []byte(tt.log), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := h.lastWords(e.Name()); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

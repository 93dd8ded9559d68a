package cast

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadV3(t *testing.T) {
	file := `{"version": 3, "term": {"cols": 80, "rows": 24, "type": "xterm-256color", "version": "VTE(7802)", "theme": {"fg": "#d0d0d0"}}, "timestamp": 1504467315, "idle_time_limit": 2, "title": "Demo", "env": {"SHELL": "/bin/zsh", "X": null}, "tags": ["a"]}
# event stream follows the header
[0.248, "o", "\u001b[1mHi\ud83d\ude00 \ud83d é\n"]
[1.001, "i", "q"]
[0, "u", "an event of a code that nobody knows"]
[0, "long", "another"]

[3.500, "m", ""]
@
[2.050e0, "r", "90x30"]
[0.887, "x", "0"]`
	r, err := NewReader(strings.NewReader(strings.Replace(file, "@\n", "\r\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	want := Header{Version: V3, Rows: 24, Cols: 80, Term: "xterm-256color", Start: time.Unix(1504467315, 0), IdleLimit: 2 * time.Second,
		Title: "Demo", Env: map[string]string{"SHELL": "/bin/zsh", "X": ""}}
	if diff := cmp.Diff(want, r.Header()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	var got []Event
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	ms := time.Millisecond
	if diff := cmp.Diff([]Event{{248 * ms, Output, "\x1b[1mHi😀 " + replacement + " é\n"}, {1249 * ms, Input, "q"}, {4749 * ms, Marker, ""},
		{6799 * ms, Resize, "90x30"}, {7686 * ms, Exit, "0"}}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if rows, cols, ok := got[3].Size(); rows != 30 || cols != 90 || !ok {
		t.Errorf("Size: %d, %d, %v", rows, cols, ok)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestReadV2(t *testing.T) {
	r, err := NewReader(strings.NewReader(`{"version": 2, "width": 0, "height": 24, "timestamp": 1504467315.5, "command": "/bin/sh", "env": {"TERM": "xterm"}}
[1.5, "o", "a"]
[1.25, "o", "time runs backwards"]
[1.5, "#", "=HQvFrdEyJ8C8kUr7fV+bEg"]
[2, "o", "b"]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Header{Version: V2, Rows: 24, Cols: 80, Term: "xterm", Start: time.Unix(1504467315, 0), Command: "/bin/sh", Env: map[string]string{"TERM": "xterm"}}
	if diff := cmp.Diff(want, r.Header()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	for _, want := range []Event{{1500 * time.Millisecond, Output, "a"}, {1500 * time.Millisecond, Output, "time runs backwards"}, {2 * time.Second, Output, "b"}} {
		if e, err := r.Next(); err != nil || e != want {
			t.Errorf("got %+v, %v, want %+v", e, err, want)
		}
	}
}

func TestReadWrongHeader(t *testing.T) {
	for _, file := range []string{
		"", "\n", "x", "[]", "3", "null", `{}`, `{"version":"3","term":{"cols":80,"rows":24}}`, `{"version":1,"width":80,"height":24}`,
		`{"version":4,"term":{"cols":80,"rows":24}}`, `{"version":3}`, `{"version":3,"width":80,"height":24}`, `{"version":3,"term":{"cols":-1,"rows":24}}`,
		`{"version":3,"term":{"cols":80,"rows":65536}}`, `{"version":3,"term":"xterm"}`, `{"version":3,"term":{"cols":80,"rows":24},"env":[]}`,
		`{"version":2,"width":80.5,"height":24}`, `# comment`, strings.Repeat("[", 1<<19), strings.Repeat(" ", maxLine+1),
		`{"version":3,"term":{"cols":80,"rows":24}`,
	} {
		if _, err := NewReader(strings.NewReader(file)); !errors.Is(err, ErrFormat) {
			t.Errorf("NewReader(%.80q): %v, want ErrFormat", file, err)
		}
	}
}

func TestReadWrongEvents(t *testing.T) {
	tests := []struct{ version, line, want string }{
		{"3", `[1, "o"]`, "array of three"},
		{"3", `[1, "o", "x", "y"]`, "array of three"},
		{"3", `{"a": 1}`, "array of three"},
		{"3", `[1, "o", "x"] x`, "array of three"},
		{"3", `hello`, "array of three"},
		{"3", `["1", "o", "x"]`, "no time"},
		{"3", `[-1, "o", "x"]`, "no time"},
		{"3", `[null, "o", "x"]`, "no time"},
		{"3", `[1e300, "o", "x"]`, "no time"},
		{"3", `[1e999, "o", "x"]`, "no time"},
		{"3", `[1, 2, "x"]`, "no code"},
		{"3", `[1, "", "x"]`, "no code"},
		{"3", `[1, "o", null]`, "no data"},
		{"3", `[1, "o", ["x"]]`, "no data"},
		{"3", `[1, "r", "80"]`, `"80" is no size`},
		{"3", `[1, "r", "0x1"]`, "is no size"},
		{"3", `[1, "r", "99999999999999999999x1"]`, "is no size"},
		{"3", "[1500000000, \"o\", \"\"]\n[1500000000, \"o\", \"\"]", "longer than any life"},
		{"3", `[1, "o", "` + strings.Repeat("x", maxLine) + `"]`, "line longer than"},
		{"2", `# no comments in v2`, "array of three"},
	}
	for _, tt := range tests {
		head := `{"version":3,"term":{"cols":80,"rows":24}}`
		if tt.version == "2" {
			head = `{"version":2,"width":80,"height":24}`
		}
		r, err := NewReader(strings.NewReader(head + "\n" + tt.line + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if err == io.EOF || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%.60s: %v, want %q", tt.line, err, tt.want)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("%.60s: after the error %v", tt.line, again)
		}
	}
}

func TestReadCutWithinALine(t *testing.T) {
	file := sample(t, Options{NoChain: true})
	for i := range file {
		r, err := NewReader(strings.NewReader(string(file[:i])))
		if err != nil {
			continue // within the header
		}
		for err == nil {
			_, err = r.Next()
		}
		if whole := file[i-1] == '\n' || file[i] == '\n'; whole != (err == io.EOF) || !whole && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %q: %v", file[max(0, i-10):i], err)
		}
	}
}

// An error of the file is not taken for the end.
func TestReadError(t *testing.T) {
	bad := errors.New("bad disk")
	file := sample(t, Options{})
	r, err := NewReader(io.MultiReader(strings.NewReader(string(file)), errReader{bad}))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, bad) {
		t.Errorf("Next: %v", err)
	}
	if _, err := Verify(io.MultiReader(strings.NewReader(string(file)), errReader{bad}), nil); !errors.Is(err, bad) {
		t.Errorf("Verify: %v", err)
	}
	if _, err := Verify(errReader{bad}, nil); !errors.Is(err, bad) {
		t.Errorf("Verify: %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

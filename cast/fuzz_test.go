package cast

import (
	"bytes"
	"io"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzReader: no input crashes a Reader, and what it returns keeps its promises.
func FuzzReader(f *testing.F) {
	f.Add(sample(f, Options{}))
	f.Add(sample(f, Options{Version: V2, Input: true}))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		if h := r.Header(); h.Rows <= 0 || h.Cols <= 0 || h.Rows > maxSize || h.Cols > maxSize || h.IdleLimit < 0 {
			t.Errorf("header %+v", h)
		}
		var last time.Duration
		for {
			e, err := r.Next()
			if err != nil {
				return
			}
			if e.Time < last || e.Time > maxTime || !utf8.ValidString(e.Data) {
				t.Errorf("event %+v after %v", e, last)
			}
			if _, _, ok := e.Size(); ok != (e.Code == Resize) {
				t.Errorf("event %+v has a size: %v", e, ok)
			}
			last = e.Time
		}
	})
}

// FuzzVerify: no input crashes Verify, and a recording is whole only if its Writer
// would have written it so.
func FuzzVerify(f *testing.F) {
	f.Add(sample(f, Options{}), 40, byte('x'))
	f.Add(sample(f, Options{Version: V2}), 400, byte('\n'))
	f.Fuzz(func(t *testing.T, file []byte, i int, c byte) {
		r, err := Verify(bytes.NewReader(file), nil)
		if r.Line > bytes.Count(file, []byte("\n")) {
			t.Errorf("%+v", r)
		}
		if err != nil || len(file) == 0 {
			return
		}
		if c2 := c ^ file[uint(i)%uint(len(file))]; c2 != 0 {
			bad := bytes.Clone(file)
			bad[uint(i)%uint(len(file))] = c
			if _, err := Verify(bytes.NewReader(bad), nil); err == nil {
				t.Errorf("%q is whole, %q too", file, bad)
			}
		}
		if _, err := Verify(bytes.NewReader(file[:uint(i)%uint(len(file))]), nil); err == nil {
			t.Errorf("%q is whole when it is cut", file)
		}
	})
}

// FuzzRoundTrip: what a Writer is given, at any split, a Reader returns, as Unicode.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("a\xc3\xbc\x1b[m\xff\xf0\x9f\x98"), uint8(2), uint32(1500), false)
	f.Fuzz(func(t *testing.T, in []byte, n uint8, us uint32, v2 bool) {
		opts := Options{Input: true}
		if v2 {
			opts.Version = V2
		}
		var b bytes.Buffer
		w, err := NewWriter(&b, Header{Start: start}, opts)
		if err != nil {
			t.Fatal(err)
		}
		step := time.Duration(us) * time.Microsecond
		now := start
		for p := in; len(p) > 0; p = p[min(int(n)+1, len(p)):] {
			now = now.Add(step)
			w.Output(now, p[:min(int(n)+1, len(p))])
			w.Input(now, p[:min(int(n)+1, len(p))])
			w.Resize(now, 1+int(n), 2)
		}
		w.Marker(now, string(in))
		w.Exit(now, int(n))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := string([]rune(string(in)))
		got := map[Code]string{}
		r, err := NewReader(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		var last time.Duration
		for {
			e, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v in %q", err, b.Bytes())
			}
			got[e.Code] += e.Data
			last = e.Time
		}
		if got[Output] != want || got[Input] != want {
			t.Errorf("output %q, input %q, want %q", got[Output], got[Input], want)
		}
		if len(in) <= maxData && got[Marker] != want {
			t.Errorf("marker %q, want %q", got[Marker], want)
		}
		if last != now.Sub(start) {
			t.Errorf("the end is at %v, want %v", last, now.Sub(start))
		}
		head := w.Head()
		if _, err := Verify(&b, &head); err != nil {
			t.Error(err)
		}
	})
}

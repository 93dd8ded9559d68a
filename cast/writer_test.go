package cast

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// at is so many milliseconds after start.
func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

var header = Header{Rows: 24, Cols: 80, Term: "xterm-256color", Start: start, IdleLimit: 1500 * time.Millisecond,
	Command: "/bin/sh", Title: "a <title>\x9b", Env: map[string]string{"SHELL": "/bin/sh"}}

// sample writes a recording with everything in it.
func sample(t testing.TB, opts Options) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, header, opts)
	if err != nil {
		t.Fatal(err)
	}
	w.Output(at(250), []byte("\x1b[1mHello\x1b[0m\r\n\"\\\x7f\x00<&>"))
	w.Input(at(300), []byte("q\r"))
	w.Output(at(1000), []byte("gr\xc3"))
	w.Resize(at(1001), 30, 90)
	w.Output(at(900), []byte("\xbc\xc3\x9f \xe2\x82"))
	w.Marker(at(2000), "here")
	w.Exit(at(2500), 7)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFileV3(t *testing.T) {
	want := `{"version":3,"term":{"cols":80,"rows":24,"type":"xterm-256color"},"timestamp":1777636800,"idle_time_limit":1.5,"command":"/bin/sh","title":"a <title>\ufffd","env":{"SHELL":"/bin/sh"}}
[0.25, "o", "\u001b[1mHello\u001b[0m\r\n\"\\\u007f\u0000<&>"]
[0.75, "o", "gr"]
[0.001, "r", "90x30"]
[0, "o", "üß "]
[0.999, "m", "here"]
[0.5, "o", "��"]
[0, "x", "7"]
`
	want = strings.Replace(want, `\ufffd`, replacement, 1)
	if diff := cmp.Diff(want, string(sample(t, Options{NoChain: true}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFileV2WithInputAndChain(t *testing.T) {
	got := strings.SplitAfter(string(sample(t, Options{Version: V2, Input: true})), "\n")
	want := []string{
		`{"version":2,"width":80,"height":24,"timestamp":1777636800,"idle_time_limit":1.5,"command":"/bin/sh","title":"a <title>` + replacement + `","env":{"SHELL":"/bin/sh","TERM":"xterm-256color"}}`,
		`[0.25, "o", "\u001b[1mHello\u001b[0m\r\n\"\\\u007f\u0000<&>"]`,
		`[0.3, "i", "q\r"]`, `[1, "o", "gr"]`, `[1.001, "r", "90x30"]`, `[1.001, "o", "üß "]`, `[2, "m", "here"]`, `[2.5, "o", "` + replacement + replacement + `"]`, `[2.5, "x", "7"]`,
	}
	c := newChain(V2)
	var b strings.Builder
	for _, line := range want {
		line += "\n"
		c.add([]byte(line))
		b.WriteString(line)
		b.Write(c.appendLink(nil, timeOf([]byte(line))))
	}
	b.WriteString(fmt.Sprintf("[2.5, \"#\", \"=end %v\"]\n", c.head))
	if diff := cmp.Diff(strings.SplitAfter(b.String(), "\n"), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The example of a chain in the package comment is one.
func TestChainIsAsDocumented(t *testing.T) {
	lines := strings.Split(string(sample(t, Options{})), "\n")
	if got, want := len(lines), 8*2+1+1; got != want {
		t.Fatalf("%d lines, want %d", got, want)
	}
	for i, line := range lines[:16] {
		if isLink := strings.HasPrefix(line, "#=") && len(line) == 24; isLink != (i%2 == 1) {
			t.Errorf("line %d is %q", i+1, line)
		}
	}
	if seal := lines[16]; len(seal) != len("#=end ")+64 {
		t.Errorf("the seal is %q", seal)
	}
}

func TestSplitsDoNotMatter(t *testing.T) {
	in := []byte("aé€😀\xff\xe2\x82A\xf0\x9f\x98\xc3\"\xed\xa0\x80\xc2\x9b\xe2\x82\xac\xf4\x90\x80\x80z\xf0\x9f")
	want := strings.ToValidUTF8(string(in), "") // only to be sure that there is something to lose
	if want == string(in) {
		t.Fatal("the input is UTF-8")
	}
	whole := string([]rune(string(in)))
	for n := 1; n <= len(in); n++ {
		var b bytes.Buffer
		w, err := NewWriter(&b, Header{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for p := in; len(p) > 0; p = p[min(n, len(p)):] {
			w.Output(start, p[:min(n, len(p))])
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := output(t, b.Bytes()); got != whole {
			t.Errorf("split after every %d: got %q, want %q", n, got, whole)
		}
	}
}

// output is all output of a recording.
func output(t testing.TB, file []byte) string {
	t.Helper()
	var s strings.Builder
	for _, e := range events(t, file) {
		if e.Code == Output {
			s.WriteString(e.Data)
		}
	}
	return s.String()
}

func events(t testing.TB, file []byte) []Event {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("%v in %q", err, file)
	}
	var all []Event
	for {
		e, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %q", err, file)
		}
		all = append(all, e)
	}
}

// Intervals are of whole microseconds, and what is cut off one is in the next.
func TestNoDrift(t *testing.T) {
	for _, v := range []Version{V2, V3} {
		var b bytes.Buffer
		w, err := NewWriter(&b, Header{Start: start}, Options{Version: v})
		if err != nil {
			t.Fatal(err)
		}
		const n = 20_000
		for i := range n {
			w.Output(start.Add(time.Duration(i)*333_333*time.Nanosecond), []byte("x"))
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		all := events(t, b.Bytes())
		if got, want := all[n-1].Time, ((n - 1) * 333_333 * time.Nanosecond).Truncate(time.Microsecond); got != want {
			t.Errorf("v%d: the last event is at %v, want %v", v, got, want)
		}
	}
}

func TestNoStartBeginsWithTheFirstEvent(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{}, Options{NoChain: true})
	if err != nil {
		t.Fatal(err)
	}
	w.Output(at(5000), []byte("a"))
	w.Output(at(5500), []byte("b"))
	w.Resize(at(5500), 0, 0) // no size
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"version":3,"term":{"cols":80,"rows":24}}
[0, "o", "a"]
[0.5, "o", "b"]
`
	if got := b.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A recording of nothing has an event: the asciinema player refuses one that has none.
func TestNothingRecorded(t *testing.T) {
	for v, want := range map[Version]string{
		V2: `{"version":2,"width":80,"height":24}` + "\n" + `[0, "o", ""]` + "\n",
		V3: `{"version":3,"term":{"cols":80,"rows":24}}` + "\n" + `[0, "o", ""]` + "\n",
	} {
		var b bytes.Buffer
		w, err := NewWriter(&b, Header{}, Options{Version: v, NoChain: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != want {
			t.Errorf("v%d: got %s, want %s", v, got, want)
		}
	}
}

func TestLimit(t *testing.T) {
	for _, v := range []Version{V2, V3} {
		for limit := int64(1000); limit < 1400; limit += 7 {
			var b bytes.Buffer
			w, err := NewWriter(&b, header, Options{Version: v, MaxBytes: limit})
			if err != nil {
				t.Fatal(err)
			}
			for range 100 {
				w.Output(at(1), []byte("0123456789"))
			}
			head := w.Head()
			if err := w.Flush(); !errors.Is(err, ErrFull) {
				t.Errorf("Flush: %v, want ErrFull", err)
			}
			if err := errors.Join(w.Flush(), w.Close()); err != nil {
				t.Errorf("after it was told: %v", err)
			}
			if int64(b.Len()) > limit {
				t.Errorf("%d bytes, want at most %d", b.Len(), limit)
			}
			all := events(t, b.Bytes())
			if last := all[len(all)-1]; last.Code != Marker || !strings.Contains(last.Data, "size limit") {
				t.Errorf("the last event is %+v", last)
			}
			if _, err := Verify(&b, &head); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := NewWriter(io.Discard, header, Options{MaxBytes: 300}); err == nil {
		t.Error("a limit with no room for the header was accepted")
	}
}

// disk is a file on a disk with so many bytes.
type disk struct {
	file  []byte
	room  int
	fails int
}

var errFull = errors.New("no space left")

func (d *disk) Write(p []byte) (int, error) {
	n := min(len(p), d.room-len(d.file))
	d.file = append(d.file, p[:n]...)
	if n < len(p) {
		d.fails++
		return n, errFull
	}
	return n, nil
}

func (d *disk) Seek(int64, int) (int64, error) { return int64(len(d.file)), nil }

func (d *disk) Truncate(n int64) error {
	d.file = d.file[:n]
	return nil
}

// What is written when the disk is full, wherever in a line that happens, is a valid
// recording, and the writer's user is told once.
func TestDiskFull(t *testing.T) {
	for _, opts := range []Options{{}, {Version: V2}, {NoChain: true}} {
		size := len(sample(t, opts))
		for room := 300; room < size; room++ {
			d := &disk{room: room + 3, file: []byte("abc")} // where a recording begins is its writer's
			w, err := NewWriter(d, header, opts)
			if err != nil {
				t.Fatal(err)
			}
			told := 0
			for i := range 8 {
				w.Output(at(i), []byte("0123456789"))
				w.Resize(at(i), 1, 1)
				if i%3 == 2 && w.Flush() != nil {
					told++
				}
			}
			w.Exit(at(9), 0)
			for range 2 {
				if w.Close() != nil {
					told++
				}
			}
			if told != 1 || d.fails != 1 {
				t.Errorf("room %d: told %d times, tried %d times", room, told, d.fails)
			}
			file := d.file[3:]
			if file[len(file)-1] != '\n' {
				t.Errorf("room %d: %q ends within a line", room, file)
			}
			events(t, file)
			if _, err := Verify(bytes.NewReader(file), nil); !opts.NoChain && !errors.Is(err, ErrUnsealed) {
				t.Errorf("room %d: Verify: %v", room, err)
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	for _, opts := range []Options{{}, {Version: V2, Input: true}, {NoChain: true}} {
		w, err := NewWriter(io.Discard, header, opts)
		if err != nil {
			t.Fatal(err)
		}
		chunk := bytes.Repeat([]byte("ab\x1b[1mü\r\n\xff"), 5000)
		now := start
		step := func() {
			now = now.Add(time.Millisecond)
			w.Output(now, chunk)
			w.Output(now, []byte("x"))
			w.Input(now, chunk[:9])
			w.Resize(now, 10, 10)
		}
		for range 20 {
			step()
		}
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%+v: %v allocations", opts, n)
		}
	}
}

// A Writer that has flushed keeps nothing but itself.
func TestIdleIsSmall(t *testing.T) {
	const n = 1000
	chunk := bytes.Repeat([]byte("0123456789"), 10<<10)
	writers := make([]*Writer, 0, n)
	before := heap()
	for range n {
		w, err := NewWriter(io.Discard, header, Options{})
		if err != nil {
			t.Fatal(err)
		}
		w.Output(start, chunk)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, w)
	}
	if each := (heap() - before) / n; each > 1<<10 {
		t.Errorf("%d bytes each, want less than 1 KiB", each)
	}
	runtime.KeepAlive(writers)
}

// heap is what is in use, without what is only kept for others to use.
func heap() int64 {
	for range 3 { // pools let go at the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What comes after a gap does not end a character of before.
func TestGap(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{}, Options{NoChain: true})
	if err != nil {
		t.Fatal(err)
	}
	w.Output(at(0), []byte("a\xe2\x82"))
	w.Gap(at(1), 12, 0)
	w.Output(at(2), []byte("\xacb"))
	w.Gap(at(2), 0, 3)
	w.Marker(at(2), "7 bytes of output")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"version":3,"term":{"cols":80,"rows":24}}
[0, "o", "a"]
[0.001, "o", "��"]
[0, "m", "12 bytes of output are missing here: the recorder fell behind"]
[0.001, "o", "�b"]
[0, "m", "0 bytes of output and 3 of input are missing here: the recorder fell behind"]
[0, "m", "7 bytes of output"]
`
	if got := b.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var missing []string
	for _, e := range events(t, b.Bytes()) {
		n, ok := e.Missing()
		missing = append(missing, fmt.Sprint(n, ok))
	}
	if diff := cmp.Diff([]string{"0 false", "0 false", "12 true", "0 false", "0 true", "0 false"}, missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

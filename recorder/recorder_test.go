package recorder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/cast"
)

// A Recorder is what a hub hands a terminal's doings to.
var _ interface {
	Output(at time.Time, p []byte)
	Input(at time.Time, p []byte)
	Resize(at time.Time, rows, cols int)
	Exit(at time.Time, status int)
	End(at time.Time)
	File() string
	WantsInput() bool
} = (*Recorder)(nil)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// at is so many milliseconds after start.
func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

var header = cast.Header{Rows: 24, Cols: 80, Term: "xterm-256color", Start: start}

// over begins a recording in a file that is not one.
func over(t testing.TB, f io.Writer, opts Options) *Recorder {
	t.Helper()
	w, err := cast.NewWriter(f, header, opts.cast())
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder("fake.cast", opts)
	r.w = w
	return r
}

func wait(t testing.TB, r *Recorder) {
	t.Helper()
	if err := r.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func events(t testing.TB, file []byte) []cast.Event {
	t.Helper()
	r, err := cast.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("%v in %.200q", err, file)
	}
	var all []cast.Event
	for {
		e, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

// text is all that events of one code hold.
func text(all []cast.Event, code cast.Code) string {
	var s strings.Builder
	for _, e := range all {
		if e.Code == code {
			s.WriteString(e.Data)
		}
	}
	return s.String()
}

func sealed(t testing.TB, file []byte) {
	t.Helper()
	if _, err := cast.Verify(bytes.NewReader(file), nil); err != nil {
		t.Error(err)
	}
}

// show is events as a person reads them.
func show(all []cast.Event) []string {
	var s []string
	for _, e := range all {
		s = append(s, fmt.Sprintf("%v %c %.100s", e.Time, e.Code, e.Data))
	}
	return s
}

func TestFile(t *testing.T) {
	for _, v := range []cast.Version{cast.V2, cast.V3} {
		path := filepath.Join(t.TempDir(), "a.cast")
		r, err := New(path, header, Options{Version: v, Input: true, Failed: func(file string, err error) { t.Error(file, err) }})
		if err != nil {
			t.Fatal(err)
		}
		if r.File() != path || !r.WantsInput() {
			t.Errorf("file %q, wants input %v", r.File(), r.WantsInput())
		}
		buf := []byte("hello ")
		r.Output(at(0), buf)
		copy(buf, "WORLD!") // it is only good during the call
		r.Output(at(3), buf)
		r.Output(at(4), []byte("later\r\n"))
		r.Input(at(5), []byte("q"))
		r.Resize(at(6), 30, 90)
		r.Output(at(7), nil)
		r.Output(at(1000), []byte("\xe2\x82"))
		r.Exit(at(2000), 7)
		r.End(at(2000))
		r.Output(at(3000), []byte("too late"))
		r.End(at(3000))
		wait(t, r)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"0s o hello WORLD!", "4ms o later\r\n", "5ms i q", "6ms r 90x30", "2s o ��", "2s x 7"}
		if diff := cmp.Diff(want, show(events(t, file))); diff != "" {
			t.Errorf("v%d (-want +got):\n%s", v, diff)
		}
		sealed(t, file)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v; want 0600", info, err)
		}
		if _, err := New(path, header, Options{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over a file: %v", err)
		}
	}
	if _, err := New(filepath.Join(t.TempDir(), "no", "a.cast"), header, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no directory: %v", err)
	}
}

// Everything that a terminal does is there, in its order, and at its time to some
// milliseconds.
func TestScriptedTerminal(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 0))
		opts := Options{Version: cast.Version(2 + seed%2), Input: seed%3 == 0}
		var b bytes.Buffer
		r := over(t, &b, opts)
		var want []cast.Event
		note := func(now time.Time, code cast.Code, data string) {
			if n := len(want) - 1; n >= 0 && want[n].Code == code && code != cast.Resize {
				want[n].Data += data
			} else {
				want = append(want, cast.Event{Time: now.Sub(start), Code: code, Data: data})
			}
		}
		for now := start; len(want) < 300; now = now.Add(time.Duration(random.IntN(3000)) * time.Microsecond) {
			data := strings.Repeat("0123456789"[random.IntN(10):], 1+random.IntN(1<<random.IntN(14)))
			switch random.IntN(8) {
			case 0:
				r.Input(now, []byte(data[:1]))
				if opts.Input {
					note(now, cast.Input, data[:1])
				}
			case 1:
				rows, cols := 1+random.IntN(99), 1+random.IntN(99)
				r.Resize(now, rows, cols)
				note(now, cast.Resize, fmt.Sprintf("%dx%d", cols, rows))
			default:
				r.Output(now, []byte(data))
				note(now, cast.Output, data)
			}
		}
		r.End(start)
		wait(t, r)
		var got []cast.Event
		for _, e := range events(t, b.Bytes()) {
			if n := len(got) - 1; n >= 0 && got[n].Code == e.Code && e.Code != cast.Resize {
				got[n].Data += e.Data
			} else {
				got = append(got, e)
			}
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < together })); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		sealed(t, b.Bytes())
	}
}

// shared is a file that is looked at while it is written.
type shared struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *shared) Bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.buf.Bytes())
}

func (s *shared) Len() int { return len(s.Bytes()) }

// What is queued is written within the second, by a goroutine that is there for nothing
// else: this bubble ends although the recording does not.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b shared
		r := over(t, &b, Options{})
		head := b.Len()
		for range 3 {
			before := b.Len()
			r.Output(at(0), []byte("x"))
			time.Sleep(flushAfter - 1)
			synctest.Wait()
			if b.Len() != before {
				t.Error("written at once: a file system call for every key")
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if b.Len() == before {
				t.Error("not written in time")
			}
			time.Sleep(time.Hour)
		}
		if got := text(events(t, b.Bytes()), cast.Output); got != "xxx" || head == 0 {
			t.Errorf("got %q", got)
		}
		// Much does not wait.
		begin := time.Now()
		for b.Len() < 2*wakeBlocks*blockSize {
			r.Output(at(0), make([]byte, 1000))
			synctest.Wait()
		}
		if d := time.Since(begin); d != 0 {
			t.Errorf("waited %v", d)
		}
	})
}

func TestMaxBytes(t *testing.T) {
	var b bytes.Buffer
	failed := make(chan error, 2)
	r := over(t, &b, Options{MaxBytes: 10_000, Failed: func(_ string, err error) { failed <- err }})
	r.Output(at(0), make([]byte, 100_000))
	wait(t, r) // it has ended before its terminal
	r.Output(at(0), make([]byte, 100_000))
	r.End(at(0))
	if err := <-failed; !errors.Is(err, cast.ErrFull) || len(failed) > 0 {
		t.Errorf("%v, and %d more", err, len(failed))
	}
	if b.Len() > 10_000 {
		t.Errorf("%d bytes", b.Len())
	}
	sealed(t, b.Bytes())
}

package hub

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ptsns/ptsns/pts"
)

// tape is a recorder that writes down what it is given.
type tape struct {
	mu    sync.Mutex
	lines []string
	input bool
}

func (r *tape) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}
func (r *tape) Output(_ time.Time, p []byte)       { r.note("o %q", p) }
func (r *tape) Input(_ time.Time, p []byte)        { r.note("i %q", p) }
func (r *tape) Resize(_ time.Time, rows, cols int) { r.note("r %dx%d", rows, cols) }
func (r *tape) Exit(_ time.Time, status int)       { r.note("x %d", status) }
func (r *tape) End(time.Time)                      { r.note("end") }
func (r *tape) File() string                       { return "the tape" }
func (r *tape) WantsInput() bool                   { return r.input }

func TestRecording(t *testing.T) {
	first := &tape{input: true}
	h := New(Options{Ended: func() {}, Record: func(*Terminal) Recorder { return first }})
	end := newFakeEnd()
	end.winsize = [8]byte{2, 0, 10, 0}
	term, _ := h.Own(end, 0, Opener{}, false, Who{})
	end.say("from the start")
	late := &tape{}
	stop, err := term.Record(late)
	if err != nil {
		t.Fatal(err)
	}
	if got := term.Recordings(); len(got) != 2 {
		t.Errorf("recordings %q", got)
	}
	ctx := t.Context()
	_, _ = term.Type(ctx, Who{}, []byte("seen"))
	end.setEcho(false)
	_, _ = term.Type(ctx, Who{}, []byte("secret"))
	end.setEcho(true)
	term.SetSize(5, 20)
	end.say("more")
	stop()
	stop()
	end.say("most")
	term.SetExit(3)
	_ = term.Close()
	want := []string{`o "from the start"`, `i "seen"`, "r 5x20", `o "more"`, `o "most"`, "x 3", "end"}
	if diff := cmp.Diff(want, first.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(late.lines) < 4 || !strings.Contains(late.lines[0], "start") {
		t.Fatalf("the late one: %q", late.lines)
	}
	if diff := cmp.Diff([]string{"r 5x20", `o "more"`, "end"}, late.lines[1:]); diff != "" {
		t.Errorf("the late one (-want +got):\n%s", diff)
	}
	if _, err := term.Record(late); !errors.Is(err, ErrEnded) {
		t.Errorf("recording what has ended: %v", err)
	}
}

// lastWordEnd is the ptm of a program that ends with what is typed next.
type lastWordEnd struct {
	*fakeEnd
	term *Terminal
}

func (e *lastWordEnd) Write(p []byte) (int, error) {
	n, err := e.fakeEnd.Write(p)
	return n, errors.Join(err, e.term.Close())
}

func (e *lastWordEnd) Ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	if e.closed {
		return 0, pts.EBADF
	}
	return e.fakeEnd.Ioctl(c, req, arg)
}

func TestWhatEndsATerminalIsRecorded(t *testing.T) {
	for _, echo := range []bool{true, false} {
		r := &tape{input: true}
		h := New(Options{Ended: func() {}, Record: func(*Terminal) Recorder { return r }})
		end := &lastWordEnd{fakeEnd: newFakeEnd()}
		end.setEcho(echo)
		end.term = h.Tap(end, 0, Opener{})
		if _, err := end.term.Write([]byte("exit\n")); err != nil {
			t.Fatal(err)
		}
		want := []string{"end"}
		if echo {
			want = []string{`i "exit\n"`, "end"}
		}
		if diff := cmp.Diff(want, r.lines); diff != "" {
			t.Errorf("echo %v (-want +got):\n%s", echo, diff)
		}
	}
}

// A terminal without a size, as script opens it in a pipe, is recorded as one of 24 by 80.
func TestRecordingATerminalWithoutASize(t *testing.T) {
	end := newFakeEnd()
	term := newHub().Tap(end, 0, Opener{})
	defer term.Close()
	end.say("one\r\ntwo\r\nthree")
	read(t, term)
	r := &tape{}
	if _, err := term.Record(r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two", "three"} {
		if !strings.Contains(r.lines[0], want) {
			t.Errorf("the recording begins with %s: no %q", r.lines[0], want)
		}
	}
}

package hub

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/screen"
)

// shown is a terminal for await: what is said is on its screen at once.
type shown struct {
	mu     sync.Mutex
	screen *screen.Screen
	log    []byte
	echo   bool
	ended  bool
	change chan struct{} // closed at the next output, or the end
	snaps  int
	echoes int // how often ECHO was asked for
	forget uint64
}

func newShown(rows, cols int) *shown {
	return &shown{screen: screen.New(rows, cols, screen.Options{}), echo: true, change: make(chan struct{})}
}

func (s *shown) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.screen.Write([]byte(text))
	s.log = append(s.log, text...)
	close(s.change)
	s.change = make(chan struct{})
}

func (s *shown) setEcho(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.echo = on
}

func (s *shown) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	close(s.change)
	s.change = make(chan struct{})
}

func (s *shown) Output(ctx context.Context, since uint64, max int) (Output, error) {
	for {
		s.mu.Lock()
		from := since
		if from < s.forget {
			from = s.forget
		}
		o := Output{From: from, Data: s.log[from:min(int(from)+max, len(s.log))], Ended: s.ended}
		o.Next = o.From + uint64(len(o.Data))
		change := s.change
		s.mu.Unlock()
		if len(o.Data) > 0 || o.Ended {
			return o, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return o, ctx.Err()
		}
	}
}

func (s *shown) Cursor() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.log))
}

func (s *shown) Snapshot() screen.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snaps++
	return s.screen.Snapshot()
}

func (s *shown) Echo() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.echoes++
	if s.ended {
		return false, ErrEnded
	}
	return s.echo, nil
}

// pass lets so much time pass, under synctest.
func pass(d time.Duration) { <-time.After(d) }

func TestAwait(t *testing.T) {
	const ms = time.Millisecond
	since := func(n uint64) *uint64 { return &n }
	on, off := true, false
	tests := []struct {
		name  string
		c     Condition
		do    func(*shown) // takes its time
		after time.Duration
		err   error
		match []string
	}{
		{"nothing", Condition{}, nil, 0, nil, nil},
		{"text that is there", Condition{Text: "hello"}, nil, 0, nil, nil},
		{"text that comes", Condition{Text: "bye"}, func(s *shown) { pass(50 * ms); s.say("b"); s.say("ye") }, 50 * ms, nil, nil},
		{"text that comes right after other output", Condition{Text: "bye"}, func(s *shown) { pass(50 * ms); s.say("b"); pass(ms / 4); s.say("ye") }, 51 * ms, nil, nil},
		{"text that was wiped", Condition{Text: "hello"}, func(s *shown) { pass(50 * ms); s.say("\x1b[Hhello") }, 50 * ms, nil, nil},
		{"text that does not come", Condition{Text: "bye"}, nil, time.Second, context.DeadlineExceeded, nil},
		{"text of a terminal that ends", Condition{Text: "bye"}, func(s *shown) { pass(50 * ms); s.end() }, 50 * ms, ErrEnded, nil},
		{"last words", Condition{Text: "bye"}, func(s *shown) { pass(50 * ms); s.say("bye"); s.end() }, 50 * ms, nil, nil},
		{"text over the margin", Condition{Text: "0123456789"}, func(s *shown) { s.say("\r\n" + strings.Repeat(" ", 35) + "0123456789") }, 0, nil, nil},
		{"blanks over the margin", Condition{Text: "01 23"}, func(s *shown) { s.say("\r\n" + strings.Repeat("x", 37) + "01 23") }, 0, nil, nil},
		{"a prompt with its blank", Condition{Text: "hello "}, nil, 0, nil, nil},
		{"the end of a line", Condition{Regexp: regexp.MustCompile(`(?m)lo$`)}, nil, 0, nil, []string{"lo"}},
		{"regexp", Condition{Regexp: regexp.MustCompile(`(?m)^pid (\d+)$`)}, func(s *shown) { pass(ms); s.say("\r\npid 42") }, ms, nil, []string{"pid 42", "42"}},
		{"both", Condition{Text: "hello", Regexp: regexp.MustCompile(`x+`)}, func(s *shown) { pass(ms); s.say("xx") }, ms, nil, []string{"xx"}},
		{"text since", Condition{Text: "hello", Since: since(5)}, func(s *shown) { pass(50 * ms); s.say("\x1b[2Jhel"); s.say("lo\x1b[2J") }, 50 * ms, nil, nil},
		{"text since the beginning", Condition{Text: "hello", Since: since(0)}, func(s *shown) { s.say("\x1b[2J") }, 0, nil, nil},
		{"since what is to come", Condition{Text: "hello", Since: since(9)}, nil, 0, ErrBadCursor, nil},
		{"quiet", Condition{Quiet: 200 * ms}, nil, 200 * ms, nil, nil},
		{"quiet after a noise", Condition{Quiet: 200 * ms}, func(s *shown) { pass(150 * ms); s.say("x"); pass(150 * ms); s.say("y") }, 500 * ms, nil, nil},
		{"quiet with the end", Condition{Quiet: 200 * ms}, func(s *shown) { pass(50 * ms); s.end() }, 50 * ms, nil, nil},
		{"echo is on", Condition{Echo: &on}, nil, 0, nil, nil},
		{"echo goes with output", Condition{Echo: &off}, func(s *shown) { pass(500 * ms); s.setEcho(false); s.say("Password:") }, 500 * ms, nil, nil},
		{"echo goes without a word", Condition{Echo: &off}, func(s *shown) { pass(38 * ms); s.setEcho(false) }, (1 + 2 + 4 + 8 + 16 + 20) * ms, nil, nil},
		{"a prompt without echo", Condition{Text: "Password:", Echo: &off}, func(s *shown) { s.say("Password:"); pass(2 * ms); s.setEcho(false) }, 3 * ms, nil, nil},
		{"the end", Condition{Ended: true}, func(s *shown) { pass(50 * ms); s.end() }, 50 * ms, nil, nil},
		{"echo of a terminal that ends", Condition{Echo: &off}, func(s *shown) { pass(5 * ms); s.end() }, 5 * ms, ErrEnded, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShown(5, 40)
				s.say("hello")
				if tt.name == "text that was wiped" {
					s.say("\x1b[2J")
				}
				if tt.do != nil {
					go tt.do(s)
					synctest.Wait()
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				seen, err := await(ctx, s, tt.c)
				if !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if got := time.Since(start); got != tt.after {
					t.Errorf("after %v, want %v", got, tt.after)
				}
				if diff := cmp.Diff(tt.match, seen.Match); diff != "" {
					t.Errorf("match (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(s.Snapshot(), seen.Screen); diff != "" {
					t.Errorf("screen (-want +got):\n%s", diff)
				}
				if seen.Cursor != s.Cursor() {
					t.Errorf("cursor %d, want %d", seen.Cursor, s.Cursor())
				}
			})
		})
	}
}

// However much is put out, the screen is looked at a thousand times a second at most.
func TestAwaitTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShown(5, 40)
		stop := make(chan struct{})
		var saying sync.WaitGroup
		saying.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Microsecond):
					s.say("x")
				}
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := await(ctx, s, Condition{Text: "bye"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		close(stop)
		saying.Wait()
		if s.snaps > 105 {
			t.Errorf("%d looks in 100 ms", s.snaps)
		}
	})
}

// Output that went by before it was looked at does not join what was before and after it.
func TestAwaitAfterAGap(t *testing.T) {
	s := newShown(5, 40)
	s.say("hel")
	zero := uint64(0)
	w := &awaiting{t: s, c: Condition{Text: "hello", Since: &zero}}
	if w.look() {
		t.Error("hel is hello")
	}
	s.say("xxx")
	s.forget = 6
	s.say("lo")
	if w.look() {
		t.Errorf("%q is hello", w.window)
	}
	s.say(strings.Repeat("y", 3*outputWindow) + "hello")
	if !w.look() || len(w.window) > outputWindow {
		t.Errorf("no hello at the end of a window of %d bytes", len(w.window))
	}
}

func TestParseRegexp(t *testing.T) {
	for _, good := range []string{"", `\$ $`, `(?i)error: .{1,200}`, `[\p{L}]+`} {
		if _, err := ParseRegexp(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"(", strings.Repeat("a", MaxPattern+1), strings.Repeat("x{0,900}", 100), "((a{100}){100}){100}", strings.Repeat("(", 900) + strings.Repeat(")", 900)} {
		if _, err := ParseRegexp(bad); err == nil {
			t.Errorf("%.40q was taken", bad)
		}
	}
}

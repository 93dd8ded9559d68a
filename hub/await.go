package hub

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ptsns/ptsns/screen"
)

const (
	// MaxPattern is the longest text or regexp that a Condition may look for, in bytes.
	MaxPattern = 1 << 10
	// maxProgram bounds what a regexp compiles to, in instructions: a match takes time
	// in proportion to it.
	maxProgram = 2000

	// outputWindow is how much of the output since a cursor is looked at together: what
	// matches must lie within so many bytes.
	outputWindow = 64 << 10

	// Await looks at a terminal again at the earliest after minPause, and after
	// pauseFactor times what the last look took: it never takes a processor to itself,
	// however much is put out.
	minPause    = time.Millisecond
	pauseFactor = 4

	// Of a change of ECHO nobody is told. Await looks for it after each output, and after
	// a time that doubles from the one to the other while there is none.
	minEchoPause = time.Millisecond
	maxEchoPause = 20 * time.Millisecond
)

// Condition is what Await waits for: everything in it that is set, at one time. The zero
// value holds at once.
type Condition struct {
	Text   string         // is on the screen; see Since
	Regexp *regexp.Regexp // matches the text of the screen, with \n between lines; see Since
	Since  *uint64        // look for Text and Regexp in the output since this cursor, as it came, not on the screen
	Quiet  time.Duration  // there was no output for so long
	Echo   *bool          // ECHO of the terminal's settings is that
	Ended  bool           // the terminal has ended
}

// Seen is a terminal as it was when Await returned.
type Seen struct {
	Cursor uint64          // all output before it is on Screen
	Screen screen.Snapshot //
	Match  []string        // what Regexp matched, and its groups
}

// ParseRegexp makes the Regexp of a Condition, with Go's syntax. It refuses one that is
// so long, or repeats so much, that it would take a processor for seconds.
func ParseRegexp(s string) (*regexp.Regexp, error) {
	if len(s) > MaxPattern {
		return nil, fmt.Errorf("a regexp of %d bytes: at most %d", len(s), MaxPattern)
	}
	parsed, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > maxProgram {
		return nil, fmt.Errorf("the regexp %q repeats too much", s)
	}
	return regexp.Compile(s)
}

// Await waits until c holds and tells how the terminal was then. When it fails, Seen
// tells how it was at last: with ErrEnded, because the terminal has ended and c can no
// longer hold; with ErrBadCursor, because c.Since is past the end of the output; or with
// ctx's error. Output that is no longer kept is not looked at.
func (t *Terminal) Await(ctx context.Context, c Condition) (Seen, error) { return await(ctx, t, c) }

// watched is what await needs of a terminal.
type watched interface {
	Output(ctx context.Context, since uint64, max int) (Output, error)
	Cursor() uint64
	Snapshot() screen.Snapshot
	Echo() (on bool, err error)
}

// awaiting is an Await at work.
type awaiting struct {
	t         watched
	c         Condition
	cursor    uint64        // what is before it was looked at
	last      time.Time     // when output was last noticed, or the beginning
	ended     bool          // the terminal has
	from      uint64        // with Since: the cursor behind window
	window    []byte        // with Since: the last of the output
	echoPause time.Duration // until ECHO is looked at again

	seen Seen // of the last look
}

func await(ctx context.Context, t watched, c Condition) (Seen, error) {
	w := &awaiting{t: t, c: c, cursor: t.Cursor(), last: time.Now(), echoPause: minEchoPause}
	if c.Since != nil {
		if *c.Since > w.cursor {
			return Seen{Cursor: w.cursor, Screen: t.Snapshot()}, ErrBadCursor
		}
		w.from = *c.Since
	}
	for {
		began := time.Now()
		if w.look() {
			return w.tell(), nil
		}
		if w.ended {
			return w.tell(), ErrEnded
		}
		pause := max(minPause, pauseFactor*time.Since(began))
		if err := w.wait(ctx, began.Add(pause)); err != nil {
			w.look()
			return w.tell(), err
		}
	}
}

// tell completes what was seen.
func (w *awaiting) tell() Seen {
	if w.seen.Screen.Lines == nil {
		w.seen.Screen = w.t.Snapshot()
	}
	w.seen.Cursor = w.cursor
	return w.seen
}

// look tells whether the condition holds now.
func (w *awaiting) look() bool {
	w.seen = Seen{}
	if now := w.t.Cursor(); now != w.cursor {
		w.cursor, w.last, w.echoPause = now, time.Now(), minEchoPause
	}
	switch {
	case w.c.Ended && !w.ended:
		return false
	case w.c.Quiet > 0 && !w.ended && time.Since(w.last) < w.c.Quiet:
		return false
	case w.c.Echo != nil && !w.echoIs(*w.c.Echo):
		return false
	case w.c.Text == "" && w.c.Regexp == nil:
		return true
	case w.c.Since != nil:
		w.gather()
		return w.find([]string{string(w.window)})
	}
	w.seen.Screen = w.t.Snapshot()
	return w.find(texts(w.seen.Screen))
}

func (w *awaiting) echoIs(want bool) bool {
	on, err := w.t.Echo()
	return err == nil && on == want // it fails once the terminal has ended
}

// find looks for Text and Regexp in any of the forms of a text.
func (w *awaiting) find(forms []string) bool {
	found := w.c.Text == ""
	for _, s := range forms {
		found = found || strings.Contains(s, w.c.Text)
		if w.c.Regexp != nil && w.seen.Match == nil {
			w.seen.Match = w.c.Regexp.FindStringSubmatch(s)
		}
	}
	return found && (w.c.Regexp == nil || w.seen.Match != nil)
}

// gather takes the output up to the cursor into the window.
func (w *awaiting) gather() {
	for w.from < w.cursor {
		o, err := w.t.Output(context.Background(), w.from, outputWindow) // never waits: there is some
		if err != nil || o.Next <= w.from {
			return
		}
		if o.From > w.from {
			w.window = nil // what went before is not next to it
		}
		w.from = o.Next
		w.window = append(w.window, o.Data...)
		if over := len(w.window) - outputWindow; over > 0 {
			w.window = w.window[:copy(w.window, w.window[over:])]
		}
	}
}

// wait returns when it may be worth a look, and no sooner than the time.
func (w *awaiting) wait(ctx context.Context, soonest time.Time) error {
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if due, ok := w.due(); ok {
		bounded, cancel = context.WithDeadline(ctx, due)
	}
	defer cancel()
	o, err := w.t.Output(bounded, w.cursor, 1)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case o.Ended && len(o.Data) == 0:
		w.ended = true
		return nil
	case err != nil && !errors.Is(err, bounded.Err()):
		return err
	}
	timer := time.NewTimer(time.Until(soonest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// due is when something may hold without any output; ok is false when nothing may.
func (w *awaiting) due() (due time.Time, ok bool) {
	if w.c.Echo != nil {
		due, ok = time.Now().Add(w.echoPause), true
		w.echoPause = min(2*w.echoPause, maxEchoPause)
	}
	if quiet := w.last.Add(w.c.Quiet); w.c.Quiet > 0 && quiet.After(time.Now()) && (!ok || quiet.Before(due)) {
		due, ok = quiet, true
	}
	return due, ok
}

// texts is the text of a screen in the forms that people may mean: as it is shown, blanks
// at the ends of lines cut; with lines that went on in the next in one; and the same with
// the blanks.
func texts(s screen.Snapshot) []string {
	var shown, whole, padded strings.Builder
	for _, l := range s.Lines {
		blanks := strings.Repeat(" ", max(1, s.Cols-utf8.RuneCountInString(l.Text))) // or more, behind wide characters
		shown.WriteString(l.Text + "\n")
		whole.WriteString(l.Text)
		padded.WriteString(l.Text)
		switch {
		case !l.Wrapped:
			whole.WriteByte('\n')
			padded.WriteString(blanks + "\n")
		case len(l.Text) < s.Cols: // no wide characters
			whole.WriteString(blanks)
			padded.WriteString(blanks)
		}
	}
	return []string{strings.TrimRight(shown.String(), "\n"), strings.TrimRight(whole.String(), "\n"), padded.String()}
}

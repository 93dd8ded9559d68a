package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/screen"
)

// Requests that look at a terminal's screen, and wait until it is as it should be.

// Screen is what a terminal shows.
type Screen struct {
	Index   int             `json:"index"`
	Serial  string          `json:"serial"`
	Next    uint64          `json:"next"`  // the cursor for Output: all before it is on the screen
	Ended   bool            `json:"ended"` // the terminal has; this was its last screen
	Text    string          `json:"text"`  // a line each, trailing blanks and blank lines cut
	Screen  screen.Snapshot `json:"screen"`
	History []string        `json:"history,omitempty"` // the lines above, oldest first, where they were asked for
}

// Seen is a terminal as it was when an Await was over.
type Seen struct {
	Serial string          `json:"serial"`          // which terminal it is
	Next   uint64          `json:"next"`            // the cursor for Output and Since: all before it is on the screen
	Text   string          `json:"text"`            // a line each, trailing blanks and blank lines cut
	Match  []string        `json:"match,omitempty"` // what the regexp matched, and its groups
	Screen screen.Snapshot `json:"screen"`
}

func seenOf(serial string, s hub.Seen) *Seen {
	return &Seen{Serial: serial, Next: s.Cursor, Text: textOf(s.Screen), Match: s.Match, Screen: s.Screen}
}

// textOf is the text of a snapshot, as Screen.Text of package screen has it.
func textOf(s screen.Snapshot) string {
	var b strings.Builder
	for _, l := range s.Lines {
		b.WriteString(l.Text)
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n")
}

func (h *handler) screen(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial", "history")
	if err != nil {
		return err
	}
	withHistory, err := q.truth("history")
	if err != nil {
		return err
	}
	t, err := h.terminal(r, q)
	if err != nil {
		return err
	}
	s := Screen{Index: t.Index(), Serial: t.Serial(), Next: t.Cursor(), Ended: closed(t.Done())}
	s.Screen = t.Snapshot()
	s.Text = textOf(s.Screen)
	if withHistory {
		s.History = t.History()
	}
	if !accepts(r, "text/plain") {
		writeJSON(w, http.StatusOK, s)
		return nil
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, line := range s.History {
		_, _ = io.WriteString(w, line+"\n") // a client that has gone needs no answer
	}
	_, _ = io.WriteString(w, s.Text+"\n") // the same
	return nil
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// awaitRequest is a Condition as it crosses the socket.
type awaitRequest struct {
	Text    string  `json:"text,omitempty"`
	Regexp  string  `json:"regexp,omitempty"`
	Since   *uint64 `json:"since,omitempty"`
	Quiet   string  `json:"quiet,omitempty"`
	Echo    *bool   `json:"echo,omitempty"`
	Ended   bool    `json:"ended,omitempty"`
	Timeout string  `json:"timeout,omitempty"`
}

// condition checks the request.
func (a *awaitRequest) condition() (c hub.Condition, timeout time.Duration, err error) {
	c = hub.Condition{Text: a.Text, Since: a.Since, Echo: a.Echo, Ended: a.Ended}
	timeout = defaultWait
	if a.Timeout != "" {
		if timeout, err = parseWait("timeout", a.Timeout); err != nil {
			return c, 0, err
		}
	}
	if a.Quiet != "" {
		if c.Quiet, err = parseWait("quiet", a.Quiet); err != nil {
			return c, 0, err
		}
	}
	if a.Regexp != "" {
		if c.Regexp, err = hub.ParseRegexp(a.Regexp); err != nil {
			return c, 0, badRequest("regexp: %w", err)
		}
	}
	switch {
	case len(a.Text) > hub.MaxPattern:
		return c, 0, badRequest("a text of %d bytes: at most %d", len(a.Text), hub.MaxPattern)
	case a.Since != nil && a.Text == "" && a.Regexp == "":
		return c, 0, badRequest("since goes with text or regexp")
	case c == hub.Condition{}:
		return c, 0, badRequest("nothing to wait for")
	}
	return c, timeout, nil
}

func (h *handler) await(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial")
	if err != nil {
		return err
	}
	var req awaitRequest
	if err := readJSON(w, r, maxBody, &req); err != nil {
		return err
	}
	c, timeout, err := req.condition()
	if err != nil {
		return err
	}
	t, err := h.terminal(r, q)
	if err != nil {
		return err
	}
	ctx, done, err := h.patient(w, r, guest, timeout)
	if err != nil {
		return err
	}
	defer done()
	serial := t.Serial()
	seen, err := t.Await(ctx, c)
	if err == nil {
		writeJSON(w, http.StatusOK, seenOf(serial, seen))
		return nil
	}
	if isOf(ctx, err) {
		err = causeOf(ctx)
	}
	return &failure{Seen: seenOf(serial, seen), err: err}
}

// isOf tells whether an error is that ctx is over.
func isOf(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}

// causeOf says why a request that waited is over.
func causeOf(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return errTimeout
}

// errTimeout is what DeadlineExceeded is called here.
var errTimeout error = timeout{}

type timeout struct{}

func (timeout) Error() string        { return "the time is over" }
func (timeout) Is(target error) bool { return target == context.DeadlineExceeded }

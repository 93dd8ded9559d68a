package control

import (
	"fmt"
	"strings"
	"time"
)

// Condition is what Await waits for: everything in it that is set, at one time. Text,
// Regexp, Quiet, Echo and AtEnd make one, And joins them.
type Condition struct {
	Text   string        // is on the screen; see Since
	Regexp string        // of Go's syntax: matches the text of the screen, with \n between lines; see Since
	Since  *uint64       // look for Text and Regexp in the output since this cursor, escape sequences and all, not on the screen
	Quiet  time.Duration // there was no output for so long
	Echo   *bool         // ECHO of the terminal's settings is that: off while passwords are asked for
	Ended  bool          // the terminal has ended
}

// Text waits until s is on the screen. A line that went on in the next is one line, and
// has blanks to its end.
func Text(s string) Condition { return Condition{Text: s} }

// Regexp waits until a regexp of Go's syntax matches the text of the screen, which has
// \n between lines: (?m)^ is the beginning of one.
func Regexp(s string) Condition { return Condition{Regexp: s} }

// Quiet waits until there was no output for so long, counted from the call on.
func Quiet(d time.Duration) Condition { return Condition{Quiet: d} }

// Echo waits until what is typed is echoed, or is not.
func Echo(on bool) Condition { return Condition{Echo: &on} }

// AtEnd waits until the terminal has ended.
func AtEnd() Condition { return Condition{Ended: true} }

// After looks for text and regexp in the output since the cursor instead of on the screen,
// escape sequences and all. It is for what is on the screen already, or not for long.
func (c Condition) After(cursor uint64) Condition {
	c.Since = &cursor
	return c
}

// And waits until both hold at once. What both set is d's.
func (c Condition) And(d Condition) Condition {
	if d.Text != "" {
		c.Text = d.Text
	}
	if d.Regexp != "" {
		c.Regexp = d.Regexp
	}
	if d.Since != nil {
		c.Since = d.Since
	}
	if d.Quiet != 0 {
		c.Quiet = d.Quiet
	}
	if d.Echo != nil {
		c.Echo = d.Echo
	}
	c.Ended = c.Ended || d.Ended
	return c
}

// String says it in words.
func (c Condition) String() string {
	var words []string
	if c.Text != "" {
		words = append(words, fmt.Sprintf("the text %q", c.Text))
	}
	if c.Regexp != "" {
		words = append(words, fmt.Sprintf("a match of %q", c.Regexp))
	}
	if c.Since != nil {
		words = append(words, fmt.Sprintf("since %d", *c.Since))
	}
	if c.Quiet != 0 {
		words = append(words, fmt.Sprintf("quiet for %v", c.Quiet))
	}
	if c.Echo != nil {
		words = append(words, map[bool]string{true: "echo on", false: "echo off"}[*c.Echo])
	}
	if c.Ended {
		words = append(words, "the end")
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// request is the condition as it crosses the socket.
func (c Condition) request(timeout time.Duration) awaitRequest {
	a := awaitRequest{Text: c.Text, Regexp: c.Regexp, Since: c.Since, Echo: c.Echo, Ended: c.Ended, Timeout: timeout.String()}
	if c.Quiet != 0 {
		a.Quiet = c.Quiet.String()
	}
	return a
}

// AwaitError is why Await gave up, and what was on the screen then.
type AwaitError struct {
	Condition Condition
	Seen      Seen
	Err       error // wraps context.DeadlineExceeded or hub.ErrEnded
}

// Error shows the screen below the reason, each line behind a bar.
func (e *AwaitError) Error() string {
	shown := "\n  | " + strings.ReplaceAll(e.Seen.Text, "\n", "\n  | ")
	if e.Seen.Text == "" {
		shown = " nothing"
	}
	return fmt.Sprintf("wait for %v: %v; on the screen is%s", e.Condition, e.Err, shown)
}

func (e *AwaitError) Unwrap() error { return e.Err }

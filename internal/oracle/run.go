package oracle

import (
	"fmt"
	"strconv"
	"strings"
)

// Mismatch is a step that came out otherwise than the file says.
type Mismatch struct {
	Line int // from 1
	Got  string
	Talk string // the conversation so far, from its last pair on
}

func (m Mismatch) String() string {
	return fmt.Sprintf("line %d: got %s in\n%s", m.Line, m.Got, m.Talk)
}

// Runner holds conversations with one driver.
type Runner struct {
	d     Driver
	procs map[string]Proc
	left  map[string]func(Result) string // prints what comes of the request that a process was left in
}

// NewRunner makes a runner. The driver stays its caller's.
func NewRunner(d Driver) *Runner {
	r := &Runner{d: d}
	r.reset()
	return r
}

func (r *Runner) reset() {
	r.d.Reset()
	r.procs, r.left = map[string]Proc{"": r.d.Self()}, make(map[string]func(Result) string)
}

// Run holds c from the beginning and ends all it started. Where record is set what comes
// out is written into c and nothing mismatches. After a mismatch it goes on at the next
// pair. An error is a fault in the file.
func (r *Runner) Run(c *Conversation, record bool) ([]Mismatch, error) {
	defer r.reset()
	r.reset()
	var bad []Mismatch
	begin, skip := 0, false
	for i := range c.Lines {
		l := &c.Lines[i]
		if l.Verb == "" {
			continue
		}
		if l.Verb == "pair" {
			begin, skip = i, false
		}
		if skip {
			continue
		}
		got, err := r.Step(l.Step)
		if err != nil {
			return bad, fmt.Errorf("%s:%d: %s: %w", c.Name, i+1, l.Step, err)
		}
		switch {
		case record:
			l.Want = got
			if got == l.Step.Success() {
				l.Want = ""
			}
		case got != l.Want && (l.Want != "" || got != l.Step.Success()):
			bad = append(bad, Mismatch{Line: i + 1, Got: got, Talk: talk(c.Lines[begin : i+1])})
			skip = true
		}
	}
	return bad, nil
}

func talk(lines []Line) string {
	part := Conversation{Lines: lines}
	var b strings.Builder
	_, _ = part.WriteTo(&b) // a Builder takes everything
	return b.String()
}

// Success is the result that a step without one has to have.
func (s Step) Success() string {
	if s.Verb != "write" {
		return "ok"
	}
	_, text, _ := strings.Cut(s.Args, " ")
	b, _ := unquote(text) // the step itself tells what is wrong with it
	return strconv.Itoa(len(b))
}

// Step performs one step and prints its result. It settles afterwards.
func (r *Runner) Step(s Step) (string, error) {
	p, ok := r.procs[s.Proc]
	if !ok {
		return "", fmt.Errorf("there is no process %q", s.Proc)
	}
	f, ok := verbs[s.Verb]
	if !ok {
		return "", fmt.Errorf("verb %q is not known", s.Verb)
	}
	out, err := f(r, p, s)
	r.d.Settle()
	return out, err
}

type verb func(r *Runner, p Proc, s Step) (string, error)

var verbs map[string]verb

func init() {
	verbs = map[string]verb{
		"pair": (*Runner).pair, "open": (*Runner).open, "peer": (*Runner).open, "close": (*Runner).onEnd, "poll": (*Runner).onEnd,
		"read": (*Runner).read, "reads": (*Runner).reads, "take": (*Runner).take, "packets": (*Runner).packets, "write": (*Runner).write, "set": (*Runner).set, "get": (*Runner).get,
		"ioctl": (*Runner).ioctl, "fork": (*Runner).fork, "setsid": (*Runner).bare, "exit": (*Runner).bare, "signals": (*Runner).signals,
		"setpgid": (*Runner).onProc, "wait": (*Runner).onProc, "kill": (*Runner).onProc, "setuid": (*Runner).number,
		"ignore": (*Runner).number, "block": (*Runner).number, "catch": (*Runner).number, "default": (*Runner).number,
		"result": (*Runner).result, "sleep": (*Runner).sleep,
	}
}

// failed prints what every call may end with; "" when it succeeded.
func failed(res Result) string {
	switch {
	case res.Stopped:
		return "stopped"
	case res.Blocked:
		return "blocked"
	case res.Errno != 0:
		return errnoName(res.Errno)
	}
	return ""
}

func outcome(res Result) string {
	if f := failed(res); f != "" {
		return f
	}
	return "ok"
}

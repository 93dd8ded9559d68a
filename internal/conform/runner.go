package conform

import (
	"fmt"
	"strings"

	"github.com/ptsns/ptsns/internal/oracle"
)

// Runner runs cases, and conversations, on one kind. A case is a file as
// oracle.Conversation says, in which a process is who opens:
//
//	1000: or 1000/5:     a process of user 1000, and of group 1000 or 5
//	fs1000:              root, whose files are user 1000's: setfsuid(2) and setfsgid(2)
//
// and in which a step can also be
//
//	mount [OPTIONS]              end all that was, and make an instance
//	remount [OPTIONS]
//	options                      what Instance.Options says
//	ptmx E [rdonly|wronly]       open a pair, -> its index
//	pts E N [rdonly|wronly]      open a terminal
//	unlock E, lock E             TIOCSPTLCK
//	terminals                    what Instance.Terminals lists: INDEX=UID:GID,MODE
//	watch E IN|OUT|PRI|HUP...    have End.Notify tell of these
//	woken E                      wait until it has, and one of them is there
//	drop                         Instance.Close
//	again E VERB                 a call of an end that was closed: close twice, read ...
//
// beside those that act on ends: close, set, get, write, read, take, reads, packets, poll, ioctl.
type Runner struct {
	kind Kind
	ends *ends
	talk *oracle.Runner
	i    Mounted // nil: nothing is mounted
}

// NewRunner makes a runner. Close ends what it has left.
func NewRunner(k Kind) *Runner {
	e := newEnds(k.Worker)
	return &Runner{kind: k, ends: e, talk: oracle.NewRunner(e)}
}

// Patience makes it look so many times as long for what is under way.
func (r *Runner) Patience(times int) {
	if r.ends.settler != nil {
		r.ends.settler.Patience(times)
	}
}

// Close ends everything.
func (r *Runner) Close() error {
	r.ends.Reset()
	if r.i == nil {
		return nil
	}
	i := r.i
	r.i, r.ends.i = nil, nil
	return i.Close()
}

// Mismatch is a step that came out otherwise than the file says.
type Mismatch struct {
	Line int // from 1
	Step oracle.Step
	Got  string
	Talk string // from the last mount or pair on
}

func (m Mismatch) String() string {
	return fmt.Sprintf("line %d: got %s in\n%s", m.Line, m.Got, m.Talk)
}

// Run runs a case, or holds a conversation on an instance with no options, and ends all
// it started: see Walk.
func (r *Runner) Run(c *oracle.Conversation, record bool, known func(Mismatch) bool) (bad []Mismatch, err error) {
	defer func() {
		if cerr := r.Close(); err == nil {
			err = cerr
		}
	}()
	if !has(c, "mount") {
		if _, err := r.mount(""); err != nil {
			return nil, err
		}
	}
	return Walk(c, record, known, r.step)
}

// Walk takes the steps of c, each of which step performs and prints the result of. known tells which mismatches are none to stop at; after others it goes on at the next
// mount or pair. With record it writes what comes out into c. An error is a fault in
// the file.
func Walk(c *oracle.Conversation, record bool, known func(Mismatch) bool, step func(oracle.Step) (string, error)) (bad []Mismatch, err error) {
	begin, skip := 0, false
	for at := range c.Lines {
		l := &c.Lines[at]
		if l.Verb == "" {
			continue
		}
		if l.Verb == "mount" || l.Verb == "pair" {
			begin, skip = at, false
		}
		if skip {
			continue
		}
		got, err := step(l.Step)
		if err != nil {
			return bad, fmt.Errorf("%s:%d: %s: %w", c.Name, at+1, l.Step, err)
		}
		want := l.Want
		if want == "" {
			want = l.Step.Success()
		}
		switch {
		case record && got == l.Step.Success():
			l.Want = ""
		case record:
			l.Want = got
		case got != want:
			m := Mismatch{at + 1, l.Step, got, text(c.Lines[begin : at+1])}
			bad = append(bad, m)
			skip = !known(m)
		}
	}
	return bad, nil
}

// has tells whether a case has that verb.
func has(c *oracle.Conversation, verb string) bool {
	for _, l := range c.Lines {
		if l.Verb == verb {
			return true
		}
	}
	return false
}

func text(lines []oracle.Line) string {
	var b strings.Builder
	_, _ = (&oracle.Conversation{Lines: lines}).WriteTo(&b) // a Builder takes everything
	return b.String()
}

// step performs one step and prints its result.
func (r *Runner) step(s oracle.Step) (string, error) {
	f, ok := verbs[s.Verb]
	if !ok {
		if s.Proc != "" {
			return "", fmt.Errorf("%s is for nobody else", s.Verb)
		}
		return r.talk.Step(s)
	}
	out, err := f(r, s)
	r.ends.Settle()
	return out, err
}

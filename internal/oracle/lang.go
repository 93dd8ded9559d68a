package oracle

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A Conversation is one file.
//
// It begins with a header of "key: value" lines up to the first empty line:
//
//	title: what it is about
//	rows: 28 29              the rows of the list of easily mistaken behaviours it holds
//	needs: root              privilege, or something else that Needs knows
//	differs: reason          package pty answers otherwise, and why that stays so
//
// Then each line is a step, empty, or a comment (#). A step is
//
//	[PROCESS:] VERB ARGUMENTS [-> RESULT]
//
// Without PROCESS it is the observer's, which is in a session of its own, privileged, never blocks and
// never has a controlling terminal. Without RESULT the step has to succeed, and a write to take every byte. Steps:
//
//	pair [SETTING...]              end all that was, open a ptm, unlock, open its pts, set
//	open ptm | pts | tty [as E] [ctty] [block] [nonblock] [rdonly] [wronly] [noctty]
//	peer [as E] ...                the pts through TIOCGPTPEER
//	close E
//	set [E] [drain|flush] SETTING...     ECHO -ECHO VMIN=3 VERASE=^H VSTOP=off VEOL=0xff raw iflag=0x500
//	get [E] WORD... | all
//	write E "text" | read E N | poll E
//	take E (all there is, in one) | reads E N (until there is no more, each by itself)
//	packets E                      the same in packet mode: [status bytes] "data"
//	ioctl E NAME [ARGUMENT...] | ioctl E NAME badptr
//	fork NAME [E...] | setsid | setpgid [NAME] | setuid N | exit
//	ignore SIG | block SIG | catch SIG (without SA_RESTART) | default SIG
//	signals                        those caught since asked last
//	wait NAME | kill NAME SIG      by the parent; by anyone
//	result                         of the call that was "blocked" or "stopped"
//	sleep DURATION
//
// Open ends are named ptm, pts, tty or as said; a process that was forked has those it was given.
// The observer opens without blocking and without a controlling terminal; others block and, where the
// kernel grants it, get one.
type Conversation struct {
	Name   string
	Header map[string]string
	Lines  []Line
}

// Line is a line of the body: a Step, or Text alone.
type Line struct {
	Text string // verbatim where Verb is empty
	Step
}

// Step is one step. Want is empty where success is expected.
type Step struct {
	Proc string
	Verb string
	Args string // as written, without what surrounds it
	Want string
}

// Parse reads a conversation. It checks form, not meaning: the runner knows the verbs.
func Parse(name string, r io.Reader) (*Conversation, error) {
	c := &Conversation{Name: name, Header: make(map[string]string)}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	header := true
	for n := 1; in.Scan(); n++ {
		text := strings.TrimRight(in.Text(), " \t")
		if header && text != "" {
			key, value, ok := strings.Cut(text, ":")
			if !ok {
				return nil, fmt.Errorf("%s:%d: %q is not a header line", name, n, text)
			}
			c.Header[key] = strings.TrimSpace(value)
		}
		if text == "" {
			header = false
		}
		l := Line{Text: text}
		if !header && text != "" && !strings.HasPrefix(text, "#") {
			l.Step = parseStep(text)
		}
		c.Lines = append(c.Lines, l)
	}
	return c, in.Err()
}

func parseStep(text string) Step {
	var s Step
	text, want := cutArrow(text)
	s.Want = strings.TrimSpace(want)
	text = strings.TrimSpace(text)
	if first, rest, ok := strings.Cut(text, " "); ok && strings.HasSuffix(first, ":") {
		s.Proc, text = strings.TrimSuffix(first, ":"), strings.TrimSpace(rest)
	}
	verb, args, _ := strings.Cut(text, " ")
	s.Verb, s.Args = verb, strings.TrimSpace(args)
	return s
}

// cutArrow cuts at the first " -> " that is in no quoted string.
func cutArrow(s string) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(s[i:], " ->"):
			return s[:i], s[i+3:]
		}
	}
	return s, ""
}

// String is the step as Parse reads it.
func (s Step) String() string {
	out := s.Verb
	if s.Proc != "" {
		out = s.Proc + ": " + out
	}
	if s.Args != "" {
		out += " " + s.Args
	}
	if s.Want != "" {
		out += " -> " + s.Want
	}
	return out
}

// WriteTo writes the conversation as Parse reads it.
func (c *Conversation) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	for _, l := range c.Lines {
		if l.Verb == "" {
			b.WriteString(l.Text)
		} else {
			b.WriteString(l.Step.String())
		}
		b.WriteByte('\n')
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

package oracle

import (
	"fmt"
	"strings"
)

// Difference is a conversation that came out otherwise with the second driver. The
// conversation has the first one's results up to Line, and ends there.
type Difference struct {
	*Conversation
	Got string // the second driver's result of the last step
}

func (d *Difference) String() string {
	var b strings.Builder
	_, _ = d.WriteTo(&b) // a Builder takes everything
	return fmt.Sprintf("%s# but got %s\n", b.String(), d.Got)
}

// Compare holds c with both drivers, step by step, until a result differs. nil means that
// none did. An error is a fault in the conversation.
func Compare(right, ours Driver, c *Conversation) (*Difference, error) {
	a, b := NewRunner(right), NewRunner(ours)
	defer a.reset()
	defer b.reset()
	held := &Conversation{Name: c.Name, Header: c.Header}
	for _, l := range c.Lines {
		if l.Verb == "" {
			held.Lines = append(held.Lines, l)
			continue
		}
		want, err := a.Step(l.Step)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Step, err)
		}
		got, err := b.Step(l.Step)
		if err != nil {
			return nil, fmt.Errorf("%s: ours: %w", l.Step, err)
		}
		l.Want = want
		if want == l.Step.Success() {
			l.Want = ""
		}
		held.Lines = append(held.Lines, l)
		if got != want {
			return &Difference{held, got}, nil
		}
	}
	return nil, nil
}

// confirmations is how often a difference has to come again: what the kernel's driver
// could not settle does not.
const confirmations = 6

// Confirm tells whether d comes again each time.
func Confirm(right, ours Driver, d *Difference) bool {
	return again(right, ours, d, confirmations)
}

// again tells whether d comes again so often, the right side being given more time each
// time.
func again(right, ours Driver, d *Difference, times int) bool {
	p, patient := right.(interface{ Patience(times int) })
	if patient {
		defer p.Patience(1)
	}
	for n := range times {
		if patient {
			p.Patience(10 << n) // a machine that is busy stays so for a while
		}
		again, err := Compare(right, ours, d.Conversation)
		if err != nil || again == nil {
			return false
		}
	}
	return true
}

// attempts bounds how many shorter conversations Shrink tries.
const attempts = 2000

// Shrink makes of d the shortest conversation it finds that still differs.
func Shrink(right, ours Driver, d *Difference) *Difference {
	left := attempts
	for changed := true; changed && left > 0; {
		changed = false
		for i := len(d.Lines) - 1; i >= 0; i-- {
			if d.Lines[i].Verb == "" {
				continue
			}
			for _, smaller := range shorter(d.Lines[i]) {
				if left--; left < 0 {
					return d
				}
				try := &Conversation{Name: d.Name, Header: d.Header}
				try.Lines = append(try.Lines, d.Lines[:i]...)
				try.Lines = append(try.Lines, smaller...)
				try.Lines = append(try.Lines, d.Lines[i+1:]...)
				if next, err := Compare(right, ours, try); err == nil && next != nil && again(right, ours, next, 1) {
					d, changed = next, true
					break
				}
			}
			if i > len(d.Lines) {
				i = len(d.Lines)
			}
		}
	}
	return d
}

// shorter lists what may stand in a line's place: nothing, or less of it.
func shorter(l Line) [][]Line {
	var out [][]Line
	with := func(args string) {
		s := l
		s.Args = strings.TrimSpace(args)
		out = append(out, []Line{s})
	}
	switch l.Verb {
	case "pair", "set":
		if l.Verb == "set" {
			out = append(out, nil)
		}
		words := strings.Fields(l.Args)
		for i := range words {
			with(strings.Join(append(append([]string{}, words[:i]...), words[i+1:]...), " "))
		}
	case "write":
		out = append(out, nil)
		end, text, _ := strings.Cut(l.Args, " ")
		b, err := unquote(text)
		if err != nil {
			break
		}
		for n := len(b) / 2; n > 0; n /= 2 {
			for at := 0; at+n <= len(b) && len(b) > n; at += n {
				with(end + " " + quote(append(append([]byte{}, b[:at]...), b[at+n:]...)))
			}
		}
	default:
		out = append(out, nil)
	}
	return out
}

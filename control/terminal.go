package control

import (
	"context"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// Terminal drives one terminal: what a test of a program that draws, or an agent, wants.
// It is safe for concurrent use.
//
//	t, err := client.Open(ctx, server.Spec{Argv: []string{"vim"}, Rows: 24, Cols: 80})
//	...
//	_, err = t.Await(control.Text("VIM - Vi IMproved"))
//
// Where a program was started with it, it means that program's terminal and no later one
// of the same index. Its output, its screen and its exit status can still be had for some
// time after the end, as long as the namespace lives.
type Terminal struct {
	// Timeout bounds Type, Await, Ask and Wait; 0 is ten seconds.
	Timeout time.Duration

	client *Client
	ctx    context.Context // bounds everything, as exec.CommandContext does
	ref    ref
}

// Terminal is the terminal with that index, -1 for the lowest, whether or not there is one.
// ctx bounds all that is done with it.
func (c *Client) Terminal(ctx context.Context, index int) *Terminal {
	return &Terminal{client: c, ctx: ctx, ref: ref{index: index}}
}

// Open starts a program on a new terminal and leaves it alone. ctx bounds all that is done
// with the terminal; its end does not end the program.
func (c *Client) Open(ctx context.Context, spec server.Spec) (*Terminal, error) {
	a, err := c.start(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &Terminal{client: c, ctx: ctx, ref: ref{a.Index, a.PID, a.Serial}}, nil
}

// Index is the terminal's number, -1 for the lowest.
func (t *Terminal) Index() int { return t.ref.index }

// PID is the program that was started on it, 0 when that was not by Open.
func (t *Terminal) PID() int { return t.ref.pid }

// Serial tells it from every other terminal, as server.Terminal's; "" when that was not
// opened by Open.
func (t *Terminal) Serial() string { return t.ref.serial }

func (t *Terminal) bounded() (context.Context, context.CancelFunc) {
	d := t.Timeout
	if d == 0 {
		d = defaultWait
	}
	return context.WithTimeout(t.ctx, d)
}

// Type types s: "\r" is Enter, "\x1b[A" is up, "\x03" is ctrl-C.
func (t *Terminal) Type(s string) error {
	ctx, cancel := t.bounded()
	defer cancel()
	_, err := t.client.typeAt(ctx, t.ref, []byte(s))
	return err
}

// Await waits until the terminal is as c says. The error when it does not come shows the
// screen.
func (t *Terminal) Await(c Condition) (Seen, error) {
	ctx, cancel := t.bounded()
	defer cancel()
	return t.client.awaitAt(ctx, t.ref, c)
}

// Ask types s and waits until the terminal is as c says, whose text and regexp are looked
// for in the output from then on. That has the echo of s in it, while ECHO is on.
func (t *Terminal) Ask(s string, c Condition) (Seen, error) {
	now, err := t.Screen()
	if err != nil {
		return Seen{}, err
	}
	if err := t.Type(s); err != nil {
		return Seen{}, err
	}
	if c.Text != "" || c.Regexp != "" {
		c = c.After(now.Next)
	}
	return t.Await(c)
}

// Screen is what is on the screen now.
func (t *Terminal) Screen() (Screen, error) { return t.client.screenAt(t.ctx, t.ref, false) }

// Output is as Client's.
func (t *Terminal) Output(since uint64, max int, wait time.Duration) (hub.Output, error) {
	return t.client.outputAt(t.ctx, t.ref, since, max, wait)
}

// Resize sets the size.
func (t *Terminal) Resize(rows, cols uint16) error {
	return t.client.ask(t.ctx, "POST", t.ref.path("resize", nil), resizeRequest{rows, cols}, nil)
}

// Signal sends sig to the foreground process group, and to the program.
func (t *Terminal) Signal(sig syscall.Signal) error { return t.client.signalAt(t.ctx, t.ref, sig) }

// Wait waits for the end of the program. The code is its exit status, or 128+N for signal
// N.
func (t *Terminal) Wait() (code int, err error) {
	ctx, cancel := t.bounded()
	defer cancel()
	e, err := t.client.waitExitAt(ctx, t.ref)
	return e.Code, err
}

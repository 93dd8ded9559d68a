package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/hub"
)

// answerGrace is how long a client waits for an answer after the time that it gave the
// server for it, which is its own.
const answerGrace = 2 * time.Second

// ref says which terminal is meant: its index, -1 for the lowest, the program on it, 0 for
// any, and its serial, "" for any.
type ref struct {
	index, pid int
	serial     string
}

// admits tells whether the terminal with that program and that serial may be meant.
func (t ref) admits(pid int, serial string) bool {
	return (t.pid == 0 || t.pid == pid) && (t.serial == "" || t.serial == serial)
}

// loose tells whether another terminal of the same index would do as well.
func (t ref) loose() bool { return t.pid == 0 && t.serial == "" }

// path is the path of a request about the terminal.
func (t ref) path(what string, q url.Values) string {
	n := "-"
	if t.index >= 0 {
		n = strconv.Itoa(t.index)
	}
	if q == nil {
		q = url.Values{}
	}
	if t.pid != 0 {
		q.Set("pid", strconv.Itoa(t.pid))
	}
	if t.serial != "" {
		q.Set("serial", t.serial)
	}
	path := "/v1/terminals/" + n + "/" + what
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}

func atMost(d, most time.Duration) time.Duration { return max(0, min(d, most)) }

// share is how long the server may take for one request of those that ctx has time for.
func share(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return atMost(time.Until(deadline), maxWait)
	}
	return maxWait
}

// patience lets a request whose time the server keeps go on for a little after ctx's:
// the answer tells more than the end of ctx does.
func patience(ctx context.Context) (context.Context, context.CancelFunc) {
	patient, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		cause := context.Cause(ctx)
		if !errors.Is(cause, context.DeadlineExceeded) {
			cancel(cause)
			return
		}
		timer := time.AfterFunc(answerGrace, func() { cancel(cause) })
		context.AfterFunc(patient, func() { timer.Stop() })
	})
	return patient, func() {
		stop()
		cancel(nil)
	}
}

// typeAt types p and tells how much of it was typed at least.
func (c *Client) typeAt(ctx context.Context, t ref, p []byte) (n int, err error) {
	for n < len(p) {
		next := min(len(p)-n, maxInput)
		typed, serial, err := c.typeOnce(ctx, t, p[n:n+next])
		n += typed
		t.serial = serial // the rest goes to no other
		if err != nil && !(errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && typed > 0) {
			return n, err
		}
	}
	return n, nil
}

func (c *Client) typeOnce(ctx context.Context, t ref, p []byte) (n int, serial string, err error) {
	patient, cancel := patience(ctx)
	defer cancel()
	var a inputAnswer
	q := url.Values{"timeout": {share(ctx).String()}}
	err = c.try(patient, http.MethodPost, t.path("input", q), inputRequest{octets(p), c.Who.Door, c.Who.Name}, &a)
	if said := (refusal{}); errors.As(err, &said) {
		_ = json.Unmarshal(said.body, &a) // without it, nothing is known to have been typed
		err = said.said
	}
	return a.Typed, cmp.Or(a.Serial, t.serial), err
}

func (c *Client) outputAt(ctx context.Context, t ref, since uint64, most int, wait time.Duration) (hub.Output, error) {
	q := url.Values{"since": {strconv.FormatUint(since, 10)}, "wait": {atMost(wait, maxWait).String()}}
	if most > 0 {
		q.Set("max", strconv.Itoa(min(most, maxOutput)))
	}
	var a outputAnswer
	if err := c.ask(ctx, http.MethodGet, t.path("output", q), nil, &a); err != nil {
		return hub.Output{}, err
	}
	return hub.Output{From: a.From, Next: a.Next, Data: a.Data, Ended: a.Ended}, nil
}

func (c *Client) signalAt(ctx context.Context, t ref, sig syscall.Signal) error {
	return c.ask(ctx, http.MethodPost, t.path("signal", nil), struct {
		Signal int `json:"signal"`
	}{int(sig)}, nil)
}

func (c *Client) waitExitAt(ctx context.Context, t ref) (ExitStatus, error) {
	for {
		var e ExitStatus
		q := url.Values{"wait": {share(ctx).String()}}
		err := c.ask(ctx, http.MethodGet, t.path("exit", q), nil, &e)
		if err != nil || e.Exited {
			return e, err
		}
		if ctx.Err() != nil {
			return e, context.Cause(ctx)
		}
		t = ref{index: e.Index, pid: e.PID, serial: t.serial} // and no later one
	}
}

func (c *Client) screenAt(ctx context.Context, t ref, history bool) (Screen, error) {
	var q url.Values
	if history {
		q = url.Values{"history": {"true"}}
	}
	var s Screen
	err := c.ask(ctx, http.MethodGet, t.path("screen", q), nil, &s)
	return s, err
}

func (c *Client) awaitAt(ctx context.Context, t ref, cond Condition) (Seen, error) {
	patient, cancel := patience(ctx)
	defer cancel()
	for {
		var seen Seen
		err := c.try(patient, http.MethodPost, t.path("await", nil), cond.request(share(ctx)), &seen)
		said := refusal{}
		if !errors.As(err, &said) {
			return seen, err
		}
		var f struct {
			Seen *Seen `json:"seen"`
		}
		if json.Unmarshal(said.body, &f) != nil || f.Seen == nil {
			return seen, said.said
		}
		if deadline, ok := ctx.Deadline(); !errors.Is(err, context.DeadlineExceeded) || ok && time.Until(deadline) <= 0 || ctx.Err() != nil {
			return *f.Seen, &AwaitError{Condition: cond, Seen: *f.Seen, Err: said.said}
		}
		t.serial = cmp.Or(f.Seen.Serial, t.serial) // and no later one
	}
}

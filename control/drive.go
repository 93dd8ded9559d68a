package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Requests that drive a terminal without joining it.

const (
	maxInput      = 1 << 20           // bytes to type in one request
	maxInputBody  = 6*maxInput + 1024 // each may be six bytes of JSON
	defaultOutput = 64 << 10
	maxOutput     = 1 << 20
	defaultWait   = 10 * time.Second // until something is typed, or holds
	maxSignal     = 64
)

type inputRequest struct {
	Data octets `json:"data"`
	Door string `json:"door"`
	Name string `json:"name"`
}

type inputAnswer struct {
	Typed  int    `json:"typed"`
	Serial string `json:"serial"` // of the terminal
}

type outputAnswer struct {
	From  uint64 `json:"from"`
	Next  uint64 `json:"next"`
	Lost  uint64 `json:"lost"`
	Data  octets `json:"data"`
	Ended bool   `json:"ended"`
}

type resizeRequest struct {
	Rows uint16 `json:"rows"`
	Cols uint16 `json:"cols"`
}

type signalRequest struct {
	Signal signalName `json:"signal"`
}

// ExitStatus is how a program ended, or that it did not yet.
type ExitStatus struct {
	Index  int  `json:"index"` // of its terminal
	PID    int  `json:"pid"`
	Exited bool `json:"exited"`
	Code   int  `json:"code"` // its exit status, or 128+N for signal N; 0 until it has exited
}

// terminal finds the terminal that a request is about.
func (h *handler) terminal(r *http.Request, q query) (terminal, error) {
	t, err := target(r, q)
	if err != nil {
		return nil, err
	}
	return h.ns.Terminal(t)
}

func (h *handler) input(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial", "timeout")
	if err != nil {
		return err
	}
	timeout, err := q.wait("timeout", defaultWait)
	if err != nil {
		return err
	}
	req, err := readInput(w, r)
	if err != nil {
		return err
	}
	who, err := who(r, req.Door, req.Name)
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
	n, err := t.Type(ctx, who, req.Data)
	if err != nil {
		if isOf(ctx, err) {
			err = fmt.Errorf("%w: %d of %d bytes were typed, at least", causeOf(ctx), n, len(req.Data))
		}
		return &failure{Typed: &n, Serial: serial, err: err}
	}
	writeJSON(w, http.StatusOK, inputAnswer{Typed: n, Serial: serial})
	return nil
}

// readInput takes JSON, or with the type application/octet-stream the bytes themselves.
func readInput(w http.ResponseWriter, r *http.Request) (req inputRequest, err error) {
	if listed(r.Header.Values("Content-Type"), octetStream) {
		req.Data, err = readBody(w, r, maxInput)
		return req, err
	}
	if err := readJSON(w, r, maxInputBody, &req); err != nil {
		return req, err
	}
	if len(req.Data) > maxInput {
		return req, badRequest("%d bytes of input: at most %d at once", len(req.Data), maxInput)
	}
	return req, nil
}

func (h *handler) output(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial", "since", "wait", "max")
	if err != nil {
		return err
	}
	wait, err := q.wait("wait", 0)
	if err != nil {
		return err
	}
	most, err := q.number("max", defaultOutput, 1, maxOutput)
	if err != nil {
		return err
	}
	since, now, err := parseSince(q)
	if err != nil {
		return err
	}
	t, err := h.terminal(r, q)
	if err != nil {
		return err
	}
	if now {
		since = t.Cursor()
	}
	ctx, done, err := h.patient(w, r, guest, wait)
	if err != nil {
		return err
	}
	defer done()
	o, err := t.Output(ctx, since, most)
	if err != nil && !isOf(ctx, err) {
		return err
	}
	a := outputAnswer{From: o.From, Next: o.Next, Data: o.Data, Ended: o.Ended}
	if len(o.Data) == 0 {
		a.From, a.Next = max(since, o.From), max(since, o.Next)
	}
	a.Lost = a.From - since
	a.send(w, r)
	return nil
}

// parseSince reads a cursor, 0 when there is none, or that it is the one of now.
func parseSince(q query) (since uint64, now bool, err error) {
	s, ok := q["since"]
	if !ok || s == "now" {
		return 0, ok, nil
	}
	if since, err = strconv.ParseUint(s, 10, 64); err != nil {
		return 0, false, badRequest("since=%q: want a cursor, or now", s)
	}
	return since, false, nil
}

const octetStream = "application/octet-stream"

// send answers in the form that the client wants. A character of which a part is missing
// at the end is left for the next answer, where this one has more.
func (a *outputAnswer) send(w http.ResponseWriter, r *http.Request) {
	if accepts(r, octetStream) {
		head := w.Header()
		head.Set("Content-Type", octetStream)
		head.Set("Ptsns-From", strconv.FormatUint(a.From, 10))
		head.Set("Ptsns-Next", strconv.FormatUint(a.Next, 10))
		head.Set("Ptsns-Lost", strconv.FormatUint(a.Lost, 10))
		head.Set("Ptsns-Ended", strconv.FormatBool(a.Ended))
		_, _ = w.Write(a.Data) // a client that has gone needs no answer
		return
	}
	if n := unfinished(a.Data); n < len(a.Data) {
		a.Data = a.Data[:len(a.Data)-n]
		a.Next -= uint64(n)
		a.Ended = a.Ended && n == 0
	}
	writeJSON(w, http.StatusOK, a)
}

// unfinished is how many bytes at the end of p are the beginning of a character.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		tail := p[len(p)-n:]
		if utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

func (h *handler) resize(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial")
	if err != nil {
		return err
	}
	var req resizeRequest
	if err := readJSON(w, r, maxBody, &req); err != nil {
		return err
	}
	if req.Rows == 0 || req.Cols == 0 {
		return badRequest("rows %d and cols %d: want 1 to 65535", req.Rows, req.Cols)
	}
	t, err := h.terminal(r, q)
	if err != nil {
		return err
	}
	t.SetSize(req.Rows, req.Cols)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// signalName is a signal as JSON has it: "INT", "SIGINT" or 2.
type signalName syscall.Signal

// UnmarshalJSON takes all three.
func (s *signalName) UnmarshalJSON(data []byte) error {
	var name string
	var n int
	if json.Unmarshal(data, &n) == nil && n > 0 && n <= maxSignal {
		*s = signalName(n)
		return nil
	}
	if json.Unmarshal(data, &name) == nil {
		if sig, ok := ParseSignal(name); ok {
			*s = signalName(sig)
			return nil
		}
	}
	return fmt.Errorf("%.40s is no signal", data)
}

// ParseSignal takes a signal's name, with or without SIG, or its number.
func ParseSignal(s string) (sig syscall.Signal, ok bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return syscall.Signal(n), n > 0 && n <= maxSignal
	}
	name := strings.ToUpper(s)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	sig = unix.SignalNum(name)
	return sig, sig > 0
}

func (h *handler) signal(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial")
	if err != nil {
		return err
	}
	var req signalRequest
	if err := readJSON(w, r, maxBody, &req); err != nil {
		return err
	}
	if req.Signal == 0 {
		return badRequest("no signal")
	}
	t, err := target(r, q)
	if err != nil {
		return err
	}
	if err := h.ns.Signal(t, syscall.Signal(req.Signal)); err != nil {
		return fmt.Errorf("signal the program: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *handler) exit(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r, "pid", "serial", "wait")
	if err != nil {
		return err
	}
	wait, err := q.wait("wait", 0)
	if err != nil {
		return err
	}
	t, err := target(r, q)
	if err != nil {
		return err
	}
	p, err := h.ns.Program(t)
	if err != nil {
		return err
	}
	ctx, done, err := h.patient(w, r, guest, wait)
	if err != nil {
		return err
	}
	defer done()
	a := ExitStatus{Index: p.index, PID: p.pid}
	code, err := p.Wait(ctx)
	switch {
	case err == nil:
		a.Exited, a.Code = true, code
	case !isOf(ctx, err):
		return err
	}
	writeJSON(w, http.StatusOK, a)
	return nil
}

package oracle

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

// What is asked about settings, and what processes do.

// endArg takes an end's name from the front of args where one stands there.
func endArg(args []string) (string, []string) {
	if len(args) > 0 && (strings.HasPrefix(args[0], "pt") || strings.HasPrefix(args[0], "tty")) {
		return args[0], args[1:]
	}
	return "pts", args
}

func getTermios(p Proc, end string) (termios.Termios, Result) {
	var t termios.Termios
	res := p.Do(Op{Call: Ioctl, End: end, Req: 0x802c542a, Data: make([]byte, termios.Struct2.Size())})
	termios.Struct2.Take(res.Data, &t)
	return t, res
}

func (r *Runner) set(p Proc, s Step) (string, error) {
	end, args := endArg(strings.Fields(s.Args))
	req := uint32(pts.TCSETS)
	if len(args) > 0 && (args[0] == "drain" || args[0] == "flush") {
		req = map[string]uint32{"drain": 0x5403, "flush": 0x5404}[args[0]]
		args = args[1:]
	}
	t, res := getTermios(p, end)
	if failed(res) != "" {
		return outcome(res), nil
	}
	for _, word := range args {
		if err := applySetting(&t, word); err != nil {
			return "", err
		}
	}
	b := make([]byte, termios.Struct.Size())
	termios.Struct.Put(b, &t)
	return r.leave(s.Proc, p.Do(Op{Call: Ioctl, End: end, Req: req, Data: b}), outcome), nil
}

// leave prints a request's result, also when it comes later.
func (r *Runner) leave(proc string, res Result, text func(Result) string) string {
	switch {
	case res.Blocked || res.Stopped:
		r.left[proc] = text
	case res.Errno != int(pts.EBUSY): // that is of another call, still under way
		delete(r.left, proc)
	}
	if f := failed(res); f != "" {
		return f
	}
	return text(res)
}

func (r *Runner) get(p Proc, s Step) (string, error) {
	end, args := endArg(strings.Fields(s.Args))
	t, res := getTermios(p, end)
	if failed(res) != "" {
		return outcome(res), nil
	}
	var out []string
	for _, word := range args {
		text, err := printSetting(&t, word)
		if err != nil {
			return "", err
		}
		out = append(out, text)
	}
	return strings.Join(out, " "), nil
}

func (r *Runner) pid(name string) (int, bool) {
	p, ok := r.procs[name]
	if !ok || name == "" {
		return 0, false
	}
	return p.PID(), true
}

func (r *Runner) procName(pid int) string {
	for name, p := range r.procs {
		if name != "" && p.PID() == pid {
			return name
		}
	}
	return strconv.Itoa(pid)
}

func (r *Runner) ioctl(p Proc, s Step) (string, error) {
	args := strings.SplitN(s.Args, " ", 3)
	if len(args) < 2 {
		return "", fmt.Errorf("ioctl needs an end and a request")
	}
	req, ok := lookupRequest(args[1])
	if !ok {
		return "", fmt.Errorf("request %q is not known", args[1])
	}
	rest := ""
	if len(args) > 2 {
		rest = strings.TrimSpace(args[2])
	}
	op, err := req.op(args[0], rest, r.pid)
	if err != nil {
		return "", err
	}
	return r.leave(s.Proc, p.Do(op), func(res Result) string { return req.result(res.Data, r.procName) }), nil
}

func (r *Runner) fork(p Proc, s Step) (string, error) {
	args := strings.Fields(s.Args)
	if len(args) == 0 {
		return "", fmt.Errorf("fork needs a name")
	}
	child, err := p.Fork(args[1:])
	if err != nil {
		return "", err
	}
	r.procs[args[0]] = child
	return "ok", nil
}

// bare is a call without arguments.
func (r *Runner) bare(p Proc, s Step) (string, error) {
	return outcome(p.Do(Op{Call: Call(s.Verb)})), nil
}

func (r *Runner) number(p Proc, s Step) (string, error) {
	n, err := parseNumber(s.Args)
	if err != nil {
		return "", err
	}
	return outcome(p.Do(Op{Call: Call(s.Verb), Value: int64(n)})), nil
}

// onProc is a call about another process.
func (r *Runner) onProc(p Proc, s Step) (string, error) {
	op := Op{Call: Call(s.Verb)}
	name, sig, _ := strings.Cut(s.Args, " ")
	if name != "" {
		pid, ok := r.pid(name)
		if !ok {
			return "", fmt.Errorf("there is no process %q", name)
		}
		op.Value = int64(pid)
	}
	if sig != "" {
		n, err := parseNumber(sig)
		if err != nil {
			return "", err
		}
		op.N = n
	}
	res := p.Do(op)
	if failed(res) == "" && res.Text != "" {
		return res.Text, nil
	}
	return outcome(res), nil
}

func (r *Runner) signals(p Proc, _ Step) (string, error) {
	res := p.Do(Op{Call: Signals})
	if f := failed(res); f != "" {
		return f, nil
	}
	if len(res.Caught) == 0 {
		return "none", nil
	}
	sort.Ints(res.Caught)
	var out []string
	for _, n := range res.Caught {
		out = append(out, signalName(n))
	}
	return strings.Join(out, " "), nil
}

// result prints that of the call that was left blocked or stopped, by its kind.
func (r *Runner) result(p Proc, s Step) (string, error) {
	res := p.Result()
	if text := r.left[s.Proc]; text != nil {
		return r.leave(s.Proc, res, text), nil
	}
	switch f := failed(res); {
	case f != "":
		return f, nil
	case res.Data != nil:
		return quote(res.Data), nil
	case res.N > 0:
		return strconv.Itoa(res.N), nil
	}
	return "ok", nil
}

func (r *Runner) sleep(_ Proc, s Step) (string, error) {
	d, err := time.ParseDuration(s.Args)
	if err != nil {
		return "", err
	}
	r.d.Sleep(d)
	return "ok", nil
}

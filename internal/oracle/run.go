package oracle

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
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
}

// NewRunner makes a runner. The driver stays its caller's.
func NewRunner(d Driver) *Runner {
	r := &Runner{d: d}
	r.reset()
	return r
}

func (r *Runner) reset() {
	r.d.Reset()
	r.procs = map[string]Proc{"": r.d.Self()}
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
			if got == success(l.Step) {
				l.Want = ""
			}
		case got != l.Want && (l.Want != "" || got != success(l.Step)):
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

// success is the result that a step without one has to have.
func success(s Step) string {
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

// pair makes a new pair with given settings.
func (r *Runner) pair(_ Proc, s Step) (string, error) {
	r.reset()
	p := r.procs[""]
	for _, op := range []Op{
		{Call: Open, End: "ptm", As: "ptm", Flags: NoCtty | NonBlock},
		{Call: Ioctl, End: "ptm", Req: pts.TIOCSPTLCK, Data: make([]byte, 4)},
		{Call: Open, End: "pts", As: "pts", Flags: NoCtty | NonBlock},
	} {
		if res := p.Do(op); failed(res) != "" {
			return outcome(res), nil
		}
	}
	if s.Args == "" {
		return "ok", nil
	}
	return r.set(p, Step{Verb: "set", Args: s.Args})
}

func (r *Runner) open(p Proc, s Step) (string, error) {
	op := Op{Call: Open}
	args := strings.Fields(s.Args)
	if s.Verb == "peer" {
		op = Op{Call: Peer, End: "ptm", As: "pts"}
	} else if len(args) > 0 {
		op.End, op.As, args = args[0], args[0], args[1:]
	}
	if s.Proc == "" {
		op.Flags = NoCtty | NonBlock
	}
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "as":
			i++
			if i == len(args) {
				return "", fmt.Errorf("as what?")
			}
			op.As = args[i]
		case "ctty":
			op.Flags &^= NoCtty
		case "noctty":
			op.Flags |= NoCtty
		case "block":
			op.Flags &^= NonBlock
		case "nonblock":
			op.Flags |= NonBlock
		case "rdonly":
			op.Flags |= ReadOnly
		case "wronly":
			op.Flags |= WriteOnly
		default:
			return "", fmt.Errorf("open does not know %q", args[i])
		}
	}
	return outcome(p.Do(op)), nil
}

// onEnd is poll and close.
func (r *Runner) onEnd(p Proc, s Step) (string, error) {
	res := p.Do(Op{Call: Call(s.Verb), End: s.Args})
	if s.Verb == "poll" && failed(res) == "" {
		return pollText(res.Events), nil
	}
	return outcome(res), nil
}

// pollText prints the bits that mean something apart: RDNORM goes with IN, WRNORM with OUT.
func pollText(e wait.Events) string {
	e &^= wait.RdNorm | wait.WrNorm
	if e == 0 {
		return "none"
	}
	return strings.ReplaceAll(e.String(), "|", " ")
}

func (r *Runner) read(p Proc, s Step) (string, error) {
	end, count, _ := strings.Cut(s.Args, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return "", err
	}
	return data(p.Do(Op{Call: Read, End: end, N: n})), nil
}

// maxReads bounds what reads prints, for ends whose reads return 0 for ever.
const maxReads = 10

// reads reads until nothing is there and prints what each read gave.
func (r *Runner) reads(p Proc, s Step) (string, error) {
	var out []string
	for len(out) < maxReads {
		text, err := r.read(p, s)
		if err != nil {
			return "", err
		}
		if text == errnoName(eagain) && len(out) > 0 {
			break
		}
		out = append(out, text)
		if !strings.HasPrefix(text, `"`) {
			break
		}
	}
	return strings.Join(out, ", "), nil
}

func data(res Result) string {
	if f := failed(res); f != "" {
		return f
	}
	return quote(res.Data)
}

// takeSize is a read that takes what there is: how much had arrived does not show.
const takeSize = 4096

// maxTake bounds what take reads: an end whose reads return 0 for ever must not hold it.
const maxTake = 1 << 20

func (r *Runner) take(p Proc, s Step) (string, error) {
	all, res := takeAll(r.d, p, s.Args)
	out := quote(all)
	if res.Errno != eagain && failed(res) != "" {
		out += " " + failed(res)
	}
	return out, nil
}

// takeAll reads until nothing is there and nothing under way.
func takeAll(d Driver, p Proc, end string) (all []byte, last Result) {
	for len(all) < maxTake {
		d.Drained()
		n := 0
		for {
			last = p.Do(Op{Call: Read, End: end, N: takeSize})
			if failed(last) != "" || len(last.Data) == 0 {
				break
			}
			n += len(last.Data)
			all = append(all, last.Data...)
		}
		if n == 0 {
			break
		}
	}
	return all, last
}

// packets reads in packet mode until there is no more. It prints the status bytes, and then
// the data, for how that is cut into packets depends on when it is read.
func (r *Runner) packets(p Proc, s Step) (string, error) {
	var status, all []byte
	var last Result
	for quiet := false; len(all) < maxTake; {
		last = p.Do(Op{Call: Read, End: s.Args, N: takeSize})
		if failed(last) != "" || len(last.Data) == 0 {
			if quiet {
				break
			}
			r.d.Drained()
			quiet = true
			continue
		}
		quiet = false
		if last.Data[0] != 0 {
			status = append(status, last.Data...)
		} else {
			all = append(all, last.Data[1:]...)
		}
	}
	out := fmt.Sprintf("[%x] %s", status, quote(all))
	if last.Errno != eagain && failed(last) != "" {
		out += " " + failed(last)
	}
	return out, nil
}

func (r *Runner) write(p Proc, s Step) (string, error) {
	end, text, _ := strings.Cut(s.Args, " ")
	b, err := unquote(text)
	if err != nil {
		return "", err
	}
	res := p.Do(Op{Call: Write, End: end, Data: b})
	if f := failed(res); f != "" {
		return f, nil
	}
	return strconv.Itoa(res.N), nil
}

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
	return outcome(p.Do(Op{Call: Ioctl, End: end, Req: req, Data: b})), nil
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
	res := p.Do(op)
	if f := failed(res); f != "" {
		return f, nil
	}
	return req.result(res.Data, r.procName), nil
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
func (r *Runner) result(p Proc, _ Step) (string, error) {
	res := p.Result()
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

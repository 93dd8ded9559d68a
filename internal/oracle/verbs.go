package oracle

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// What is done to open ends.

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

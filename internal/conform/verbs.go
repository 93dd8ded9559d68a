package conform

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ptsns/ptsns/internal/oracle"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

var verbs map[string]func(r *Runner, s oracle.Step) (string, error)

func init() {
	verbs = map[string]func(r *Runner, s oracle.Step) (string, error){
		"mount":   func(r *Runner, s oracle.Step) (string, error) { return r.mount(s.Args) },
		"remount": func(r *Runner, s oracle.Step) (string, error) { return outcome(r.i.Remount(s.Args)), nil },
		"options": func(r *Runner, _ oracle.Step) (string, error) { return r.i.Options().String(), nil },
		"drop":    (*Runner).drop,
		"ptmx":    (*Runner).ptmx, "pts": (*Runner).pts,
		"lock": (*Runner).lock, "unlock": (*Runner).lock,
		"terminals": (*Runner).terminals,
		"watch":     (*Runner).watch, "woken": (*Runner).woken,
		"again": (*Runner).again,
	}
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	if n := number(err); n > 0 {
		return pts.Errno(n).Name()
	}
	return err.Error()
}

// mount begins again.
func (r *Runner) mount(options string) (string, error) {
	if err := r.Close(); err != nil {
		return "", err
	}
	i, err := r.kind.Mount(options)
	if err != nil {
		return outcome(err), nil
	}
	r.i, r.ends.i = i, i
	return "ok", nil
}

func (r *Runner) drop(oracle.Step) (string, error) {
	i := r.i
	r.i = nil
	return outcome(i.Close()), nil
}

// caller is who opens.
func caller(proc string) (c Caller, err error) {
	id, fsOnly := strings.CutPrefix(proc, "fs")
	uid, gid, both := strings.Cut(id, "/")
	c.FSOnly = fsOnly
	if c.UID, err = strconv.Atoi(uid); err != nil {
		return c, fmt.Errorf("caller %q: want UID, UID/GID or fsUID", proc)
	}
	c.GID = c.UID
	if both {
		c.GID, err = strconv.Atoi(gid)
	}
	return c, err
}

// as runs f for who opens.
func (r *Runner) as(proc string, f func(c pts.Caller)) error {
	if proc == "" {
		f(nil)
		return nil
	}
	c, err := caller(proc)
	switch {
	case err != nil:
		return err
	case c.FSOnly || r.kind.As == nil:
		f(c)
	default:
		r.kind.As(c, func() { f(c) })
	}
	return nil
}

// parseOpen reads "E [N] [rdonly|wronly]".
func parseOpen(args string, indexed bool) (name string, index, flags int, err error) {
	words := strings.Fields(args)
	if len(words) == 0 {
		return "", 0, 0, fmt.Errorf("open as what?")
	}
	name, words = words[0], words[1:]
	if indexed {
		if len(words) == 0 {
			return "", 0, 0, fmt.Errorf("which terminal?")
		}
		if index, err = strconv.Atoi(words[0]); err != nil {
			return "", 0, 0, err
		}
		words = words[1:]
	}
	flags = oRdwr
	if len(words) > 0 {
		mode, ok := map[string]int{"rdonly": oRdonly, "wronly": oWronly}[words[0]]
		if !ok {
			return "", 0, 0, fmt.Errorf("open does not know %q", words[0])
		}
		flags = mode
	}
	return name, index, flags | oNoctty, nil
}

func (r *Runner) ptmx(s oracle.Step) (string, error) {
	name, _, flags, err := parseOpen(s.Args, false)
	if err != nil {
		return "", err
	}
	var end pts.End
	var index int
	var refused error
	err = r.as(s.Proc, func(c pts.Caller) { end, index, refused = r.i.OpenPtmx(c, flags) })
	if err != nil || refused != nil {
		return outcome(refused), err
	}
	r.ends.put(name, end)
	r.ends.index = index
	return strconv.Itoa(index), nil
}

func (r *Runner) pts(s oracle.Step) (string, error) {
	name, index, flags, err := parseOpen(s.Args, true)
	if err != nil {
		return "", err
	}
	var end pts.End
	var refused error
	err = r.as(s.Proc, func(c pts.Caller) { end, refused = r.i.OpenPts(c, index, flags) })
	if err == nil && refused == nil {
		r.ends.put(name, end)
	}
	return outcome(refused), err
}

func (r *Runner) lock(s oracle.Step) (string, error) {
	arg := "0"
	if s.Verb == "lock" {
		arg = "1"
	}
	return r.talk.Step(oracle.Step{Verb: "ioctl", Args: s.Args + " TIOCSPTLCK " + arg})
}

func (r *Runner) terminals(oracle.Step) (string, error) {
	var all []string
	for info := range r.i.Terminals() {
		t := fmt.Sprintf("%d=%d:%d,%o", info.Index, info.UID, info.GID, info.Mode)
		if info.Created.IsZero() {
			t += ",of no time"
		}
		all = append(all, t)
	}
	if len(all) == 0 {
		return "none", nil
	}
	return strings.Join(all, " "), nil
}

var eventNames = map[string]wait.Events{"IN": wait.In, "OUT": wait.Out, "PRI": wait.Pri, "HUP": wait.Hup}

func (r *Runner) watch(s oracle.Step) (string, error) {
	words := strings.Fields(s.Args)
	if len(words) == 0 || r.ends.open[words[0]] == nil {
		return "", fmt.Errorf("watch what?")
	}
	var mask wait.Events
	for _, w := range words[1:] {
		e, ok := eventNames[w]
		if !ok {
			return "", fmt.Errorf("event %q is not known", w)
		}
		mask |= e
	}
	r.ends.watch(words[0], mask)
	return "ok", nil
}

// lostAfter is when nobody will be told any more.
const lostAfter = 20 * time.Second

func (r *Runner) woken(s oracle.Step) (string, error) {
	w, end := r.ends.watches[s.Args], r.ends.open[s.Args]
	if w == nil || end == nil {
		return "", fmt.Errorf("nobody watches %q", s.Args)
	}
	lost := time.After(lostAfter)
	for {
		select {
		case <-w.woken:
		case <-lost:
			return "lost", nil
		}
		if end.Poll()&w.mask != 0 {
			return "ok", nil
		}
	}
}

// again closes an end and calls it once more.
func (r *Runner) again(s oracle.Step) (string, error) {
	name, verb, _ := strings.Cut(s.Args, " ")
	end := r.ends.open[name]
	if end == nil {
		return "", fmt.Errorf("there is no end %q", name)
	}
	r.ends.unwatch(name)
	delete(r.ends.open, name)
	_ = end.Close() // the second answer is asked for
	switch verb {
	case "close":
		return outcome(end.Close()), nil
	case "read":
		_, err := end.Read(make([]byte, 1))
		return outcome(err), nil
	case "write":
		_, err := end.Write([]byte("x"))
		return outcome(err), nil
	case "ioctl":
		_, err := end.Ioctl(nil, pts.FIONREAD, make([]byte, 4))
		return outcome(err), nil
	}
	return "", fmt.Errorf("again does not know %q", verb)
}

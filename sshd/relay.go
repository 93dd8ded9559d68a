package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
)

// ending is how a stay at a terminal ended.
type ending struct {
	id       pts.ID
	err      error // what went wrong
	status   int   // of a program that was started for the client and has ended
	detached bool  // by the keys
}

// enough is a terminal that works after whatever a program has left of it: the main
// screen, no mouse, no pastes in brackets, the usual keys, and the cursor where it is.
const enough = "\x1b[?2026l\x1b7\x1b[r\x1b[?69l\x1b8\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l" +
	"\x1b[?2004l\x1b[?1l\x1b>\x1b[4l\x1b[?7h\x1b[m\x1b(B\x0f\x1b[?25h"

func (v *visit) who() hub.Who {
	return hub.Who{Door: "ssh", Name: v.c.key.name, UID: os.Getuid(), PID: os.Getpid()}
}

// join joins a terminal and stays until one of the two has enough.
func (v *visit) join(ctx context.Context, t target, readOnly bool) ending {
	end := ending{id: pts.ID{Namespace: t.name, Index: t.index}}
	o := control.AttachOptions{Who: v.who(), ReadOnly: readOnly, Serial: t.serial}
	if v.tty != nil {
		w := v.window()
		o.Rows, o.Cols = w.rows, w.cols
	}
	answer, cancel := context.WithTimeout(ctx, v.c.s.limits.answer)
	defer cancel()
	s, err := v.c.s.cfg.Namespaces.Attach(answer, t.name, t.index, o)
	if err != nil {
		end.err, end.status = explain(end.id.String(), t.name, err), exitFailure
		return end
	}
	v.c.log.Info("ssh: joined", "terminal", end.id.String(), "readonly", readOnly)
	return v.relay(ctx, s, end, false, readOnly)
}

// open starts a command, or a shell, on a new terminal and stays.
func (v *visit) open(ctx context.Context, name, command string) ending {
	cfg := &v.c.s.cfg
	spec := server.Spec{Attach: true, Who: v.who(), DirDefault: cfg.Dir}
	spec.Env = mergeEnv(cfg.Env, v.env)
	w := v.window()
	spec.Rows, spec.Cols = w.rows, w.cols
	if v.tty != nil {
		spec.Modes = v.tty.modes
		spec.Env = append(spec.Env, "TERM="+v.tty.term)
	} else {
		spec.Modes = quietModes()
		spec.Env = append(spec.Env, "TERM="+dumbTerm)
	}
	const sh = "/bin/sh"
	spec.Argv = []string{cfg.Shell}
	if command != "" {
		spec.Argv = []string{sh, "-c", command}
	}
	s, err := v.start(ctx, name, spec)
	if notThere(err) && spec.Argv[0] != sh {
		spec.Argv = []string{sh} // with another root the user's shell may be missing
		s, err = v.start(ctx, name, spec)
	}
	if err != nil {
		return ending{id: pts.ID{Namespace: name, Index: -1}, err: explain(name, name, err), status: startStatus(err)}
	}
	end := ending{id: pts.ID{Namespace: name, Index: s.Index()}}
	v.c.log.Info("ssh: opened", "terminal", end.id.String())
	return v.relay(ctx, s, end, true, false)
}

// mergeEnv is ours with the client's variables in place of those of the same names.
func mergeEnv(ours, clients []string) []string {
	env := slices.Clone(clients)
	for _, kv := range ours {
		name, _, _ := strings.Cut(kv, "=")
		if !slices.ContainsFunc(clients, func(c string) bool { return strings.HasPrefix(c, name+"=") }) {
			env = append(env, kv)
		}
	}
	return env
}

func (v *visit) start(ctx context.Context, name string, spec server.Spec) (Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, v.c.s.limits.answer)
	defer cancel()
	return v.c.s.cfg.Namespaces.Start(ctx, name, spec)
}

// notThere tells whether the server said that there is no such program. That there is no
// such namespace is said by somebody else.
func notThere(err error) bool {
	e := (*control.Error)(nil)
	return errors.As(err, &e) && errors.Is(e, syscall.ENOENT)
}

func startStatus(err error) int {
	e := (*control.Error)(nil)
	switch {
	case !errors.As(err, &e):
		return exitFailure
	case errors.Is(e, syscall.ENOENT):
		return exitNotFound
	case errors.Is(e, syscall.EACCES):
		return exitNotExecutable
	}
	return exitFailure
}

// explain says where an error was met, and of a namespace that is not there just that.
func explain(where, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) && !notThere(err) {
		return fmt.Errorf("no namespace %q", name)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// relay is a stay at the terminal of s, which it closes: what is typed goes in, what is put
// out comes, until the terminal ends, the keys say so, or ctx is done. own says that s is
// of a program that was started for the client.
func (v *visit) relay(ctx context.Context, s Stream, end ending, own, readOnly bool) ending {
	defer s.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.Close() }) // ends Next and Write
	defer stop()
	if own || v.tty != nil {
		var a aim = s
		if readOnly {
			a = onlooker{s}
		}
		v.aimAt(a)
		defer v.aimAt(nil)
	}
	ctx, cancel := context.WithCancel(ctx)
	var typing sync.WaitGroup
	detached := false // typing's until it has ended
	typing.Go(func() {
		if detached = v.typeInto(ctx, s, own, readOnly); detached {
			_ = s.Close() // ends Next
		}
	})
	if end.status, end.err = v.show(s, own); end.err != nil {
		end.err = fmt.Errorf("%v: %w", end.id, end.err)
	}
	_ = s.Close() // ends Write
	cancel()
	typing.Wait()
	if detached {
		end.detached, end.err, end.status = true, nil, 0
	}
	return end
}

// onlooker is a stream of who only looks on: it is told the size of the window, which is
// painted to fit and changes nothing for others, and no signals.
type onlooker struct{ Stream }

func (onlooker) Signal(syscall.Signal) error { return hub.ErrReadOnly }

// show shows what the terminal puts out until it ends, and returns the program's status.
func (v *visit) show(s Stream, own bool) (status int, err error) {
	told := false
	for {
		e, err := s.Next()
		if err != nil {
			return exitFailure, err
		}
		switch e.Kind {
		case control.Output:
			err = v.put(e.Output, own)
		case control.Lost:
			err = v.sayLost(e.Lost)
		case control.Refused:
			err = v.sayTaken(&told)
		case control.Exit:
			if own {
				return e.Code, nil
			}
			return 0, nil
		case control.Ended:
			return 0, nil
		}
		if err != nil {
			return exitFailure, err
		}
	}
}

// put writes output to the client. The program of one that it opened waits for that.
func (v *visit) put(p []byte, own bool) error {
	if own {
		defer v.c.stall.begin()()
	}
	_, err := v.ch.Write(p)
	return err
}

// sayLost tells of output that went by: in its place on a terminal, else on stderr.
func (v *visit) sayLost(n uint64) error {
	if v.tty == nil {
		v.say("%d bytes missed", n)
		return nil
	}
	_, err := io.WriteString(v.ch, fmt.Sprintf("\x1b[7m[ptsns: %d bytes missed]\x1b[27m", n))
	return err
}

// sayTaken tells who types while another viewer has the input for itself: a terminal's bell
// rings, and who has none reads it once.
func (v *visit) sayTaken(told *bool) error {
	if v.tty == nil {
		if !*told {
			*told = true
			v.say("%v", hub.ErrTaken)
		}
		return nil
	}
	_, err := io.WriteString(v.ch, "\a")
	return err
}

// typeInto types what comes from the client until ctx is done, the terminal takes no more, or
// the keys that leave are typed. What somebody types who only looks on goes nowhere.
func (v *visit) typeInto(ctx context.Context, s Stream, own, readOnly bool) (detached bool) {
	var keys detachScanner
	eof, ended := v.eof, make(chan struct{}, 1)
	for {
		select {
		case p := <-v.chunks:
			found := false
			if v.tty != nil {
				p, found = keys.scan(p)
			}
			if len(p) > 0 && !readOnly {
				if _, err := s.Write(p); err != nil {
					return found // show hears why
				}
			}
			if found {
				return true
			}
		case <-eof:
			eof = nil
			if own {
				go v.confirmEnd(ended) // ends with the channel at the latest
			}
		case <-ended:
			_ = s.EndInput() // the same
		case <-ctx.Done():
			return false
		}
	}
}

// confirmEnd tells of the end of the client's input, if that is what it is: it looks like
// the end of the connection, at which nothing is typed, but that the client answers after it.
func (v *visit) confirmEnd(ended chan<- struct{}) {
	if _, err := v.ch.SendRequest("keepalive@openssh.com", true, nil); err == nil {
		ended <- struct{}{}
	}
}

// end says how the stay ended and returns the status.
func (v *visit) end(ctx context.Context, e ending) int {
	if e.err == nil && !e.detached {
		return e.status
	}
	v.tidy()
	if v.tty != nil && e.id.Index >= 0 {
		_, _ = io.WriteString(v.ch, "\r\n") // the program was in the middle of a line, perhaps
	}
	switch {
	case e.detached:
		v.say("detached from %v; ssh %v@... comes back", e.id, e.id)
	case ctx.Err() != nil:
		v.say("%v: %v", e.id, errClosing)
	default:
		v.say("%v", e.err)
	}
	return e.status
}

// tidy makes the client's terminal usable, if it has one.
func (v *visit) tidy() {
	if v.tty != nil && !v.tty.dumb() {
		_, _ = io.WriteString(v.ch, enough) // it may have gone
	}
}

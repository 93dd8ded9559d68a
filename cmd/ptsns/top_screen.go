package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/parent"
)

// What top needs of its terminal, and how it leaves it: the alternate screen, no cursor,
// and lines that do not wrap.
const (
	enterTop = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveTop = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// topScreen is top on a terminal of its own: the outer one is raw and on its alternate
// screen but while somebody has joined a terminal. Its run is for one goroutine, which
// does all but asking the servers and reading keys.
type topScreen struct {
	parent  *parent.Parent
	outer   *outer
	view    topView
	every   time.Duration
	signals chan os.Signal
	window  chan os.Signal // SIGWINCH
	resumed chan os.Signal // SIGCONT
	entered bool
}

// runTop shows samples until somebody leaves. The outer terminal is as before then.
func runTop(ctx context.Context, p *parent.Parent, every time.Duration, o *outer) (err error) {
	s := &topScreen{parent: p, outer: o, every: every, view: topView{every: every, order: topOrders[0]},
		signals: make(chan os.Signal, 16), window: make(chan os.Signal, 1), resumed: make(chan os.Signal, 1)}
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if !signal.Ignored(sig) { // as nohup and shells' & want it
			signal.Notify(s.signals, sig)
		}
	}
	// They stay ours until the process ends: see replayFile.
	signal.Notify(s.window, syscall.SIGWINCH)
	defer signal.Stop(s.window)
	signal.Notify(s.resumed, syscall.SIGCONT)
	defer signal.Stop(s.resumed)
	defer s.leave() // also when we panic
	return s.run(ctx)
}

// enter takes the terminal, also one that it has and that may have changed.
func (s *topScreen) enter() error {
	s.entered = true
	if err := s.outer.raw(); err != nil {
		if errors.Is(err, syscall.EIO) {
			return exitHungUp
		}
		return fmt.Errorf("make the terminal raw: %w", err)
	}
	return s.write(enterTop)
}

// leave gives the terminal back. It is for every way out, and may be called again.
func (s *topScreen) leave() {
	s.lend()
	s.outer.restore()
}

// lend gives the screen back, and not the modes: what is typed before the next program
// has made its own must not be lost or shown.
func (s *topScreen) lend() {
	if s.entered {
		_ = s.write(leaveTop) // a terminal that has gone needs nothing
	}
	s.entered = false
}

// restoreOnPanic is deferred by every goroutine.
func (s *topScreen) restoreOnPanic() {
	if p := recover(); p != nil {
		s.leave()
		panic(p)
	}
}

func (s *topScreen) write(text string) error {
	err := writeAll(os.Stdout, stdout, []byte(text))
	if errors.Is(err, syscall.EIO) {
		return exitHungUp
	}
	return err
}

// paint shows the view.
func (s *topScreen) paint() error {
	rows, cols := s.outer.window()
	if rows == 0 || cols == 0 {
		rows, cols = 24, 80
	}
	return s.write(paintTop(s.view.frame(int(rows), int(cols))))
}

// paintTop is what shows a frame in place of another one. Each line is erased before it
// is written: afterwards the cursor may still stand on the last column.
func paintTop(frame []topLine) string {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range frame {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("\x1b[K")
		if line.look == "" {
			b.WriteString(line.text)
		} else {
			b.WriteString("\x1b[" + line.look + "m" + line.text + "\x1b[0m")
		}
	}
	return b.String()
}

// topAnswer is what asking the servers gave.
type topAnswer struct {
	state topState
	err   error
}

// run is top from its first frame to its last.
func (s *topScreen) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan topAnswer)
	go s.ask(ctx, answers) // ends with ctx
	if err := s.enter(); err != nil {
		return err
	}
	keys := s.readKeys()
	defer func() { keys.stop() }()
	var before topState
	for {
		if err := s.paint(); err != nil {
			return err
		}
		select {
		case a := <-answers:
			if a.err != nil {
				return a.err
			}
			s.view.update(newTopSample(before, a.state))
			before = a.state
		case sig := <-s.signals:
			return exitStatus(exitSignal + int(sig.(syscall.Signal)))
		case <-s.window:
		case <-s.resumed:
			if err := s.enter(); err != nil { // after a stop, somebody else has had the terminal
				return err
			}
		case p, ok := <-keys.read:
			if !ok {
				return exitHungUp
			}
			action := topNothing
			for _, k := range parseTopKeys(p) {
				if action = s.view.key(k); action != topNothing {
					break // the rest is not ours
				}
			}
			switch action {
			case topQuit:
				return nil
			case topJoin, topJoinReadOnly:
				keys.stop()
				if err := s.join(action == topJoinReadOnly); err != nil {
					return err
				}
				keys = s.readKeys()
			}
		}
	}
}

// ask asks the servers, as long as somebody takes the answers.
func (s *topScreen) ask(ctx context.Context, answers chan<- topAnswer) {
	defer s.restoreOnPanic()
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		state, err := askTop(ctx, s.parent, s.every)
		select {
		case answers <- topAnswer{state, err}:
		case <-ctx.Done():
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/cast"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const replayLong = `Replay shows a recording (asciicast v2 or v3) as fast as it was made. On a
terminal, space pauses and goes on, . shows the next output while it is paused,
ctrl-c ends.

Only what draws is shown: sequences that ask the terminal something, change its
keys, or reach its clipboard are left out, and its modes are as before at the end.
The window is not resized. Where the recorded terminal was larger, lines fall
elsewhere than they did; replay says so. Input is not shown. At the end replay says
how much output is missing, if the recorder had to leave some out.

Into a pipe or file goes the same; --speed 0 does not wait.`

func newReplayCommand() *cobra.Command {
	var speed, idle float64
	cmd := &cobra.Command{
		Use:                   "replay [FLAGS] FILE",
		DisableFlagsInUseLine: true,
		Short:                 "Show a recording",
		Long:                  replayLong,
		Example:               "  ptsns replay --speed 2 --idle-limit 1.5 session.cast",
		Args:                  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(speed == 0 || speed >= minSpeed && speed <= 1/minSpeed) { // NaN too
				return usagef("--speed %v: want 0 or %v to %v", speed, minSpeed, 1/minSpeed)
			}
			if !(idle >= 0) || math.IsInf(idle, 0) {
				return usagef("--idle-limit %v: want seconds, 0 for none", idle)
			}
			if !cmd.Flags().Changed("idle-limit") {
				idle = -1
			}
			return replayFile(args[0], speed, idle)
		},
	}
	cmd.Flags().Float64Var(&speed, "speed", 1, "show it `N` times as fast; 0 does not wait")
	cmd.Flags().Float64Var(&idle, "idle-limit", 0, "wait at most so many `SECONDS`, 0 for no limit (default: the recording's)")
	return cmd
}

// minSpeed is the slowest that replay goes, and its reverse the fastest.
const minSpeed = 0.001

// replayFile plays path on stdout. idle is in seconds, negative for the recording's own.
//
// When both stdin and stdout are terminals it starts a goroutine that reads stdin, which
// may stay in that read until the process exits.
func replayFile(path string, speed, idle float64) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := cast.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	p := &player{name: path, reader: r, out: stdoutWriter{}, speed: speed, idle: r.Header().IdleLimit}
	if idle >= 0 {
		p.idle = seconds(idle)
	}
	o := newOuter()
	if !o.out {
		err := p.finish(p.play())
		tell(p.gapNote(), "\n")
		return err
	}
	defer o.restoreOnPanic()
	signals := make(chan os.Signal, 16)
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if !signal.Ignored(sig) { // as nohup and shells' & want it
			signal.Notify(signals, sig)
		}
	}
	// They stay ours until the process ends: a SIGHUP may still be on its way when we know of
	// the hangup otherwise, and must not end us before we say how.
	p.signals, p.terminal = signals, true
	if o.in {
		resumed := make(chan os.Signal, 1)
		signal.Notify(resumed, syscall.SIGCONT)
		defer signal.Stop(resumed)
		if err := o.raw(); err != nil {
			return fmt.Errorf("make the terminal raw: %w", err)
		}
		defer o.restore()
		keys := make(chan byte, 256)
		p.keys, p.resumed, p.raw = keys, resumed, o.raw
		go func() {
			defer o.restoreOnPanic()
			readKeys(keys)
		}()
	}
	p.rows, p.cols = o.window()
	p.noteSize(r.Header().Rows, r.Header().Cols)
	tell(p.note, o.newline())
	p.note = "" // from here on: what no note has told
	err = p.finish(p.play())
	o.restore()
	tell(p.note, "\n")
	tell(p.gapNote(), "\n")
	return err
}

// tell says something beside the recording; "" is nothing.
func tell(note, newline string) {
	if note != "" {
		fmt.Fprintf(os.Stderr, "ptsns: replay: %s%s", note, newline)
	}
}

// readKeys hands on what is typed, and closes keys when the terminal has gone.
func readKeys(keys chan<- byte) {
	buf := make([]byte, 256)
	for {
		n, err := os.Stdin.Read(buf)
		if errors.Is(err, syscall.EAGAIN) {
			err = awaitFD(stdin, unix.POLLIN)
		}
		for _, c := range buf[:max(n, 0)] {
			keys <- c
		}
		if err != nil {
			close(keys)
			return
		}
	}
}

// stdoutWriter is stdout, even if another process has made it nonblocking.
type stdoutWriter struct{}

func (stdoutWriter) Write(p []byte) (int, error) { return len(p), writeAll(os.Stdout, stdout, p) }

func seconds(s float64) time.Duration {
	return time.Duration(min(s, 1e9) * float64(time.Second))
}

package main

import (
	"fmt"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/spf13/cobra"
)

const waitLong = `Wait waits until terminal N of a namespace, or the one with the lowest number, is as
the flags say, all of them at once. Text and regexp are looked for on the screen,
where a line that goes on in the next is one line; what a regexp's groups match is
printed, or all that it matches. With --exit, wait waits for the end of the program
that ptsns started there, and its exit status is wait's.

Exit status 124: it did not come in time. 125: the terminal ended before. What is on
the screen then is on stderr.`

type waitFlags struct {
	cond    control.Condition
	echoOn  bool
	echoOff bool
	exit    bool
	timeout time.Duration
}

func newWaitCommand() *cobra.Command {
	var f waitFlags
	cmd := &cobra.Command{
		Use:                   "wait NAME[/N] FLAGS",
		DisableFlagsInUseLine: true,
		Short:                 "Wait until a terminal shows something, or is quiet",
		Long:                  waitLong,
		Example:               "  ptsns wait vs1/0 --text 'login: '\n  ptsns wait vs1 --echo-off && ptsns send vs1 \"$PASSWORD\\n\"",
		Args:                  usage(cobra.ExactArgs(1)),
		ValidArgsFunction:     completeNames(false),
		RunE:                  func(cmd *cobra.Command, args []string) error { return f.wait(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.cond.Text, "text", "", "until `TEXT` is on the screen")
	flags.StringVar(&f.cond.Regexp, "regexp", "", "until `REGEXP`, of Go's syntax, matches the text of the screen")
	flags.DurationVar(&f.cond.Quiet, "quiet", 0, "until nothing was put out for `TIME`, such as 200ms")
	flags.BoolVar(&f.echoOff, "echo-off", false, "until what is typed is not echoed, as while a password is asked for")
	flags.BoolVar(&f.echoOn, "echo-on", false, "until what is typed is echoed")
	flags.BoolVar(&f.cond.Ended, "end", false, "until the terminal has ended")
	flags.BoolVar(&f.exit, "exit", false, "until the program has ended")
	addTimeout(flags, &f.timeout)
	return cmd
}

func (f *waitFlags) wait(cmd *cobra.Command, target string) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	return withTerminal(cmd, target, f.timeout, func(t *control.Terminal) error {
		if f.exit {
			code, err := t.Wait()
			if err == nil && code != 0 {
				err = exitStatus(code)
			}
			return err
		}
		seen, err := t.Await(f.cond)
		if err != nil {
			return err
		}
		return f.show(cmd, seen.Match)
	})
}

// check makes the condition of the flags.
func (f *waitFlags) check(cmd *cobra.Command) error {
	if f.echoOn && f.echoOff {
		return usagef("--echo-on and --echo-off are not both to be had")
	}
	if f.echoOn || f.echoOff {
		f.cond.Echo = &f.echoOn
	}
	nothing := f.cond == control.Condition{}
	switch {
	case f.exit && !nothing:
		return usagef("--exit goes with no other flag but --timeout")
	case !f.exit && nothing:
		return usagef("nothing to wait for: give --text, --regexp, --quiet, --echo-off, --echo-on, --end or --exit")
	case f.cond.Quiet < 0 || f.cond.Quiet > time.Minute:
		return usagef("--quiet %v: want a time of at most a minute", f.cond.Quiet)
	case len(f.cond.Text) > hub.MaxPattern:
		return usagef("--text: a text of %d bytes: at most %d", len(f.cond.Text), hub.MaxPattern)
	}
	if _, err := hub.ParseRegexp(f.cond.Regexp); err != nil {
		return usagef("--regexp: %w", err)
	}
	return nil
}

// show prints what a regexp found.
func (f *waitFlags) show(cmd *cobra.Command, match []string) error {
	if len(match) > 1 {
		match = match[1:]
	}
	for _, s := range match {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), s); err != nil {
			return err
		}
	}
	return nil
}

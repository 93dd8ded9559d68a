package main

import (
	"context"
	"fmt"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/pts"
	"github.com/spf13/cobra"
)

const attachLong = `Attach joins terminal N of a namespace, or the one with the lowest number: its
screen is shown, and above it what has scrolled off, what is typed goes in, ctrl-p
ctrl-q leaves. Any number of people can join a terminal. With --steal, what the others
type is refused until you leave, and what comes from the program that opened the
terminal is dropped. One who does not read in time misses output, and is told how much;
nobody waits. With --read-only, nothing that the program puts out makes your terminal
answer.

A window of another size than the terminal's shows its screen in a frame, or the part
around the cursor. A terminal that ptsns opened takes the size of the window used
last, unless run or exec said otherwise with --size; read-only windows never count.

Without a terminal on stdin, stdout and stderr, the output from now on is all that
is seen. Without one on stdin, input is relayed; its end neither leaves nor types
anything, and attach follows the output until the terminal ends. The exit status
is that of the program, where ptsns started it, else 0.`

func newAttachCommand() *cobra.Command {
	var keys string
	var o control.AttachOptions
	cmd := &cobra.Command{
		Use:                   "attach [FLAGS] NAME[/N]",
		DisableFlagsInUseLine: true,
		Short:                 "Join a terminal",
		Long:                  attachLong,
		Example:               "  ptsns attach vs1/0\n  ptsns attach --read-only vs1/0",
		Args:                  usage(cobra.ExactArgs(1)),
		ValidArgsFunction:     completeNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.ReadOnly && o.Steal {
				return usagef("--read-only and --steal: who does not type needs no input")
			}
			return attach(cmd, args[0], keys, o)
		},
	}
	cmd.Flags().BoolVar(&o.ReadOnly, "read-only", false, "see and do not type, nor change the terminal's size")
	cmd.Flags().BoolVar(&o.Steal, "steal", false, "take the input for yourself, until you leave or somebody steals it from you")
	cmd.Flags().StringVar(&o.Serial, "serial", "", "join the terminal only if it has this serial (ls --json), and is no later one of the same number")
	cmd.Flags().BoolVar(&o.NoHistory, "no-history", false, "do not print the lines that have scrolled off the screen first")
	addDetachKeys(cmd.Flags(), &keys)
	return cmd
}

func attach(cmd *cobra.Command, target, keys string, opts control.AttachOptions) error {
	name, index, err := parseTarget(target)
	if err != nil {
		return err
	}
	k, err := parseKeys(keys)
	if err != nil {
		return err
	}
	return withClient(cmd, name, answerTime, func(ctx context.Context, client *control.Client) error {
		o := newOuter()
		opts.Who = localWho()
		opts.Rows, opts.Cols = o.window()
		stream, err := client.Attach(ctx, index, opts)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		r := &relay{id: pts.ID{Namespace: name, Index: stream.Index()}, stream: stream, outer: o, keys: k,
			readOnly: opts.ReadOnly, painted: opts.Rows != 0 && opts.Cols != 0}
		return r.run()
	})
}

package main

import (
	"context"
	"fmt"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/pts"
	"github.com/spf13/cobra"
)

const attachLong = `Attach joins terminal N of a namespace, or the one with the lowest number: its
output is seen, what is typed goes in, ctrl-p ctrl-q leaves. Any number of people
can join a terminal. One who does not read in time misses output, and is told how
much; nobody waits.

Without a terminal on stdin, input is relayed; its end neither leaves nor types
anything, and attach follows the output until the terminal ends. The exit status
is that of the program, where ptsns started it, else 0.`

func newAttachCommand() *cobra.Command {
	var keys string
	var readOnly bool
	cmd := &cobra.Command{
		Use:                   "attach [FLAGS] NAME[/N]",
		DisableFlagsInUseLine: true,
		Short:                 "Join a terminal",
		Long:                  attachLong,
		Example:               "  ptsns attach vs1/0\n  ptsns attach --read-only vs1/0",
		Args:                  usage(cobra.ExactArgs(1)),
		ValidArgsFunction:     completeNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return attach(cmd, args[0], keys, readOnly)
		},
	}
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "see and do not type, nor change the terminal's size")
	addDetachKeys(cmd.Flags(), &keys)
	return cmd
}

func attach(cmd *cobra.Command, target, keys string, readOnly bool) error {
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
		rows, cols := o.window()
		stream, err := client.Attach(ctx, index, control.AttachOptions{ReadOnly: readOnly, Rows: rows, Cols: cols})
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		r := &relay{id: pts.ID{Namespace: name, Index: stream.Index()}, stream: stream, outer: o, keys: k, readOnly: readOnly}
		return r.run()
	})
}

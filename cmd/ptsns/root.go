package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const rootLong = `ptsns runs programs in PTS namespaces: each has its own /dev/pts, its terminals
numbered from 0, and sees no others. The parent sees them all: it lists them,
writes to them and joins them, those too that programs inside opened.

Exit status: that of the program, 128+N when signal N ended it; 125 when ptsns
itself failed, 126 when the program cannot be executed, 127 when it is not
there, 2 for a wrong command line.`

// newRoot makes the command above all others, which alone does nothing.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "ptsns COMMAND",
		Short:         "terminals in namespaces, in the parent's hands",
		Long:          rootLong,
		Example:       "  ptsns run -- bash                a shell in a namespace of its own\n  ptsns ls                         its terminals, from another window",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,

		DisableFlagsInUseLine:      true,
		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no command; ptsns --help tells what there is")
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usagef("unknown command %q; is it %s?", args[0], strings.Join(near, " or "))
			}
			return usagef("unknown command %q; ptsns --help tells what there is", args[0])
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; %s --help tells what there is", err, cmd.CommandPath())
	})
	return root
}

// execute runs the command line and says how the process is to exit.
func execute(root *cobra.Command) int {
	cmd, err := root.ExecuteC()
	if err == nil {
		return 0
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	name := root.Name()
	if cmd != root {
		name += ": " + cmd.Name()
	}
	fmt.Fprintf(root.ErrOrStderr(), "%s: %v\n", name, err)
	return exitCode(err)
}

// usage makes a check of the positional arguments whose failure is a usage error.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("%w; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}

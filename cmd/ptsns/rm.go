package main

import (
	"context"
	"fmt"
	"io"

	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/pts"
	"github.com/spf13/cobra"
)

const rmLong = `Rm ends namespaces: every program in them is ended (SIGHUP, then
SIGTERM, then SIGKILL), then everything that was made for them is taken away. It returns when
that is done. A server that does not answer is killed.`

func newRmCommand() *cobra.Command {
	return &cobra.Command{
		Use:                   "rm NAME...",
		DisableFlagsInUseLine: true,
		Short:                 "End namespaces and everything in them",
		Long:                  rmLong,
		Example:               "  ptsns rm vs1 vs2",
		Args:                  usage(cobra.MinimumNArgs(1)),
		ValidArgsFunction:     completeNames(true),
		RunE: func(cmd *cobra.Command, names []string) error {
			for _, name := range names {
				if err := pts.CheckName(name); err != nil {
					return usageError{err}
				}
			}
			p, err := openParent(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			var failed error
			for _, name := range names {
				if err := remove(cmd.Context(), p, name, cmd.ErrOrStderr()); err != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "ptsns: rm: %v\n", err)
					failed = exitStatus(exitFailure)
				}
			}
			return failed
		},
	}
}

// remove ends one namespace and returns when nothing of it is left.
func remove(ctx context.Context, p *parent.Parent, name string, stderr io.Writer) error {
	killed, err := p.End(ctx, name)
	if err != nil {
		return err
	}
	if killed {
		fmt.Fprintf(stderr, "ptsns: the server of %q did not end it and was killed\n", name)
	}
	clean(p.Dir(), stderr) // what a server that died had not
	return nil
}

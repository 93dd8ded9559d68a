package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/rundir"
	"github.com/spf13/cobra"
)

const rmLong = `Rm ends namespaces: every program in them is ended (SIGHUP, then
SIGTERM, then SIGKILL), then everything that was made for them is taken away. It returns when
that is done. A server that does not answer is killed.`

// endTime is how long a server may take to end its namespace.
const endTime = 5 * time.Second

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
			dir, err := openRuntime(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			var failed error
			for _, name := range names {
				if err := remove(cmd.Context(), dir, name, cmd.ErrOrStderr()); err != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "ptsns: rm: %v\n", err)
					failed = exitStatus(exitFailure)
				}
			}
			return failed
		},
	}
}

// remove ends one namespace and returns when nothing of it is left.
func remove(ctx context.Context, dir *rundir.Dir, name string, stderr io.Writer) error {
	server, err := findServer(dir, name)
	if err != nil {
		return err
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	// A server that cannot be asked may be ending already; waiting tells.
	_ = end(ctx, dir, name)
	if !server.wait(ctx) {
		if err := server.kill(); err != nil {
			return fmt.Errorf("kill the server of %q: %w", name, err)
		}
		fmt.Fprintf(stderr, "ptsns: the server of %q did not end it and was killed\n", name)
	}
	clean(dir, stderr) // what a server that died had not
	return nil
}

func end(ctx context.Context, dir *rundir.Dir, name string) error {
	client, err := dial(ctx, dir, name)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.End(ctx)
}

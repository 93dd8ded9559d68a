package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ptsns/ptsns/rundir"
	"github.com/spf13/cobra"
)

const rmLong = `Rm ends namespaces: every program in them is ended (SIGHUP and SIGTERM, then
SIGKILL), then everything that was made for them is taken away. It returns when
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
			dir, err := openRuntime(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			var failed []error
			for _, name := range names {
				if err := remove(cmd.Context(), dir, name, cmd.ErrOrStderr()); err != nil {
					failed = append(failed, err)
				}
			}
			return errors.Join(failed...)
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
	err = end(ctx, dir, name)
	if err == nil && server.wait(ctx) {
		return nil
	}
	if !server.wait(canceled()) { // not even while we asked
		if err := server.kill(); err != nil {
			return fmt.Errorf("kill the server of %q: %w", name, err)
		}
		fmt.Fprintf(stderr, "ptsns: the server of %q did not end it and was killed\n", name)
	}
	clean(dir, stderr)
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

// canceled is a context that is over: to look and not to wait.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

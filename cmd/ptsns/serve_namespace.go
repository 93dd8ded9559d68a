package main

import (
	"errors"
	"log/slog"

	"github.com/ptsns/ptsns/parent"
	"github.com/spf13/cobra"
)

func newServeNamespaceCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "serve-namespace NAME",
		Short:  "Serve a namespace (started by ptsns run)",
		Hidden: true,
		Args:   usage(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			err := parent.Serve(args[0])
			if err == nil || errors.Is(err, parent.ErrNoServer) {
				return err
			}
			slog.Error("the server failed", "error", err)
			return exitStatus(exitFailure)
		},
	}
}

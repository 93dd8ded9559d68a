package main

import (
	"github.com/ptsns/ptsns/parent"
	"github.com/spf13/cobra"
)

func newServeNamespaceCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "serve-namespace NAME",
		Short:  "Serve a namespace (started by ptsns run)",
		Hidden: true,
		Args:   usage(cobra.ExactArgs(1)),
		RunE:   func(_ *cobra.Command, args []string) error { return parent.Serve(args[0]) },
	}
}

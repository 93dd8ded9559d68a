package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
	"github.com/spf13/cobra"
)

func newPathCommand() *cobra.Command {
	return &cobra.Command{
		Use:                   "path NAME[/N]",
		DisableFlagsInUseLine: true,
		Short:                 "Print where the parent finds a terminal",
		Long:                  "Path prints where the instance of a namespace, or one of its terminals, is in the\nfile system of the parent.",
		Example:               "  echo foo > $(ptsns path vs1/0)",
		Args:                  usage(cobra.ExactArgs(1)),
		ValidArgsFunction:     completeNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, index, err := parseTarget(args[0])
			if err != nil {
				return err
			}
			return withClient(cmd, name, answerTime, func(ctx context.Context, client *control.Client) error {
				state, err := client.State(ctx)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				path, err := pathOf(state, index)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
				return err
			})
		},
	}
}

// errNoPath is of terminals that a program has in itself.
var errNoPath = errors.New("its terminals are in no file system")

// pathOf is the path of the instance, for -1, or of one of its terminals.
func pathOf(s server.State, index int) (string, error) {
	there := func(t server.Terminal) bool { return t.Index == index }
	switch {
	case index >= 0 && !slices.ContainsFunc(s.Terminals, there):
		return "", fmt.Errorf("%v: %w", pts.ID{Namespace: s.Name, Index: index}, server.ErrNoTerminal)
	case s.Path == "":
		return "", fmt.Errorf("%s: %w", s.Name, errNoPath)
	case index < 0:
		return s.Path, nil
	}
	return s.Path + "/" + strconv.Itoa(index), nil
}

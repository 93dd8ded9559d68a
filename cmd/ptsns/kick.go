package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/server"
	"github.com/spf13/cobra"
)

const kickLong = `Kick sends viewers away from terminal N of a namespace, or from all its terminals. A
VIEWER is a number or a name from ptsns ls --json; a name is everybody of that name.
Programs live on, also where a viewer started them. Kicked people may come back.`

func newKickCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:                   "kick NAME[/N] {VIEWER...|--all}",
		DisableFlagsInUseLine: true,
		Short:                 "Send viewers away from a terminal",
		Long:                  kickLong,
		Example:               "  ptsns kick vs1/0 ada\n  ptsns kick vs1 --all",
		Args:                  usage(cobra.MinimumNArgs(1)),
		ValidArgsFunction:     completeNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 1) {
				return usagef("want viewers or --all; usage: %s", cmd.UseLine())
			}
			return kick(cmd, args[0], args[1:], all)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "send everybody away")
	return cmd
}

func kick(cmd *cobra.Command, target string, viewers []string, all bool) error {
	name, index, err := parseTarget(target)
	if err != nil {
		return err
	}
	return withClient(cmd, name, answerTime, func(ctx context.Context, client *control.Client) error {
		client.Who = localWho()
		state, err := client.State(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		ids, err := viewerIDs(state, index, viewers, all)
		for _, id := range ids {
			if kerr := client.Kick(ctx, id); kerr != nil && !errors.Is(kerr, control.ErrNoViewer) { // who has left has left
				err = errors.Join(err, fmt.Errorf("%s: viewer %d: %w", target, id, kerr))
			}
		}
		return err
	})
}

// viewerIDs finds those who are meant, and says who is not there.
func viewerIDs(s server.State, index int, viewers []string, all bool) (ids []uint64, err error) {
	found := make(map[string]bool)
	there := false
	for _, t := range s.Terminals {
		if index >= 0 && t.Index != index {
			continue
		}
		there = true
		for _, v := range t.Viewers {
			id := strconv.FormatUint(v.ID, 10)
			if all || slices.Contains(viewers, id) || v.Name != "" && slices.Contains(viewers, v.Name) {
				ids = append(ids, v.ID)
				found[id], found[v.Name] = true, true
			}
		}
	}
	if !there && index >= 0 {
		return nil, fmt.Errorf("%s: %w", idOf(s.Name, index), server.ErrNoTerminal)
	}
	for _, v := range viewers {
		if !found[v] {
			err = errors.Join(err, fmt.Errorf("%s: no viewer %q", idOf(s.Name, index), v))
		}
	}
	return ids, err
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ptsns/ptsns/control"
	"github.com/spf13/cobra"
)

const screenLong = `Screen prints what is on the screen of terminal N of a namespace, or of the one with
the lowest number, as text: a line each, blanks at the ends cut. With --json it
prints everything that is known of the screen: text, colours, cursor, modes, title,
and the cursor in the output from which on what comes is not on it yet. The terminal
does not notice.`

type screenFlags struct{ asJSON, ansi, history bool }

func newScreenCommand() *cobra.Command {
	var f screenFlags
	cmd := &cobra.Command{
		Use:                   "screen [FLAGS] NAME[/N]",
		DisableFlagsInUseLine: true,
		Short:                 "Print what is on a terminal's screen",
		Long:                  screenLong,
		Example:               "  ptsns screen vs1/0\n  ptsns screen --json vs1 | jq .screen.cursor",
		Args:                  usage(cobra.ExactArgs(1)),
		ValidArgsFunction:     completeNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.asJSON && f.ansi {
				return usagef("--json and --ansi are two forms of one thing")
			}
			return f.screen(cmd, args[0])
		},
	}
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&f.ansi, "ansi", false, "print colours and attributes too, for a terminal")
	cmd.Flags().BoolVar(&f.history, "history", false, "print the lines that have scrolled off it first")
	return cmd
}

func (f *screenFlags) screen(cmd *cobra.Command, target string) error {
	name, index, err := parseTarget(target)
	if err != nil {
		return err
	}
	return withClient(cmd, name, answerTime, func(ctx context.Context, client *control.Client) error {
		s, err := client.Screen(ctx, index, f.history)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		return f.show(cmd.OutOrStdout(), s)
	})
}

func (f *screenFlags) show(w io.Writer, s control.Screen) error {
	if f.asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	text := s.Text
	if f.ansi {
		text = ansi(s.Screen)
	}
	if text != "" {
		text += "\n"
	}
	for i, line := range s.History {
		s.History[i] = line + "\n"
	}
	_, err := io.WriteString(w, strings.Join(s.History, "")+text)
	return err
}

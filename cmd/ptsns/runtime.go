package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/rundir"
	"github.com/spf13/cobra"
)

// answerTime is how long a server may take to answer a question.
const answerTime = 5 * time.Second

// openRuntime opens the runtime directory and cleans up after dead servers, with
// a line on stderr for each.
func openRuntime(stderr io.Writer) (*rundir.Dir, error) {
	dir, err := rundir.Open()
	if err != nil {
		return nil, err
	}
	clean(dir, stderr)
	return dir, nil
}

func clean(dir *rundir.Dir, stderr io.Writer) {
	cleanDir(dir, "namespace", stderr)
	if systems, err := dir.OldSystems(); err != nil {
		fmt.Fprintf(stderr, "ptsns: clean up after dead servers: %v\n", err)
	} else if systems != nil {
		cleanDir(systems, "system", stderr)
	}
}

// cleanDir cleans up after the dead servers of dir, which serve what.
func cleanDir(dir *rundir.Dir, what string, stderr io.Writer) []rundir.Cleaned {
	cleaned, err := dir.Clean()
	for _, c := range cleaned {
		line := fmt.Sprintf("ptsns: cleaned up after %s %q, whose server (pid %d) died", what, c.Name, c.ServerPID)
		if c.Log != "" {
			line += ": " + printable(c.Log)
		}
		fmt.Fprintln(stderr, line)
	}
	if err != nil {
		fmt.Fprintf(stderr, "ptsns: clean up after dead servers: %v\n", err)
	}
	return cleaned
}

// dial connects to the server of a live namespace.
func dial(ctx context.Context, dir *rundir.Dir, name string) (*control.Client, error) {
	entry, err := dir.Entry(name)
	if err != nil {
		return nil, err
	}
	return control.Dial(ctx, entry.Socket())
}

// parseTarget parses NAME or NAME/N; index is -1 without N.
func parseTarget(s string) (name string, index int, err error) {
	if strings.Contains(s, "/") {
		id, err := pts.ParseID(s)
		if err != nil {
			return "", 0, usageError{err}
		}
		return id.Namespace, id.Index, nil
	}
	if err := pts.CheckName(s); err != nil {
		return "", 0, usageError{err}
	}
	return s, -1, nil
}

// completeNames completes the first argument, or each, with the names of the live
// namespaces.
func completeNames(each bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 && !each {
			return nil, cobra.ShellCompDirectiveDefault
		}
		dir, err := rundir.Open()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		names, err := dir.Names()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// printable makes text that others chose fit for a terminal and for one line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

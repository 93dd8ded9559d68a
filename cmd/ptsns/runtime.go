package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/rundir"
	"github.com/spf13/cobra"
)

const (
	answerTime = parent.AnswerTime
	startTime  = 30 * time.Second // that a server may take to start a program
)

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

// openParent is openRuntime for those who deal with namespaces.
func openParent(stderr io.Writer) (*parent.Parent, error) {
	p, err := parent.Open()
	if err != nil {
		return nil, err
	}
	clean(p.Dir(), stderr)
	return p, nil
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

// withClient runs f with a connection to the server of the namespace called name. f has
// limit to get its first answer.
func withClient(cmd *cobra.Command, name string, limit time.Duration, f func(context.Context, *control.Client) error) error {
	p, err := openParent(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), limit)
	defer cancel()
	client, err := p.Dial(ctx, name)
	if err != nil {
		return err
	}
	defer client.Close()
	return f(ctx, client)
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

// printable makes text that others chose fit for a terminal and for one line: without
// control characters, and without those that turn the direction of what follows.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Bidi_Control, r) {
			return '?'
		}
		return r
	}, s)
}

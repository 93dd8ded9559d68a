package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/server"
	"github.com/spf13/cobra"
)

const lsLong = `Ls lists the namespaces and their terminals. With --json it prints an array of
objects, whose form does not change. A namespace whose server does not answer is
listed with the reason, and the exit status is 125.`

func newLsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:                   "ls [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "List namespaces and their terminals",
		Long:                  lsLong,
		Example:               "  ptsns ls",
		Args:                  usage(cobra.ExactArgs(0)),
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return ls(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func ls(cmd *cobra.Command, asJSON bool) error {
	p, err := openParent(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	list, err := p.List(cmd.Context())
	if err != nil {
		return err
	}
	show := showTable
	if asJSON {
		show = showJSON
	}
	if err := show(cmd.OutOrStdout(), list); err != nil {
		return err
	}
	for _, l := range list {
		if l.Error != "" {
			return exitStatus(exitFailure)
		}
	}
	return nil
}

func showJSON(w io.Writer, list []parent.Listed) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(list)
}

// showTable prints one table of the namespaces and one of their terminals.
func showTable(w io.Writer, list []parent.Listed) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tKIND\tPTMX\tTERMINALS\tSERVER\tINIT\tCREATED\tPATH")
	terminals := false
	for _, l := range list {
		if l.Error != "" {
			fmt.Fprintf(t, "%s\t-\t-\t-\t-\t-\t-\t%s\n", l.Name, printable(l.Error))
			continue
		}
		terminals = terminals || len(l.Terminals) > 0
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", l.Name, l.Kind, l.Ptmx,
			len(l.Terminals), l.ServerPID, pidOrDash(l.InitPID), when(l.Created), printable(cmp.Or(l.Path, "-")))
	}
	if terminals {
		fmt.Fprintln(t) // a line without cells ends the columns of the first table
		fmt.Fprintln(t, "TERMINAL\tSIZE\tOWNER\tMODE\tOPENER\tFOREGROUND\tVIEWERS\tIN\tOUT\tCREATED")
	}
	for _, l := range list {
		for _, x := range l.Terminals {
			fmt.Fprintf(t, "%s\t%dx%d\t%d:%d\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", x.ID, x.Rows, x.Cols, x.UID, x.GID, x.Mode,
				procOrDash(x.Opener), procOrDash(x.Foreground), len(x.Viewers), x.BytesIn, x.BytesOut, when(x.Created))
		}
	}
	return t.Flush()
}

func pidOrDash(pid int) string {
	if pid == 0 {
		return "-"
	}
	return strconv.Itoa(pid)
}

func procOrDash(p server.Proc) string {
	if p.PID == 0 {
		return "-"
	}
	return fmt.Sprintf("%s(%d)", printable(p.Comm), p.PID)
}

func when(t time.Time) string { return t.Local().Format(time.DateTime) }

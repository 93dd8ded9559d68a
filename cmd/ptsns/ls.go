package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/rundir"
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

// listed is one namespace as ls shows it.
type listed struct {
	server.State
	Error string `json:"error,omitempty"` // why all but the name is missing
}

func ls(cmd *cobra.Command, asJSON bool) error {
	dir, err := openRuntime(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	list, err := list(cmd.Context(), dir)
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

// list asks every server at once; one that does not answer costs answerTime.
func list(ctx context.Context, dir *rundir.Dir) ([]listed, error) {
	names, err := dir.Names()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	all := make([]*listed, len(names))
	var asking sync.WaitGroup
	for i, name := range names {
		asking.Go(func() { all[i] = ask(ctx, dir, name) })
	}
	asking.Wait()
	list := []listed{} // JSON's empty array
	for _, l := range all {
		if l != nil {
			list = append(list, *l)
		}
	}
	return list, nil
}

// ask asks one server for its state; nil when there is no namespace yet, or no more.
func ask(ctx context.Context, dir *rundir.Dir, name string) *listed {
	state, err := stateOf(ctx, dir, name)
	switch {
	case err == nil:
		return &listed{State: state}
	case errors.Is(err, fs.ErrNotExist):
		return nil // a server makes its socket first, and takes it away last
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, control.ErrServerGone):
		if ended(ctx, dir, name) {
			return nil
		}
		err = errors.New("it does not come to its end")
	case errors.Is(err, context.DeadlineExceeded):
		err = errors.New("its server does not answer")
	}
	return &listed{State: server.State{Name: name, Terminals: []server.Terminal{}}, Error: err.Error()}
}

// ended waits until a namespace that was ending has ended.
func ended(ctx context.Context, dir *rundir.Dir, name string) bool {
	server, err := findServer(dir, name)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer server.Close()
	return server.wait(ctx)
}

func stateOf(ctx context.Context, dir *rundir.Dir, name string) (server.State, error) {
	client, err := dial(ctx, dir, name)
	if err != nil {
		return server.State{}, err
	}
	defer client.Close()
	state, err := client.State(ctx)
	if state.Terminals == nil {
		state.Terminals = []server.Terminal{}
	}
	return state, err
}

func showJSON(w io.Writer, list []listed) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(list)
}

// showTable prints one table of the namespaces and one of their terminals.
func showTable(w io.Writer, list []listed) error {
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
			len(l.Terminals), l.ServerPID, pidOrDash(l.InitPID), when(l.Created), l.Path)
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

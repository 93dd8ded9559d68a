package main

import (
	"context"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/pts"
	"github.com/spf13/cobra"
)

const execLong = `Exec opens a new terminal in a namespace and starts CMD on it, inside. It behaves
as run does: the terminal is the program's, ctrl-p ctrl-q leaves it, the program's
status is exec's. Without -w the program starts in the caller's directory if there
is one of that name inside, else in /.`

func newExecCommand() *cobra.Command {
	var f programFlags
	cmd := &cobra.Command{
		Use:                   "exec [FLAGS] NAME [--] CMD [ARG...]",
		DisableFlagsInUseLine: true,
		Short:                 "Start a program on a new terminal of a namespace",
		Long:                  execLong,
		Example:               "  ptsns exec vs1 -- tty",
		Args:                  usage(cobra.MinimumNArgs(1)),
		ValidArgsFunction:     completeNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, argv, err := splitExecArgs(cmd, args)
			if err != nil {
				return err
			}
			return f.exec(cmd, name, argv)
		},
	}
	cmd.Flags().SetInterspersed(false)
	f.add(cmd.Flags())
	return cmd
}

// splitExecArgs splits NAME from CMD. Flags may also stand between the two.
func splitExecArgs(cmd *cobra.Command, args []string) (name string, argv []string, err error) {
	name = args[0]
	if err := pts.CheckName(name); err != nil {
		return "", nil, usageError{err}
	}
	flags := cmd.Flags()
	if err := flags.Parse(args[1:]); err != nil {
		return "", nil, cmd.FlagErrorFunc()(cmd, err)
	}
	if flags.NArg() == 0 {
		return "", nil, usagef("no program; usage: %s", cmd.UseLine())
	}
	return name, flags.Args(), nil
}

func (f *programFlags) exec(cmd *cobra.Command, name string, argv []string) error {
	keys, err := parseKeys(f.keys)
	if err != nil {
		return err
	}
	spec, err := f.spec(argv)
	if err != nil {
		return err
	}
	return withClient(cmd, name, startTime, func(ctx context.Context, client *control.Client) error {
		o := newOuter()
		spec.Rows, spec.Cols = windowOrDefault(o)
		stream, err := client.StartAttached(ctx, spec)
		if err != nil {
			return programError{err}
		}
		r := &relay{id: pts.ID{Namespace: name, Index: stream.Index()}, stream: stream, outer: o, keys: keys, owner: true}
		return r.run()
	})
}

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/server"
	"github.com/spf13/cobra"
)

const recordLong = `Record records terminal N of a namespace, or the one with the lowest number, into
FILE, which must not exist, as asciicast v3: what is on the screen now, then all
output and resizes, until the terminal ends or record --stop. It returns at once; the
server of the namespace writes the file. ptsns ls --json lists what is recorded,
ptsns replay shows it, ptsns verify tells whether it is whole.

What is typed is not recorded, unless --input says so; while the terminal does not
echo it, as with passwords, it never is. Whoever is on the terminal is not told.`

type recordFlags struct{ input, v2, stop bool }

func newRecordCommand() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{
		Use:                   "record [FLAGS] NAME[/N] FILE\n  ptsns record --stop NAME[/N] [FILE]",
		DisableFlagsInUseLine: true,
		Short:                 "Record a terminal from now on",
		Long:                  recordLong,
		Example:               "  ptsns record vs1/0 today.cast\n  ptsns record --stop vs1/0",
		Args:                  usage(cobra.RangeArgs(1, 2)),
		ValidArgsFunction:     completeNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.stop && (f.input || f.v2) {
				return usagef("--input and --v2 say how to record, and --stop that it is over")
			}
			if !f.stop && len(args) < 2 || len(args) == 2 && args[1] == "" {
				return usagef("no file to record into")
			}
			file := ""
			if len(args) == 2 {
				abs, err := filepath.Abs(args[1])
				if err != nil {
					return err
				}
				file = abs
			}
			return f.record(cmd, args[0], file)
		},
	}
	cmd.Flags().BoolVar(&f.input, "input", false, "RECORD WHAT IS TYPED, too, unless the terminal does not echo it")
	cmd.Flags().BoolVar(&f.v2, "v2", false, "record as asciicast v2")
	cmd.Flags().BoolVar(&f.stop, "stop", false, "end the recording into FILE, or all that record began")
	return cmd
}

func (f *recordFlags) record(cmd *cobra.Command, target, file string) error {
	name, index, err := parseTarget(target)
	if err != nil {
		return err
	}
	return withClient(cmd, name, startTime, func(ctx context.Context, client *control.Client) error {
		if f.stop {
			err = client.StopRecord(ctx, index, file)
		} else {
			err = client.Record(ctx, index, server.RecordSpec{File: file, Input: f.input, V2: f.v2})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		if f.input {
			fmt.Fprintf(cmd.ErrOrStderr(), "ptsns: what is typed on %s is recorded in %s, unless the terminal does not echo it\n", target, file)
		}
		return nil
	})
}

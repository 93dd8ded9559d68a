package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ptsns/ptsns/cast"
	"github.com/spf13/cobra"
)

const verifyLong = `Verify follows the chain of hashes in a recording and tells whether it is whole, or
at which line it was changed or ends too early. It prints the head of the chain,
which stands for all of the recording.

The chain has no key: who can write the file can make it anew from the line they
changed on. Against that, keep a head elsewhere and give it with --head: it has
to be one that the recording comes by.

Exit status: 0 whole; 1 changed, or another recording than that of --head; 3 ends
without its seal, cut off or left so by a recorder that died; 4 carries no
chain; 125 it cannot be read, or is no recording; 2 for a wrong command line.`

// The verdicts of verify.
const (
	exitChanged  = 1
	exitUnsealed = 3
	exitNoChain  = 4
)

func newVerifyCommand() *cobra.Command {
	var head string
	cmd := &cobra.Command{
		Use:                   "verify [--head HEX] FILE",
		DisableFlagsInUseLine: true,
		Short:                 "Tell whether a recording was changed or cut",
		Long:                  verifyLong,
		Example:               "  ptsns verify session.cast",
		Args:                  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var kept *cast.Head
			if cmd.Flags().Changed("head") {
				h, err := cast.ParseHead(head)
				if err != nil {
					return usagef("--head: %w", err)
				}
				kept = &h
			}
			return verify(cmd.OutOrStdout(), args[0], kept)
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "the `HEX` that a recorder or verify told before")
	return cmd
}

func verify(w io.Writer, path string, kept *cast.Head) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	report, err := cast.Verify(f, kept)
	status := 0
	switch {
	case err == nil:
	case errors.Is(err, cast.ErrChanged), errors.Is(err, cast.ErrTooLong), errors.Is(err, cast.ErrOtherHead):
		status = exitChanged
	case errors.Is(err, cast.ErrUnsealed):
		status = exitUnsealed
	case errors.Is(err, cast.ErrNoChain):
		status = exitNoChain
	default:
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := printReport(w, path, report, err); err != nil {
		return err
	}
	if status != 0 {
		return exitStatus(status)
	}
	return nil
}

// printReport prints the verdict and what it rests on.
func printReport(w io.Writer, path string, r cast.Report, verdict error) error {
	text := "whole"
	if verdict != nil {
		text = verdict.Error()
	}
	if _, err := fmt.Fprintf(w, "%s: %s\n", printable(path), text); err != nil || r.Line == 0 {
		return err
	}
	if r.Kept > 0 {
		if _, err := fmt.Fprintf(w, "line %d has the head that was kept\n", r.Kept); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d events up to line %d\nhead %v\n", r.Events, r.Line, r.Head)
	return err
}

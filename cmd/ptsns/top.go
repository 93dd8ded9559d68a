package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/ptsns/ptsns/parent"
	"github.com/spf13/cobra"
)

const topLong = `Top shows who is busy: the namespaces summed up, and a line for each terminal with the
bytes a second that are typed at it (IN) and that it puts out (OUT), how many look on,
what viewers missed (LOST, since the beginning), its size and its title. It refreshes
each second. The arrow keys select a terminal, enter joins it as attach does, r joins it
read-only; ? tells the other keys, q leaves.

With --once, or where stdin or stdout is no terminal, it prints one sample after one
interval and ends; --json does that in a form for programs, which does not change.`

// topFlags are the flags of top.
type topFlags struct {
	delay  float64
	once   bool
	asJSON bool
}

// The bounds of an interval, in seconds.
const (
	minTopDelay = 0.1
	maxTopDelay = 3600
)

func newTopCommand() *cobra.Command {
	var f topFlags
	cmd := &cobra.Command{
		Use:                   "top [FLAGS]",
		DisableFlagsInUseLine: true,
		Short:                 "Show who is busy",
		Long:                  topLong,
		Example:               "  ptsns top\n  ptsns top --json -d 10",
		Args:                  usage(cobra.ExactArgs(0)),
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	cmd.Flags().Float64VarP(&f.delay, "delay", "d", 1, "sample every `SECONDS`, 0.1 to 3600")
	cmd.Flags().BoolVar(&f.once, "once", false, "print one sample and end")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print one sample as JSON and end")
	return cmd
}

func (f *topFlags) run(cmd *cobra.Command) error {
	if math.IsNaN(f.delay) || f.delay < minTopDelay || f.delay > maxTopDelay {
		return usagef("-d %v: want %v to %v seconds", f.delay, minTopDelay, maxTopDelay)
	}
	p, err := openParent(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	every := time.Duration(f.delay * float64(time.Second))
	if o := newOuter(); o.in && o.out && !f.once && !f.asJSON {
		return runTop(cmd.Context(), p, every, o)
	}
	s, err := sampleOnce(cmd.Context(), p, every)
	if err != nil {
		return err
	}
	if f.asJSON {
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	return printTop(cmd.OutOrStdout(), s)
}

// askTop asks the servers what they are at now. One that is stuck holds up a sample no
// longer than an interval, or a second.
func askTop(ctx context.Context, p *parent.Parent, every time.Duration) (topState, error) {
	ctx, cancel := context.WithTimeout(ctx, min(max(every, time.Second), answerTime))
	defer cancel()
	list, err := p.List(ctx)
	return topState{time.Now(), list}, err
}

// sampleOnce takes one sample, over one interval.
func sampleOnce(ctx context.Context, p *parent.Parent, every time.Duration) (topSample, error) {
	before, err := askTop(ctx, p, every)
	if err != nil {
		return topSample{}, err
	}
	select {
	case <-ctx.Done():
		return topSample{}, context.Cause(ctx)
	case <-time.After(every):
	}
	after, err := askTop(ctx, p, every)
	if err != nil {
		return topSample{}, err
	}
	s := newTopSample(before, after)
	s.sort(topOrders[0])
	return s, nil
}

// printTop prints a sample as two tables, nothing of which is cut.
func printTop(w io.Writer, s topSample) error {
	var namespaces, terminals [][]string
	for _, n := range s.Namespaces {
		namespaces = append(namespaces, n.cells(true))
	}
	for _, t := range s.Terminals {
		terminals = append(terminals, t.cells(true))
	}
	head, lines := topTable(topNamespaceColumns, namespaces, -1)
	all := append([]string{head}, lines...)
	if len(terminals) > 0 {
		head, lines = topTable(topTerminalColumns, terminals, -1)
		all = append(append(all, "", head), lines...)
	}
	for _, line := range all {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

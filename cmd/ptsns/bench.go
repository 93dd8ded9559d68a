package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ptsns/ptsns/bench"
)

const benchLong = `Bench measures terminals opened in a tapped namespace (tap), those of a virtual
instance that is mounted as ptsns mount does it (mount), and virtual ones, which are
values of this process and no files (virtual), against the kernel's own, in turns, and
prints medians with their spread (half the distance between the quartiles). A ratio
above 1 is better than the kernel, whatever the unit. Where no tapped namespace can be
made, or nothing be mounted in it, it measures the others and says why.

idle_pair_bytes    memory of an open pair with nothing in it
raw_mbps           pts to ptm, raw, 64 KiB writes
opost_lines_mbps   pts to ptm, OPOST and ONLCR, lines of 80 bytes
canon_mbps         ptm to pts, canonical, lines of 80 bytes, no echo
canon_echo_mbps    the same with echo, which is read at the same time
echo_rtt_us        a byte written to the ptm until a waiting reader has its echo
echo_turns_us      the same when one thread or goroutine writes and then reads
open_close_per_s   pairs opened and closed`

// benchFlags are the flags of bench.
type benchFlags struct {
	json   bool
	rounds int
	time   time.Duration
	only   []string
}

func newBenchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:                   "bench [FLAGS]",
		DisableFlagsInUseLine: true,
		Short:                 "Measure tapped, mounted and virtual terminals against the kernel's own",
		Long:                  benchLong,
		Example:               "  ptsns bench\n  ptsns bench --json --only raw_mbps,echo_rtt_us --rounds 21",
		Args:                  usage(cobra.ExactArgs(0)),
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return f.run(cmd)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.AddCommand(newBenchInsideCommand(), newBenchPeerCommand())
	return cmd
}

// add adds the flags that say how to measure.
func (f *benchFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.rounds, "rounds", 9, "measure each contender `N` times")
	flags.DurationVar(&f.time, "time", 150*time.Millisecond, "measure for `TIME` each time")
	flags.StringSliceVar(&f.only, "only", nil, "measure these `FIGURES` alone")
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(bench.Figures(), cobra.ShellCompDirectiveNoFileComp)) // fails for flags that are not there
}

func (f *benchFlags) check() error {
	if f.rounds < 1 {
		return usagef("--rounds %d: want at least 1", f.rounds)
	}
	if f.time < time.Millisecond {
		return usagef("--time %v: want at least 1ms", f.time)
	}
	if err := bench.CheckFigures(f.only); err != nil {
		return usagef("--only: %w", err)
	}
	return nil
}

// args are the flags again, for the command inside.
func (f *benchFlags) args() []string {
	args := []string{fmt.Sprintf("--rounds=%d", f.rounds), "--time=" + f.time.String()}
	if len(f.only) > 0 {
		args = append(args, "--only="+strings.Join(f.only, ","))
	}
	return args
}

// options are how this process measures.
func (f *benchFlags) options(exe string) bench.Options {
	return bench.Options{Rounds: f.rounds, Time: f.time, Only: f.only, Peer: []string{exe, "bench", "peer"}}
}

func (f *benchFlags) run(cmd *cobra.Command) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var report bench.Report
	show := newProgress(cmd.ErrOrStderr(), f.options(exe).Total(4))
	take := func(s bench.Sample) error {
		report.Add(s)
		show.step()
		return context.Cause(ctx)
	}
	note := func(text string) {
		report.Note = text
		show.total = f.options(exe).Total(3)
	}
	err = measureInside(ctx, exe, f, take, note)
	var unavailable noNamespaceError
	if errors.As(err, &unavailable) {
		report.Note = "without tapped terminals: " + unavailable.Error() + "; nor mounted ones, which are measured where those are"
		show.total = f.options(exe).Total(2)
		err = measureKernel(f.options(exe), take)
	}
	show.end()
	if err != nil {
		return err
	}
	if !f.json {
		return report.WriteTable(cmd.OutOrStdout())
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(&report)
}

// measureKernel measures virtual terminals and the kernel's without a namespace: those of an
// instance of its own, or where that is not allowed of the one that is there.
func measureKernel(o bench.Options, take func(bench.Sample) error) error {
	kernel, err := bench.Kernel()
	if errors.Is(err, os.ErrPermission) {
		kernel, err = bench.System("kernel", 0)
	}
	if err != nil {
		return err
	}
	defer kernel.Close()
	return bench.Measure([]bench.Contender{kernel, bench.Virtual{}}, o, take)
}

// progress tells on a terminal how far the work has come.
type progress struct {
	w           io.Writer
	done, total int
}

func newProgress(w io.Writer, total int) *progress {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		w = io.Discard
	}
	return &progress{w: w, total: total}
}

func (p *progress) step() {
	p.done++
	fmt.Fprintf(p.w, "\rmeasured %d of %d ", p.done, p.total)
}

// end takes the line away.
func (p *progress) end() { fmt.Fprint(p.w, "\r\x1b[K") }

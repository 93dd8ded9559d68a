package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
	"github.com/spf13/cobra"
)

const runLong = `Run makes a PTS namespace and starts a program on its first terminal: CMD, or a
shell. This terminal is then the program's: raw, with its size followed. ctrl-p
ctrl-q leaves it, the program goes on, and ptsns attach comes back. The namespace
ends when the program has ended and no terminal is open in it.

Without a terminal on stdin, input is relayed and its end typed as the terminal's
end of file (^D); SIGINT, SIGQUIT and SIGTERM go to the program. When nobody reads
stdout any more, run leaves as the detach keys do, with status 141.

Where several people join the terminal, --size says whose window it follows: the one
used last (latest), the largest, the smallest, so that all see everything, or none
(fixed).

--record records every terminal, those that programs inside open too, from the first
byte: a file each, which asciinema and ptsns replay play and ptsns verify checks. What
is typed is recorded only with --record-input, and never while it is not echoed. A full
disk ends a recording, not the terminal.

The options of -o are those of mount -t devpts -o, with the kernel's meaning; they
come after ` + "`newinstance,mode=620,gid=5,ptmxmode=666,max=1024`" + ` (gid=5 for root
alone), and the last of a kind counts.

--ptmx says what opening /dev/ptmx inside reaches. tap: ptsns, which opens the
real one and relays, so that every terminal can be joined from outside; symlink
and bind: the instance itself, and only terminals that ptsns opened can be joined.
The default is tap, and bind where /dev/fuse cannot be used.`

// runFlags are the flags of run.
type runFlags struct {
	program  programFlags
	name     string
	options  []string
	ptmx     string
	sharePts bool
	root     string
	pid      bool
	detach   bool
	history  string
	record   string
	input    bool
	v2       bool
}

// ptmxKinds are what --ptmx can be.
var ptmxKinds = []string{"tap", "symlink", "bind"}

func newRunCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:                   "run [FLAGS] [--] [CMD [ARG...]]",
		DisableFlagsInUseLine: true,
		Short:                 "Start a program in a new PTS namespace",
		Long:                  runLong,
		Example:               "  ptsns run --name vs1 -- bash\n  ptsns run -d -- /usr/sbin/sshd -D -p 1234",
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.name == "" && cmd.Flags().Changed("name") {
				return usagef("--name is empty")
			}
			if f.record == "" && cmd.Flags().Changed("record") {
				return usagef("--record is empty: want a directory")
			}
			return f.run(cmd, args)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *runFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.StringVar(&f.name, "name", "", "the namespace's `NAME` (default the first free of vs1, vs2, ...)")
	flags.StringArrayVarP(&f.options, "options", "o", nil, "mount options `OPTS` of the instance (repeatable)")
	flags.StringVar(&f.ptmx, "ptmx", "", "what /dev/ptmx inside is, a `KIND`: tap, symlink or bind")
	flags.BoolVar(&f.sharePts, "share-pts", false, "no new instance: the terminals are the parent's own")
	flags.StringVar(&f.root, "root", "", "make `DIR` the root directory")
	flags.BoolVar(&f.pid, "pid", false, "a pid namespace too")
	flags.StringVar(&f.history, "history", "1M", "keep so many `BYTES` of output, and of scrollback, of each terminal (K, M, G; 0 is no scrollback)")
	flags.StringVar(&f.record, "record", "", "record every terminal into a file of its own in `DIR`, as asciicast v3")
	flags.BoolVar(&f.input, "record-input", false, "RECORD WHAT IS TYPED, too, unless the terminal does not echo it")
	flags.BoolVar(&f.v2, "record-v2", false, "record as asciicast v2")
	flags.BoolVarP(&f.detach, "detach", "d", false, "print the namespace's name and leave the program alone")
	f.program.add(flags)
	_ = cmd.RegisterFlagCompletionFunc("ptmx", cobra.FixedCompletions(ptmxKinds, cobra.ShellCompDirectiveNoFileComp)) // fails for flags that are not there
}

// config is the namespace to make, its name left out.
func (f *runFlags) config() (server.Config, error) {
	if f.name != "" {
		if err := pts.CheckName(f.name); err != nil {
			return server.Config{}, usageError{err}
		}
	}
	if f.ptmx != "" && !slices.Contains(ptmxKinds, f.ptmx) {
		return server.Config{}, usagef("--ptmx %q: want %s", f.ptmx, strings.Join(ptmxKinds, ", "))
	}
	cfg := server.Config{SharePts: f.sharePts, Ptmx: f.ptmx, PidNS: f.pid}
	if f.sharePts && len(f.options) > 0 {
		return server.Config{}, usagef("-o has no meaning with --share-pts, which mounts nothing new")
	}
	if !f.sharePts {
		cfg.Options = strings.Join(append([]string{parent.DefaultOptions()}, f.options...), ",")
	}
	history, err := parseHistory(f.history)
	if err != nil {
		return server.Config{}, usagef("--history: %w", err)
	}
	cfg.History = history
	if f.record == "" && (f.input || f.v2) {
		return server.Config{}, usagef("--record-input and --record-v2 say how --record DIR records")
	}
	if f.record != "" {
		dir, err := recordDir(f.record)
		if err != nil {
			return server.Config{}, err
		}
		cfg.RecordDir, cfg.RecordInput, cfg.RecordV2 = dir, f.input, f.v2
	}
	if f.root != "" {
		root, err := filepath.Abs(f.root)
		if err != nil {
			return server.Config{}, err
		}
		cfg.Root = root
	}
	return cfg, nil
}

// shell is the program to run when none is named: $SHELL, if that is there inside.
func (f *runFlags) shell() string {
	shell := os.Getenv("SHELL")
	if filepath.IsAbs(shell) {
		if _, err := os.Stat(filepath.Join(f.root, shell)); err == nil {
			return shell
		}
	}
	return "/bin/sh"
}

func (f *runFlags) run(cmd *cobra.Command, args []string) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	keys, err := parseKeys(f.program.keys)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{f.shell()}
	}
	spec, err := f.program.spec(args)
	if err != nil {
		return err
	}
	if cfg.Root != "" {
		spec.DirDefault = "" // the caller's directory means nothing in there
	}
	p, err := openParent(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	cfg.Name = f.name
	srv, note, err := p.Create(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	if f.input {
		fmt.Fprintf(cmd.ErrOrStderr(), "ptsns: what is typed on the terminals of %s is recorded in %s, unless they do not echo it\n", srv.Name(), cfg.RecordDir)
	}
	if note != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "ptsns: %s\n", note)
	}
	if f.detach {
		return f.leave(cmd, srv, spec)
	}
	return f.stay(srv, spec, keys)
}

// leave starts the program and leaves it alone.
func (f *runFlags) leave(cmd *cobra.Command, srv *parent.Server, spec server.Spec) error {
	spec.Rows, spec.Cols = windowOrDefault(newOuter())
	if _, _, err := srv.Client().Start(context.Background(), spec); err != nil {
		srv.Abandon()
		return programError{err}
	}
	_ = srv.Client().Close() // the program runs, so this ends nothing
	_, err := fmt.Fprintln(cmd.OutOrStdout(), srv.Name())
	return err
}

// stay starts the program and relays its terminal until that or we have enough.
func (f *runFlags) stay(srv *parent.Server, spec server.Spec, keys []byte) error {
	outer := newOuter()
	spec.Rows, spec.Cols = windowOrDefault(outer)
	stream, err := srv.Client().StartAttached(context.Background(), spec)
	if err != nil {
		srv.Abandon()
		return programError{err}
	}
	r := &relay{id: pts.ID{Namespace: srv.Name(), Index: stream.Index()}, stream: stream, outer: outer, keys: keys, owner: true}
	err = r.run()
	if r.ended {
		srv.Settle(stream.Index())
	}
	return err
}

// windowOrDefault is the size of a program's first window.
func windowOrDefault(o *outer) (rows, cols uint16) {
	if rows, cols = o.window(); rows == 0 && cols == 0 {
		return 24, 80
	}
	return rows, cols
}

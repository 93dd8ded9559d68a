package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/signal"
	"strings"
	"syscall"

	"github.com/ptsns/ptsns/parent"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const serveLong = `Serve opens doors to the terminals of all namespaces of this user, also of those that
come later, until SIGTERM or SIGINT. It is a process of its own beside those of the
namespaces: when it ends, the terminals live on, and who is joined through a door has
left.

No door is open unless its flag is given. An ADDR is HOST:PORT; without a HOST it is
127.0.0.1, so that nobody on another machine comes in unless the HOST says so (0.0.0.0 or
[::] for all of them). When one door fails, serve ends with its error.

Standard error takes a line for each door that is open, and a log.`

// door is one way in for people or programs from elsewhere, in a file of its own. Its
// methods are called in the order in which they stand here, each once.
type door interface {
	// addFlags adds the door's flags. The first of them is the one that opens it.
	addFlags(*pflag.FlagSet)
	// enabled tells whether the command line opens the door.
	enabled() bool
	// listen binds the door's addresses and says them on stderr:
	// "ptsns: ssh on 127.0.0.1:2222". After an error, its own or another door's,
	// nothing else is called, and the process ends.
	listen() error
	// serve lets people in until ctx is done or something fails. It returns, nil in
	// the first case, when they have left; for that it has a bound of its own.
	serve(ctx context.Context, p *parent.Parent, log *slog.Logger) error
}

// newDoors are the doors that there are.
func newDoors() []door {
	return []door{&sshDoor{}, &webDoor{}, &apiDoor{}, &metricsDoor{}}
}

// serveFlags are the flags of serve.
type serveFlags struct {
	doors     []door
	names     []string // of the flags that open them
	logFormat string
}

func newServeCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:                   "serve [FLAGS]",
		DisableFlagsInUseLine: true,
		Short:                 "Open doors to the terminals for elsewhere",
		Long:                  serveLong,
		Example:               "  ptsns serve --metrics :9090\n  curl http://127.0.0.1:9090/metrics",
		Args:                  usage(cobra.ExactArgs(0)),
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// From the first moment, so that a signal never finds doors half open.
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			context.AfterFunc(ctx, stop) // a second signal does not wait for anybody
			return f.run(ctx, cmd.ErrOrStderr())
		},
	}
	f.add(cmd.Flags(), newDoors())
	_ = cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)) // fails for flags that are not there
	return cmd
}

func (f *serveFlags) add(flags *pflag.FlagSet, doors []door) {
	f.doors = doors
	for _, d := range doors {
		own := pflag.NewFlagSet("", pflag.ContinueOnError)
		own.SortFlags = false
		d.addFlags(own)
		var first string
		own.VisitAll(func(flag *pflag.Flag) {
			if first == "" {
				first = "--" + flag.Name
			}
		})
		f.names = append(f.names, first)
		flags.AddFlagSet(own)
	}
	flags.StringVar(&f.logFormat, "log-format", "text", "the log's `FORMAT`: text or json")
}

func (f *serveFlags) run(ctx context.Context, stderr io.Writer) error {
	log, err := newLog(stderr, f.logFormat)
	if err != nil {
		return err
	}
	var open []door
	for _, d := range f.doors {
		if d.enabled() {
			open = append(open, d)
		}
	}
	if len(open) == 0 {
		return usagef("no door is open: give %s", strings.Join(f.names, " or "))
	}
	p, err := openParent(stderr)
	if err != nil {
		return err
	}
	for _, d := range open {
		if err := d.listen(); err != nil {
			return err
		}
	}
	return serveDoors(ctx, open, p, log)
}

// serveDoors serves all doors until ctx is done or one of them ends, and returns when
// all have. It starts a goroutine for each.
func serveDoors(ctx context.Context, open []door, p *parent.Parent, log *slog.Logger) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error)
	for _, d := range open {
		go func() { ended <- d.serve(ctx, p, log) }()
	}
	var failed error
	for range open {
		err := <-ended
		if err == nil && ctx.Err() == nil {
			err = errors.New("a door ended by itself")
		}
		failed = errors.Join(failed, err)
		cancel(err)
	}
	if failed == nil {
		log.Info("ended", "why", "signal")
	}
	return failed
}

// listenAddress is what the flag called name says to listen on: HOST:PORT, where a HOST
// that is missing is this machine alone.
func listenAddress(name, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return "", usagef("--%s %q: want HOST:PORT, or :PORT for this machine alone", name, addr)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// newLog makes a log of that format.
func newLog(w io.Writer, format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	}
	return nil, usageError{fmt.Errorf("--log-format %q: want text or json", format)}
}

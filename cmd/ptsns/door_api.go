package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/apid"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/usock"
	"github.com/spf13/pflag"
)

// apiDoor lets programs to all namespaces by one unix socket.
type apiDoor struct {
	path string
	l    net.Listener
}

func (d *apiDoor) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&d.path, "api", "", "serve the control API for all namespaces on a unix socket at `PATH`, to this user and root")
}

func (d *apiDoor) enabled() bool { return d.path != "" }

func (d *apiDoor) listen() error {
	path, err := filepath.Abs(d.path)
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	if d.l, err = listenOver(path); err != nil {
		return fmt.Errorf("api: %w", err)
	}
	d.path = path
	fmt.Fprintf(os.Stderr, "ptsns: api on %s\n", path)
	return nil
}

// listenOver makes a socket at path, where one may lie that nobody listens on any more.
func listenOver(path string) (net.Listener, error) {
	l, err := usock.Listen(path)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	if info, serr := os.Lstat(path); serr != nil || info.Mode().Type() != fs.ModeSocket {
		return nil, err // it is something else, and not ours to take away
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, derr := usock.Dial(ctx, path)
	if derr == nil {
		_ = c.Close() // somebody does listen
	}
	if !errors.Is(derr, syscall.ECONNREFUSED) {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return usock.Listen(path)
}

func (d *apiDoor) serve(ctx context.Context, p *parent.Parent, log *slog.Logger) error {
	err := apid.Serve(ctx, d.l, apid.Live{Parent: p}, log.With("door", "api"))
	if err != nil {
		err = fmt.Errorf("api: %w", err)
	}
	return errors.Join(err, os.Remove(d.path))
}

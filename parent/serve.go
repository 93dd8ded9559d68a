//go:build linux

package parent

import (
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
	"golang.org/x/sys/unix"
)

// ErrNoServer is Serve's error in a process that Create did not start.
var ErrNoServer = errors.New("servers are started by ptsns run")

// Serve is the life of the server of the namespace called name, from what the process
// inherited to the removal of the namespace's entry. It is for main of the program that
// Create starts, with "serve-namespace NAME" as its arguments; nsexec.Main must have been
// called. What goes wrong before the namespace is there goes to whoever creates it, too.
// SIGTERM ends the namespace.
//
// Standard error is the namespace's log (rundir.Entry's Log). From the moment that it is
// certain that this process is a server, package slog's default logger writes there, a
// line of JSON for each record, and so does package log, as warnings. What Serve returns
// is the caller's to log there. Lines below errors are about an ordinary life: clean-up
// does not show them as a server's last words. Of the terminals' events the log tells who
// joined and left, and opens that were refused. It keeps its last mebibyte at most.
func Serve(name string) error {
	in, err := takeInherited()
	if err != nil {
		return err
	}
	defer in.status.Close()
	SetLog(os.Stderr, "namespace", name)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ns, entry, l, err := in.open(name)
	if err != nil {
		return errors.Join(err, in.say(serverStatus{Error: err.Error()}))
	}
	if err := in.say(serverStatus{Ready: true, Note: ns.Note()}); err != nil {
		ns.End() // the client has gone, and its connection with it
	}
	slog.Info("serving", "pid", os.Getpid(), "note", ns.Note())
	stopLogging := startEventLog(ns.Events(), slog.Default())
	err = control.Serve(ctx, ns, in.conn, l)
	stopLogging()
	if left := ns.Err(); left != nil {
		return errors.Join(err, left) // the next command tries again
	}
	return errors.Join(err, entry.Remove())
}

// inherited is what the client left for its server.
type inherited struct {
	conn   net.Conn
	config *os.File
	status *os.File
	lock   *os.File
}

// takeInherited takes the fds of the list at fdControl. No program of ours
// inherits them in turn.
func takeInherited() (in inherited, err error) {
	for fd := fdControl; fd <= fdLock; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			return in, fmt.Errorf("fd %d was not inherited: %w: %w", fd, err, ErrNoServer)
		}
	}
	f := os.NewFile(fdControl, "control")
	defer f.Close() // FileConn has its own
	if in.conn, err = net.FileConn(f); err != nil {
		return in, fmt.Errorf("fd %d: %w", fdControl, err)
	}
	in.config = os.NewFile(fdConfig, "config")
	in.status = os.NewFile(fdStatus, "status")
	in.lock = os.NewFile(fdLock, "lock")
	return in, nil
}

// open makes the namespace and its socket. On error nothing of it is left, the
// entry included.
func (in *inherited) open(name string) (_ *server.Namespace, _ *rundir.Entry, _ net.Listener, err error) {
	var cfg server.Config
	err = gob.NewDecoder(in.config).Decode(&cfg)
	_ = in.config.Close() // it was only read
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	if cfg.Name != name {
		return nil, nil, nil, fmt.Errorf("the configuration is for %q, not %q", cfg.Name, name)
	}
	dir, err := rundir.Open()
	if err != nil {
		return nil, nil, nil, err
	}
	entry, err := rundir.Adopt(dir, name, in.lock)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, entry.Remove())
		}
	}()
	if err := entry.SetServer(os.Getpid()); err != nil {
		return nil, nil, nil, err
	}
	l, err := usock.Listen(entry.Socket())
	if err != nil {
		return nil, nil, nil, err
	}
	ns, err := server.New(cfg, entry)
	if err != nil {
		_ = l.Close() // nobody knows of it yet
		return nil, nil, nil, err
	}
	return ns, entry, l, nil
}

// say tells the client how the start went.
func (in *inherited) say(s serverStatus) error {
	return errors.Join(json.NewEncoder(in.status).Encode(s), in.status.Close())
}

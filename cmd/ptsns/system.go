package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/devptsd"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// What the server of a system inherits from the client that starts it.
const (
	fdSystemClient = 3 + iota // the first connection
	fdSystemSocket            // the listening socket
	fdSystemLock              // the entry's lock
)

// endingTime is how long a server may take from its last mount to its end.
const endingTime = 5 * time.Second

// findSystem connects to the server of the system, which it starts where there is none.
func findSystem(ctx context.Context, dir, systems *rundir.Dir, name string, g devpts.Generation) (*devptsd.Client, error) {
	deadline := time.Now().Add(endingTime)
	for {
		client, err := dialSystem(ctx, systems, name)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, devptsd.ErrGone) {
			return client, err
		}
		entry, err := systems.Reserve(name)
		if err == nil {
			return startSystem(dir, entry, g)
		}
		if !errors.Is(err, rundir.ErrTaken) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("system %q does not come to its end", name)
		}
		select { // it is ending: a moment, and there is room for another
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// dialSystem connects to the server of a system that has one.
func dialSystem(ctx context.Context, systems *rundir.Dir, name string) (*devptsd.Client, error) {
	entry, err := systems.Entry(name)
	if err != nil {
		return nil, err
	}
	return devptsd.Dial(ctx, entry.Socket())
}

// startSystem starts the server of entry, which becomes the server's. On error it is
// gone.
func startSystem(dir *rundir.Dir, entry *rundir.Entry, g devpts.Generation) (*devptsd.Client, error) {
	client, err := spawnSystem(dir, entry, g)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the server: %w", err), entry.Remove())
	}
	entry.Release()
	return client, nil
}

func spawnSystem(dir *rundir.Dir, entry *rundir.Entry, g devpts.Generation) (*devptsd.Client, error) {
	// Nothing that our own parent left open may live on in the server.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return nil, os.NewSyscallError("close_range", err)
	}
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return nil, errors.Join(err, errors.New("/proc is not that of this pid namespace; mount it first"))
	}
	home, err := devptsd.MountNamespace(os.Getpid())
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(entry.Log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	l, err := usock.Listen(entry.Socket())
	if err != nil {
		return nil, err
	}
	defer l.Close()
	socket, err := l.File()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	conn, theirs, err := usock.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(self(), "serve-system", entry.Name(), g.String(), home)
	cmd.Args[0] = "ptsns"
	cmd.Dir = "/"
	cmd.Env = mergeEnv(os.Environ(), []string{"PTSNS_RUNTIME_DIR=" + dir.Path()}) // ours may be relative
	cmd.Stderr = log
	cmd.ExtraFiles = []*os.File{theirs, socket, entry.Lock()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: unix.CLONE_NEWNS} // whose mounts are private then
	if err := cmd.Start(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	go func() { _ = cmd.Wait() }() // how it ends, its answers and its log tell
	return devptsd.NewClient(conn), nil
}

// self is a path of this executable, one that works when its file was removed too.
func self() string {
	path, err := os.Executable()
	if err != nil || strings.HasSuffix(path, " (deleted)") {
		return "/proc/self/exe"
	}
	return path
}

// serverDied tells why a server that is gone did not just end, if so: what it left is
// cleaned.
func serverDied(systems *rundir.Dir, name string, stderr io.Writer) error {
	for _, c := range cleanDir(systems, "system", stderr) {
		if c.Name == name {
			return fmt.Errorf("the server of system %q died", name)
		}
	}
	return nil
}

func newServeSystemCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "serve-system NAME GENERATION MOUNTNS",
		Short:  "Serve a system of virtual instances (started by ptsns mount)",
		Hidden: true,
		Args:   usage(cobra.ExactArgs(3)),
		RunE:   func(_ *cobra.Command, args []string) error { return serveSystem(args[0], args[1], args[2]) },
	}
}

// serveSystem is the life of a system's server, from what it inherited to the removal
// of its entry.
func serveSystem(name, generation, home string) error {
	g, err := devpts.ParseGeneration(generation)
	if err != nil {
		return usageError{err}
	}
	for fd := fdSystemClient; fd <= fdSystemLock; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			return fmt.Errorf("fd %d was not inherited: %w: servers are started by ptsns mount", fd, err)
		}
	}
	dir, err := rundir.Open()
	if err != nil {
		return err
	}
	parent.SetLog(os.Stderr, "system", name)
	systems, err := dir.Systems()
	if err != nil {
		return err
	}
	entry, err := rundir.Adopt(systems, name, os.NewFile(fdSystemLock, "lock"))
	if err != nil {
		return err
	}
	if err := entry.SetServer(os.Getpid()); err != nil {
		return errors.Join(err, entry.Remove())
	}
	first, l, err := inheritedSockets()
	if err != nil {
		return errors.Join(err, entry.Remove())
	}
	if err := devptsd.Seclude(dir.Path(), entry.Path()); err != nil {
		// Where the root is an initramfs it cannot be done. The price is what Seclude says.
		slog.Warn("the server does not keep away from other mounts", "error", err)
	}
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT) // meant for others; SIGTERM is for us
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	publish := func(cfg server.VirtualConfig) (devptsd.Hands, error) {
		cfg.Log = slog.Default()
		return parent.In(dir).Publish(cfg)
	}
	err = devptsd.Serve(ctx, entry, devptsd.Config{Generation: g, Home: home, Publish: publish}, first, l)
	if errors.Is(err, devptsd.ErrMountsLeft) {
		return err // the next command finds the entry, as if we had died
	}
	return errors.Join(err, entry.Remove())
}

func inheritedSockets() (*net.UnixConn, *net.UnixListener, error) {
	f := os.NewFile(fdSystemClient, "client")
	defer f.Close() // FileConn has its own
	first, err := net.FileConn(f)
	if err != nil {
		return nil, nil, fmt.Errorf("fd %d: %w", fdSystemClient, err)
	}
	s := os.NewFile(fdSystemSocket, "socket")
	defer s.Close() // FileListener has its own
	l, err := net.FileListener(s)
	if err != nil {
		return nil, nil, fmt.Errorf("fd %d: %w", fdSystemSocket, err)
	}
	c, ok := first.(*net.UnixConn)
	u, okL := l.(*net.UnixListener)
	if !ok || !okL {
		return nil, nil, errors.New("what was inherited is no unix socket")
	}
	u.SetUnlinkOnClose(false) // Remove does
	return c, u, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/bench"
	"github.com/ptsns/ptsns/devptsd"
	"github.com/ptsns/ptsns/rundir"
)

// benchMount is a virtual instance to measure, mounted for this process alone and served
// by a process of its own. The runtime directory of that server is on a tmpfs in the mount
// namespace we are in, which goes with us: however we end, nothing of it is left.
type benchMount struct {
	*bench.Instance
	client *devptsd.Client
	dir    string
}

// mountForBench mounts over the directory runtime, and there. We must be in a mount namespace of
// our own.
func mountForBench(runtime string) (_ *benchMount, err error) {
	if err := unix.Mount("ptsns-bench", runtime, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=700"); err != nil {
		return nil, fmt.Errorf("a runtime directory of its own: %w", os.NewSyscallError("mount", err))
	}
	m := &benchMount{dir: filepath.Join(runtime, "pts")}
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Setenv("PTSNS_RUNTIME_DIR", filepath.Join(runtime, "r")); err != nil { // short, as it is part of a socket's path
		return nil, err
	}
	dir, err := rundir.Open()
	if err != nil {
		return nil, err
	}
	systems, err := dir.Systems()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	j := mountJob{source: "bench", dir: m.dir, system: "bench"}
	j.request.Source = j.source
	if m.client, err = j.mount(ctx, dir, systems, io.Discard); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	system, err := m.client.List(ctx)
	if err != nil {
		return nil, err
	}
	m.Instance, err = bench.Mount(m.dir, system.ServerPID)
	return m, err
}

// Close unmounts. The server ends by itself.
func (m *benchMount) Close() error {
	var err error
	if m.Instance != nil {
		err = m.Instance.Close()
	}
	return errors.Join(err, os.NewSyscallError("umount", unix.Unmount(m.dir, unix.MNT_DETACH)), m.client.Close())
}

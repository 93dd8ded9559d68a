//go:build linux

package parent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/usock"
)

// Published is a namespace of virtual terminals of this process that others find.
type Published struct {
	*server.Virtual
	entry *rundir.Entry
	ended chan struct{} // closed when nothing is left of it
	err   error         // immutable once ended is closed
}

// Publish makes a namespace of virtual terminals, those of this process that are given to
// its Hub, and shows it to the parent: `ptsns ls`, `attach`, `record` and the like, the
// doors of `ptsns serve`, and every other user of this package find it beside those that
// Create makes. cfg.Name is taken as Create takes it.
//
// Whoever may use the namespace's socket, which is this user and root, sees what is on the
// terminals and types at them. The namespace lives until Close, until somebody ends it
// (cfg.End), or with this process; a name that a killed process leaves is free for the next.
func (p *Parent) Publish(cfg server.VirtualConfig) (_ *Published, err error) {
	entry, err := p.dir.Reserve(cfg.Name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("publish %q: %w", entry.Name(), err), entry.Remove())
		}
	}()
	if err := entry.SetShared(os.Getpid()); err != nil {
		return nil, err
	}
	cfg.Name = entry.Name()
	v, err := server.NewVirtual(cfg)
	if err != nil {
		return nil, err
	}
	l, err := usock.Listen(entry.Socket())
	if err != nil {
		v.Close()
		return nil, err
	}
	pub := &Published{Virtual: v, entry: entry, ended: make(chan struct{})}
	stopLogging := func() {}
	if cfg.Log != nil {
		stopLogging = startEventLog(v.Events(), cfg.Log.With("namespace", cfg.Name))
	}
	go func() { // ends with the namespace
		defer close(pub.ended)
		err := control.Serve(context.Background(), pub.Virtual, nil, l)
		stopLogging()
		pub.Virtual.Close() // when nobody can come any more
		pub.err = errors.Join(err, entry.Remove())
		if pub.err != nil {
			slog.Error("a published namespace", "namespace", cfg.Name, "error", pub.err)
		}
	}()
	return pub, nil
}

// Name is the namespace's name.
func (p *Published) Name() string { return p.entry.Name() }

// SetMounts notes the device numbers ("MAJOR:MINOR" as in mountinfo) of FUSE mounts that
// show the namespace, for those who end it.
func (p *Published) SetMounts(devices []string) error { return p.entry.SetMounts(devices) }

// Close ends the namespace: its terminals are hung up, and whoever joined them gets what
// was left for them. It returns when nothing of it is left, within some seconds.
func (p *Published) Close() error {
	p.Virtual.Close()
	<-p.ended
	return p.err
}

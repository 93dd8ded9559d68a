package control

import (
	"context"
	"syscall"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// namespace is what this door needs of a PTS namespace. In life it is a
// *server.Namespace.
type namespace interface {
	State() server.State
	End()
	Done() <-chan struct{}
	Start(spec server.Spec) (joined, error)
	Join(index int, o hub.ViewerOptions) (joined, error)
}

// joined is a terminal as a client of ours has it.
type joined struct {
	index   int
	pid     int     // of the program just started; 0 after Join
	viewer  viewer  // nil when the program was started without a viewer
	process process // nil when the terminal was opened inside
}

type viewer interface {
	Next(ctx context.Context, p []byte) (n int, lost uint64, err error)
	Write(ctx context.Context, p []byte) error
	EndInput()
	Resize(rows, cols uint16)
	Close()
}

type process interface {
	Wait(ctx context.Context) (code int, err error)
	Signal(sig syscall.Signal) error
}

// live is a real namespace.
type live struct{ *server.Namespace }

func (l live) Start(spec server.Spec) (joined, error) {
	p, err := l.Namespace.Start(spec)
	if err != nil {
		return joined{}, err
	}
	j := joined{index: p.Terminal.Index(), pid: p.PID, process: p}
	if p.Owner != nil {
		j.viewer = p.Owner
	}
	return j, nil
}

func (l live) Join(index int, o hub.ViewerOptions) (joined, error) {
	t, err := l.Terminal(index)
	if err != nil {
		return joined{}, err
	}
	v, err := t.Join(o)
	if err != nil {
		return joined{}, err
	}
	j := joined{index: t.Index(), viewer: v}
	if p := l.Process(t); p != nil {
		j.process = p
	}
	return j, nil
}

//go:build linux

package parent

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"syscall"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/server"
)

// Listed is one namespace as List tells of it, and `ptsns ls --json` prints it.
type Listed struct {
	server.State
	Error string `json:"error,omitempty"` // why all but the name is missing
}

// List tells what every living namespace is now, vs2 before vs10. It asks all servers at
// once, each on a connection of its own, and returns within AnswerTime, or sooner when
// ctx is done: a server that has not answered by then is listed with an Error. One that
// has ended, or is not made yet, is left out.
func (p *Parent) List(ctx context.Context) ([]Listed, error) {
	names, err := p.dir.Names()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, AnswerTime)
	defer cancel()
	all := make([]*Listed, len(names))
	var asking sync.WaitGroup
	for i, name := range names {
		asking.Go(func() { all[i] = p.ask(ctx, name) })
	}
	asking.Wait()
	list := []Listed{} // JSON's empty array
	for _, l := range all {
		if l != nil {
			list = append(list, *l)
		}
	}
	return list, nil
}

// ask asks one server for its state; nil when there is no namespace yet, or no more.
func (p *Parent) ask(ctx context.Context, name string) *Listed {
	state, err := p.stateOf(ctx, name)
	switch {
	case err == nil:
		return &Listed{State: state}
	case errors.Is(err, fs.ErrNotExist):
		return nil // a server makes its socket first, and takes it away last
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, control.ErrServerGone):
		if p.ended(ctx, name) {
			return nil
		}
		err = errors.New("it does not come to its end")
	case ctx.Err() != nil:
		err = errors.New("its server does not answer")
	}
	return &Listed{State: server.State{Name: name, Terminals: []server.Terminal{}}, Error: err.Error()}
}

// ended waits until a namespace that was ending has ended.
func (p *Parent) ended(ctx context.Context, name string) bool {
	server, entry, err := p.findServer(name)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer server.Close()
	over, _ := server.awaitEnd(ctx, entry) // what it cannot tell it has not seen
	return over
}

func (p *Parent) stateOf(ctx context.Context, name string) (server.State, error) {
	client, err := p.Dial(ctx, name)
	if err != nil {
		return server.State{}, err
	}
	defer client.Close()
	state, err := client.State(ctx)
	if state.Terminals == nil {
		state.Terminals = []server.Terminal{}
	}
	return state, err
}

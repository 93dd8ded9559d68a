package sshd

import (
	"context"
	"syscall"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/server"
)

// Namespaces is what the door leads to: the namespaces of this user.
type Namespaces interface {
	// List tells what there is now, in the order in which it is to be shown.
	List(ctx context.Context) ([]Namespace, error)
	// Attach joins a terminal; see control.Client.
	Attach(ctx context.Context, name string, index int, o control.AttachOptions) (Stream, error)
	// Start starts a program on a new terminal and joins that, as its owner; see
	// control.Client.StartAttached.
	Start(ctx context.Context, name string, spec server.Spec) (Stream, error)
}

// Namespace is one that List found.
type Namespace struct {
	server.State
	Error string // why its server does not tell; "" when it does
}

// Stream is a terminal joined; control.Stream is one.
type Stream interface {
	Index() int
	Next() (control.Event, error)
	Write(p []byte) (int, error)
	EndInput() error
	Resize(rows, cols uint16) error
	Signal(sig syscall.Signal) error
	Close() error
}

package hub

// This file is temporary: it stands in for methods that are being written elsewhere, so
// that what calls them compiles. Nothing runs it. Delete it once they are there.

import (
	"context"
	"errors"
	"time"

	"github.com/ptsns/ptsns/screen"
)

const stub = "hub: this is a stub for the compiler"

var (
	ErrKicked    = errors.New("kicked")
	ErrTaken     = errors.New("another viewer has the input for itself")
	ErrBadCursor = errors.New("no such cursor: it is past the end of the output")
)

type Output struct {
	From, Next uint64
	Data       []byte
	Ended      bool
}

func (t *Terminal) Output(ctx context.Context, since uint64, max int) (Output, error) { panic(stub) }
func (t *Terminal) Cursor() uint64                                                    { panic(stub) }
func (t *Terminal) Snapshot() screen.Snapshot                                         { panic(stub) }
func (t *Terminal) History() []string                                                 { panic(stub) }
func (t *Terminal) Text() string                                                      { panic(stub) }
func (t *Terminal) Echo() (on bool, err error)                                        { panic(stub) }
func (t *Terminal) Type(ctx context.Context, who Who, p []byte) error                 { panic(stub) }
func (t *Terminal) SetSize(rows, cols uint16)                                         { panic(stub) }

func (h *Hub) Kick(id uint64) bool { panic(stub) }
func (h *Hub) Events() *Events     { panic(stub) }

type Event struct {
	Seq                  uint64
	Time                 time.Time
	Kind, Terminal, Text string
}

type Events struct{}

func (e *Events) Since(ctx context.Context, seq uint64) ([]Event, error) { panic(stub) }

func (v *Viewer) ID() uint64 { return v.id }

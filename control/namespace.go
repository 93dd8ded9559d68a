package control

import (
	"context"
	"syscall"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/screen"
	"github.com/ptsns/ptsns/server"
)

// namespace is what this door needs of a PTS namespace. In life it is what live.go makes
// of a Namespace. An index of -1 is the lowest that is open.
type namespace interface {
	State() server.State
	End()
	Done() <-chan struct{}
	Start(spec server.Spec) (joined, error)
	// Join joins an open terminal.
	Join(r ref, o hub.ViewerOptions) (joined, error)
	// Terminal finds an open terminal, or one of those that ended last. ref.pid is the
	// program that must have been started on it.
	Terminal(r ref) (terminal, error)
	// Program finds a program that was started, likewise.
	Program(r ref) (program, error)
	// Signal signals the foreground of a terminal, and the program that was started there;
	// ErrNoProgram when there is neither.
	Signal(r ref, sig syscall.Signal) error
	Kick(id uint64) bool
	Events(ctx context.Context, since uint64) ([]hub.Event, error)
	// Record and StopRecord are about an open terminal. The file "" is all of its recordings.
	Record(r ref, spec server.RecordSpec) error
	StopRecord(r ref, file string) error
}

// joined is a terminal as a client of ours has it.
type joined struct {
	index   int
	serial  string
	pid     int     // of the program just started; 0 after Join
	id      uint64  // the viewer's
	viewer  viewer  // nil when the program was started without a viewer
	process process // nil when the terminal was opened inside

	signal   func(syscall.Signal) error // signals what is in the foreground
	readOnly bool                       // it sends no signals
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

// terminal is one that is used without being joined. The methods are those of
// hub.Terminal, but for what they say here.
type terminal interface {
	Index() int
	Serial() string
	Output(ctx context.Context, since uint64, max int) (hub.Output, error)
	Cursor() uint64
	Snapshot() screen.Snapshot
	History() []string
	// Type tells how many bytes were typed at least.
	Type(ctx context.Context, who hub.Who, p []byte) (n int, err error)
	SetSize(rows, cols uint16)
	Await(ctx context.Context, c hub.Condition) (hub.Seen, error)
	Done() <-chan struct{}
}

// program is one that ptsns started.
type program struct {
	index, pid int
	process
}

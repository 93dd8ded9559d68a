//go:build linux

// Package nsexec starts programs in a PTS namespace: in a mount namespace of their
// own whose /dev/pts is a devpts instance of their own. It is what the kernel's
// devpts document calls ns_exec, with the redirection of /dev/ptmx and the end of it
// all included. It does not relay terminals (fusefs and hub do) and it does not
// decide when a namespace ends (server does).
//
// Start runs this executable again as the supervisor, which lives in the new
// namespaces. It makes the mounts, hands the instance and the /dev/fuse descriptor
// back, and then starts, reaps and kills programs on order. When the process that
// called Start dies, the supervisor hangs everything up, kills what is left after
// a second, and exits.
//
// # Inside
//
// /dev/pts is the instance, on top of an empty read-only tmpfs whose source is
// Config.Marker: unmounting the instance does not show the parent's terminals, and
// every process that lives in the namespace has the marker in its
// /proc/PID/mountinfo. Inherited devpts mounts are detached; in a user namespace,
// where the kernel has locked them, they are covered. The directories of
// Config.Hide are covered wherever their file system is mounted.
//
// A root inside the parent's user namespace is root: it can unmount the covers of
// Config.Hide, make device nodes, and reach everything through /proc unless there
// is a pid namespace. In a user namespace of its own it cannot: the mounts are made
// in one user namespace and the programs run in a second one below it, for which
// the kernel has locked every mount. The exception is /proc of a pid namespace,
// which has to be mounted in the second: unmounted, it uncovers the parent's.
//
// # Deadlocks
//
// The process that serves the /dev/fuse descriptor must never open or stat the tap
// itself. Supervisor.Activate stats it and waits for the answer, so it must be
// called while somebody serves. Callbacks run on the goroutine that reads the
// supervisor's messages and must not call back into the Supervisor.
package nsexec

import "fmt"

// Ptmx is a way to redirect /dev/ptmx to the instance.
type Ptmx string

const (
	// Tap is a FUSE file over /dev/ptmx and /dev/pts/ptmx.
	Tap Ptmx = "tap"
	// Symlink is /dev/ptmx -> pts/ptmx.
	Symlink Ptmx = "symlink"
	// Bind is a bind mount of /dev/pts/ptmx over /dev/ptmx.
	Bind Ptmx = "bind"
)

// Config says what namespace to make.
type Config struct {
	// Name appears in the supervisor's command line.
	Name string
	// Marker is the source of a mount that exists in this namespace only, so it
	// must be a string that nobody else uses.
	Marker string
	// Options is the option string of the devpts instance, as kpts.Mount takes it.
	Options string
	// SharePts makes no instance: the parent's own /dev/pts is used.
	SharePts bool
	// Ptmx is the redirection; "" is Tap, or Bind where /dev/fuse cannot be used.
	Ptmx Ptmx
	// Root is the directory that becomes /; "" is the parent's root. Where proc, dev
	// or dev/pts are missing in it, they are made. A root without devices gets a
	// small /dev of its own.
	Root string
	// PIDNS gives the programs a pid namespace and a /proc of it.
	PIDNS bool
	// UserNS makes a user namespace in which the caller's uid and gid are 0 and no
	// other exists, as somebody without privileges needs it.
	UserNS bool
	// Hide lists directories that must not be visible inside.
	Hide []string
}

// Program is a program to start on a terminal of the instance. It becomes the
// leader of a session whose controlling terminal that is, with its standard files
// on it, every signal at its default and none blocked.
type Program struct {
	// Argv is the command; Argv[0] without a slash is looked up in the PATH of Env,
	// in the namespace's root.
	Argv, Env []string
	// Dir is the working directory and must exist. Where Dir is empty it is
	// DirDefault, or / when that is not a directory inside.
	Dir, DirDefault string
	// Index is the terminal.
	Index int
}

// What a StartError is about.
const (
	OnDir      = "working directory"
	OnTerminal = "terminal"
	OnProgram  = "program"
)

// StartError is why a program could not be started. It unwraps to the errno: on
// OnProgram, ENOENT means that there is no such program, EACCES and ENOEXEC that it
// cannot be executed.
type StartError struct {
	On   string // OnDir, OnTerminal or OnProgram
	Name string // which, as the caller named it
	Err  error
}

func (e *StartError) Error() string { return fmt.Sprintf("%s %q: %v", e.On, e.Name, e.Err) }

func (e *StartError) Unwrap() error { return e.Err }

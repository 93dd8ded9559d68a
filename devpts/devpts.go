// Package devpts is Linux's file system of terminals in this process: instances with
// their options, nodes, limits and lifetimes, and mounts of them. The terminals are
// those of package pty. It works on any OS, needs no privilege, and is visible to this
// program alone until somebody serves it (package fusefs).
//
// It is not a tree of paths: which instance a ptmx that lies somewhere else means is a
// question of places (package paths). Nor has it inotify.
//
// # Systems and generations
//
// A System is what all instances under one kernel share: the limits of
// kernel.pty, the count, and the way mounts work, which has changed over the years and
// is chosen with a Generation. Mount does what `mount -t devpts` did then.
//
// # Errors
//
// Errors are a pts.Errno, the number that the system call would have given, or wrap
// one: a refused mount option is a *pts.OptionError.
//
// # Callers
//
// Operations are for a pts.Caller. nil is this program and may do everything. For others the
// permission bits count: FSUID and FSGID own, and a caller that has them is asked for
// Groups() []int, its other groups, for Capable(capability int) bool, the capabilities over
// files by Linux's numbers, or else for Privileged() bool, without which uid 0 has them all. The ids of this package are those of the initial user namespace.
//
// # Concurrency and locks
//
// Everything may be used by any number of goroutines at once. There is no goroutine.
// Instance.mu guards an instance with its mounts, nodes and namespace; System.mu comes
// after it and is a leaf. Neither is held over a call of package pty, of a caller or of
// Config.Now.
package devpts

import (
	"fmt"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// Generation is which Linux a system behaves like.
type Generation uint8

const (
	// Always is Linux since 4.7: each mount is an instance of its own.
	Always Generation = iota
	// Multiple is 2.6.29 to 4.6 with CONFIG_DEVPTS_MULTIPLE_INSTANCES: a mount with
	// newinstance is an instance of its own, others are the initial one.
	Multiple
	// Legacy is the same without that: one instance, without a ptmx in it.
	Legacy
	// Cloned is 2.6.25 with the patches of 2008 that clone PTS namespaces: one instance a
	// namespace, in which root makes ptmx and tty with mknod.
	Cloned
)

var generationNames = [...]string{Always: "always", Multiple: "multiple", Legacy: "legacy", Cloned: "cloned"}

func (g Generation) String() string {
	if int(g) < len(generationNames) {
		return generationNames[g]
	}
	return fmt.Sprintf("generation %d", uint8(g))
}

// ParseGeneration reads what String prints.
func ParseGeneration(s string) (Generation, error) {
	for g, name := range generationNames {
		if s == name {
			return Generation(g), nil
		}
	}
	return 0, fmt.Errorf("generation %q: want always, multiple, legacy or cloned", s)
}

// Config is what the maker of a system decides.
type Config struct {
	Generation Generation
	Now        func() time.Time // the clock of the nodes' times; nil is time.Now
	// Tap, unless it is nil, is called for each new terminal of instance i, before anybody
	// else can have it, with its ptm, which c opens and which is of index. What it returns,
	// ptm itself or what stands before it (see package hub), is read, written, asked and closed
	// in the ptm's place by whoever opened it. It is called with no lock held and must not block.
	Tap func(i *Instance, c pts.Caller, index int, ptm pts.Starter) pts.Starter
}

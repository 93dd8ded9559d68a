// Package conform says what every pts.Instance has to do, and asks it of each kind there
// is: the kernel's, which is right, the virtual ones, and virtual ones that are mounted and
// used with ordinary system calls.
//
// A case is a file in testdata in the language of internal/oracle, with verbs of its own for
// what an instance does (see Runner); its results are what the kernel answered. The
// conversations of internal/oracle in which nobody else takes part are held over each
// kind too: see Fits. The others are held with real processes on a mounted instance. What a kind does otherwise for a reason is listed in Differences, and
// in DIFFERENCES.md; a test fails when it does otherwise for none, and when what is listed differs no longer.
//
// It is a tool for tests and ships in no program. A Runner belongs to one goroutine and has
// no lock. It waits for nothing but what a case waits for, for a bounded time.
package conform

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ptsns/ptsns/internal/oracle"
	"github.com/ptsns/ptsns/pts"
)

// Kind is one kind of instance.
type Kind struct {
	Name string
	// Mount makes an instance. Its Close unmounts it.
	Mount func(options string) (Mounted, error)
	// As runs f as a process that is entirely that user. nil: the Caller says all there is to know.
	As func(c Caller, f func())
	// Worker tells that what is written crosses a worker, as in the kernel.
	Worker bool
}

// Mounted is a mount of an instance.
type Mounted interface {
	pts.Instance
	// Remount gives it other options.
	Remount(options string) error
}

// Caller is who opens. The zero value is nobody else than root.
type Caller struct {
	UID, GID int
	// FSOnly: the ids are those of its files alone. It is root otherwise, without root's
	// capabilities over files.
	FSOnly bool
}

// PID is this process.
func (c Caller) PID() int { return os.Getpid() }

// FSUID owns what c makes.
func (c Caller) FSUID() int { return c.UID }

// FSGID owns what c makes.
func (c Caller) FSGID() int { return c.GID }

// Privileged tells whether c has CAP_SYS_ADMIN.
func (c Caller) Privileged() bool { return c.FSOnly || c.UID == 0 }

// Capable tells whether c has one of the capabilities over files.
func (c Caller) Capable(int) bool { return c.UID == 0 }

// Load reads the cases, or the conversations, of a directory.
func Load(dir string) ([]*oracle.Conversation, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []*oracle.Conversation
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		c, err := oracle.Parse(strings.TrimSuffix(filepath.Base(name), ".txt"), f)
		_ = f.Close() // it was read
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Fits tells whether a conversation can be held over the ends of an instance alone:
// other processes, whose calls wait and whose signals count, are not for it.
func Fits(c *oracle.Conversation) bool {
	for _, l := range c.Lines {
		if l.Verb == "fork" || l.Verb == "sleep" {
			return false
		}
	}
	return true
}

//go:build linux

// Package parent is the parent's view of all PTS namespaces of a user: it lists them,
// reaches the server of each, starts new ones and ends them. It is what cmd/ptsns and
// its doors stand on, and where a Go program begins that wants programs of its own in
// namespaces: Open, then Create, and a control.Client from there on; or Publish, for
// virtual terminals of its own.
//
// It holds nothing while it is not asked, and there is no central daemon: what it knows
// it reads from the runtime directory (package rundir) and asks the servers, each of
// which is a process of its own. That process is the program ptsns, in whose main
// package Serve is called; this package only starts it.
//
// Its one lock is a leaf, in the log of a server. The one goroutine that outlives a call
// waits for a server that Create started, and ends with that; a server has another one, for
// its log, and so has what is published, for its clients. What blocks says for how long; a server that is stopped
// or stuck never blocks more than that.
package parent

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/rundir"
)

// AnswerTime is how long a server may take to answer a question.
const AnswerTime = 5 * time.Second

// Parent reaches the namespaces of one runtime directory. It holds no resource, and its
// methods may be called from any number of goroutines and processes at once.
type Parent struct {
	dir *rundir.Dir // immutable
}

// Open finds the runtime directory of this user, and makes it when it is missing: see
// rundir.Open. It does not clean up after servers that died; Create does so for the name
// that it takes, and Dir().Clean for all.
func Open() (*Parent, error) {
	dir, err := rundir.Open()
	if err != nil {
		return nil, err
	}
	return In(dir), nil
}

// In is the parent's view of what is in a runtime directory.
func In(dir *rundir.Dir) *Parent { return &Parent{dir: dir} }

// Dir is the runtime directory.
func (p *Parent) Dir() *rundir.Dir { return p.dir }

// Dial connects to the server of the living namespace called name. Without one the
// error wraps fs.ErrNotExist. The client is the caller's to close. ctx ends the
// connecting, not the connection.
func (p *Parent) Dial(ctx context.Context, name string) (*control.Client, error) {
	entry, err := p.dir.Entry(name)
	if err != nil {
		return nil, err
	}
	return control.Dial(ctx, entry.Socket())
}

// mainPackage is whose executables can serve namespaces.
const mainPackage = "github.com/ptsns/ptsns/cmd/ptsns"

// program is the path of the ptsns program: this executable, where it is that under
// whatever name, else the one in PATH.
func program() (string, error) {
	path, err := os.Executable()
	gone := err != nil || strings.HasSuffix(path, " (deleted)")
	info, ok := debug.ReadBuildInfo()
	if ok && info.Path == mainPackage || filepath.Base(path) == "ptsns" {
		if gone {
			return "/proc/self/exe", nil // which works when its file was removed, too
		}
		return path, nil
	}
	path, err = exec.LookPath("ptsns")
	if err != nil {
		return "", fmt.Errorf("find the program that serves namespaces: %w", err)
	}
	return filepath.Abs(path) // the server is started in another directory
}

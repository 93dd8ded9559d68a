//go:build linux

package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/screen"
)

// eye is a console together with what a person there sees.
type eye struct {
	*console
	readOnly bool // its terminal is not made to send anything
	screen   *screen.Screen
	fed      int // how much of the console's text is on the screen
}

// eye runs ptsns with these arguments on a console of that size.
func (r *runtimeDir) eye(rows, cols int, args ...string) *eye {
	r.t.Helper()
	return openEye(r.t, r.command(args...), rows, cols)
}

func openEye(t testing.TB, cmd *exec.Cmd, rows, cols int) *eye {
	t.Helper()
	return &eye{console: startConsole(t, cmd, rows, cols), screen: screen.New(rows, cols, screen.Options{})}
}

// look is what is seen now.
func (e *eye) look() screen.Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.screen.Write(e.text[e.fed:]) // never fails
	e.fed = len(e.text)
	return e.screen.Snapshot()
}

// resize changes the window, and what is seen with it.
func (e *eye) resize(rows, cols int) {
	e.t.Helper()
	e.look()
	e.screen.Resize(rows, cols)
	e.console.resize(rows, cols)
}

// awaitSight waits until differs finds nothing wrong with what is seen, looking again
// whenever there is more.
func (e *eye) awaitSight(differs func(screen.Snapshot) string) {
	e.t.Helper()
	hang := time.NewTimer(deadline)
	defer hang.Stop()
	for {
		diff := differs(e.look())
		if diff == "" {
			return
		}
		select {
		case <-e.grew:
		case <-hang.C:
			e.t.Fatalf("%q shows%s\n%s\n%s", e.cmd.Args, e.ending(), e.screen.Text(), diff)
		}
	}
}

// awaitText waits until s is seen.
func (e *eye) awaitText(s string) {
	e.t.Helper()
	e.awaitSight(func(screen.Snapshot) string {
		if strings.Contains(e.screen.Text(), s) {
			return ""
		}
		return "without " + s
	})
}

// awaitInStep waits until all that is seen is what the terminal has.
func (e *eye) awaitInStep(client *control.Client, index int) {
	e.t.Helper()
	e.awaitSight(func(seen screen.Snapshot) string { return inStep(e.t, client, index, seen, e.readOnly) })
}

// inStep tells how what a viewer sees differs from what the terminal has.
func inStep(t testing.TB, client *control.Client, index int, seen screen.Snapshot, readOnly bool) string {
	t.Helper()
	truth, err := client.Screen(context.Background(), index, false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(seen.Kitty, func(flags int) bool { return flags != 0 }) {
		seen.Kitty = nil // a frame pushes none, which says as much
	}
	ignored := []string{"History", "Icon", "Titles"}
	if readOnly {
		ignored = append(ignored, "Modes", "OtherKeys")
	}
	return cmp.Diff(truth.Screen, seen, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(screen.Snapshot{}, ignored...))
}

// dial makes a client of the namespace's server.
func (r *runtimeDir) dial(name string) *control.Client {
	r.t.Helper()
	client, err := control.Dial(context.Background(), filepath.Join(r.path, name, "socket"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = client.Close() }) // nothing is asked any more
	return client
}

// awaitScreen waits until the terminal's screen has this text.
func awaitScreen(t testing.TB, client *control.Client, index int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if _, err := client.Await(ctx, index, control.Text(text)); err != nil {
		t.Fatal(err)
	}
}

// typeOn types on the terminal.
func typeOn(t testing.TB, client *control.Client, index int, keys string) {
	t.Helper()
	if err := client.Type(context.Background(), index, []byte(keys)); err != nil {
		t.Fatalf("type %q: %v", keys, err)
	}
}

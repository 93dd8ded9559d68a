//go:build linux

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The keys of tmux by default.
const (
	tmuxDetach = "\x02d"
	tmuxSplit  = "\x02\""
)

// openersOf lists who opened the terminals of a namespace, by index.
func (r *runtimeDir) openersOf(name string) map[int]string {
	r.t.Helper()
	openers := make(map[int]string)
	for _, term := range r.state(name).Terminals {
		openers[term.Index] = term.Opener.Comm
	}
	return openers
}

func TestTmux(t *testing.T) {
	need(t, "tmux")
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		config := writeScript(t, "set-option -g assume-paste-time 0\n") // we type as fast as people paste
		tmux := []string{"tmux", "-S", filepath.Join(filepath.Dir(config), "socket"), "-f", config}
		inside := func(args ...string) []string {
			return append(append([]string{}, tmux...), args...)
		}
		c := r.console(append([]string{"run", "--name", "vs1", "--ptmx", kind, "--"},
			inside("new-session", "-s", "work", "PS1='prompt> ' bash --norc --noediting")...)...)
		c.expect(`prompt> `)
		c.enter("tty\r")
		c.expect(`/dev/pts/1`)
		c.enter(tmuxSplit)
		c.expect(`bash`)
		c.enter("tty; stty size\r")
		c.expect(`/dev/pts/2`)
		c.expect(`11 80`)
		c.resize(40, 120)
		c.expect(`\[work\]`)

		server := "tmux: server"
		if diff := cmp.Diff(map[int]string{0: "ptsns", 1: server, 2: server}, r.openersOf("vs1")); kind == "tap" && diff != "" {
			t.Errorf("openers (-want +got):\n%s", diff)
		}
		if kind == "tap" {
			testPane(t, r, c)
		}

		// The first program ends with the detach; the server inside keeps the namespace.
		state := r.state("vs1")
		c.enter(tmuxDetach)
		c.expect(`\[detached \(from session work\)\]`)
		if code := c.wait(); code != 0 {
			t.Errorf("the first program's exit status %d", code)
		}
		after := r.state("vs1")
		if after.InitPID != 0 || len(after.Terminals) != 2 || after.ServerPID != state.ServerPID {
			t.Errorf("after the detach: %+v", after)
		}

		again := r.console(append([]string{"exec", "vs1", "--"}, inside("attach")...)...)
		again.expect(`\[work\]`)
		again.enter("echo still' 'here\r")
		again.expect(`still here`)
		again.enter(tmuxDetach)
		if code := again.wait(); code != 0 {
			t.Errorf("attach again: exit status %d", code)
		}

		r.run(append([]string{"exec", "vs1", "--"}, inside("kill-server")...)...)
		awaitExit(t, state.ServerPID)
		if states := r.list(); len(states) != 0 {
			t.Errorf("namespaces after the server's end: %+v", states)
		}
	})
}

// testPane joins the terminal of the second pane of the tmux on c, whose shell waits at
// its prompt.
func testPane(t *testing.T, r *runtimeDir, c *console) {
	one := r.console("attach", "vs1/2")
	two := r.console("attach", "vs1/2")
	reader := r.console("attach", "--read-only", "vs1/2")
	for _, viewer := range []*console{one, two, reader} {
		viewer.awaitRaw()
	}
	if term, ok := r.terminal("vs1", 2); !ok || len(term.Viewers) != 3 || term.Foreground.Comm != "bash" {
		t.Errorf("terminal 2: %+v, there: %v", term, ok)
	}
	reader.enter("echo never' 'seen\r")
	reader.detach()
	for i, typist := range []*console{one, two, c} {
		typist.enter("echo li'ved by '" + strings.Repeat("I", i+1) + "\r")
		for _, viewer := range []*console{one, two, c} {
			viewer.expect(`lived by ` + strings.Repeat("I", i+1))
		}
	}
	one.detach()
	two.detach()
	if got := one.transcript() + c.transcript(); strings.Contains(got, "never seen") {
		t.Errorf("what a read-only viewer typed went in: %s", got)
	}
	if term, ok := r.terminal("vs1", 2); !ok || term.Rows == 24 {
		t.Errorf("after they left: terminal 2: %+v, there: %v", term, ok)
	}
}

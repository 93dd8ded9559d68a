//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/ptsns/ptsns/server"
)

// awaitCounts waits until ok holds of terminal vs1/1.
func (r *runtimeDir) awaitCounts(what string, ok func(term server.Terminal) bool) {
	r.t.Helper()
	for end := time.Now().Add(deadline); ; { // each look is a command, which takes its time
		term, _ := r.terminal("vs1", 1)
		if ok(term) {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("waiting for %s: %+v", what, term)
		}
	}
}

// What is typed at the terminal of a program that opened another goes nowhere while a viewer
// has that one's input for itself, and is not typed later.
func TestStealingFromOpeners(t *testing.T) {
	for _, tt := range []struct {
		name string
		argv []string
	}{
		{"script", []string{"script", "-q", "-c", "{}", "/dev/null"}},
		{"tmux", []string{"tmux", "-L", "steal", "-f", "/dev/null", "new-session", "{}"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			need(t, "fuse", tt.name)
			r := newRuntime(t)
			argv := fill(tt.argv, "stty -echo; echo ready; "+echoLines)
			opener := r.console(append([]string{"run", "--name", "vs1", "-e", "TMUX_TMPDIR=" + publicDir(t), "--"}, argv...)...)
			opener.expect(`ready`)
			opener.enter("one\r")
			opener.expect(`got one`)
			client := r.dial("vs1")
			thief := r.eye(24, 80, "attach", "--steal", "vs1/1")
			thief.awaitFrame(client, 1)
			opener.enter("two\r")
			r.awaitCounts("four bytes dropped", func(term server.Terminal) bool { return term.Dropped == 4 })
			thief.enter("three\r")
			opener.expect(`got three`)
			thief.detach()
			r.awaitViewers("vs1", 1, 0)
			opener.enter("four\r")
			opener.expect(`got four`)
			if strings.Contains(opener.transcript(), "got two") {
				t.Errorf("what was dropped is read: %s", opener.transcript())
			}
			opener.enter("go\r")
			opener.wait()
		})
	}
}

// An opener whose program does not read waits, and does so no longer once its input is
// dropped.
func TestStealingFromAnOpenerThatWaits(t *testing.T) {
	t.Parallel()
	need(t, "fuse", "python3")
	const text = 1 << 20
	r := newRuntime(t)
	opener := r.console("run", "--name", "vs1", "--", "python3", programFile(t, `
import os, pty, select, tty
m, s = pty.openpty()
tty.setraw(s)
print("ready", flush=True)
print("took", os.write(m, b"y" * (1 << 20)), flush=True)
p = select.poll()
p.register(m, select.POLLOUT)
print("polls", p.poll() == [(m, select.POLLOUT)], flush=True)
input()
`))
	opener.expect(`ready`)
	r.awaitCounts("the first bytes", func(term server.Terminal) bool { return term.BytesIn > 0 })
	thief := r.eye(24, 80, "attach", "--steal", "vs1/1")
	opener.expect(`took 1048576`)
	opener.expect(`polls True`)
	r.awaitCounts("the rest dropped", func(term server.Terminal) bool {
		return term.Dropped > 0 && term.BytesIn+term.Dropped == text
	})
	thief.detach()
	opener.enter("\r")
	opener.wait()
}

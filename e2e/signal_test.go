//go:build linux

package e2e

import (
	"errors"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/control"
)

// caughtSignals is a script that tells of the signals that its process group gets.
const caughtSignals = `trap 'echo got USR1' USR1; trap 'echo got USR2; exit' USR2; echo ready; while :; do sleep 1; done`

// What is in the foreground gets the signals of the API and of who joined, whoever opened
// the terminal; one who only looks on sends none.
func TestSignalTheForeground(t *testing.T) {
	eachPlace(t, func(t *testing.T, terminal string, argv func(string) []string) {
		for _, flags := range [][]string{nil, {"--pid"}} {
			r := newRuntime(t)
			args := append(append([]string{"run", "--name", "vs1"}, flags...), "--")
			opener := r.console(append(args, argv(caughtSignals)...)...)
			opener.expect(`ready`)
			client := r.dial("vs1")
			index := number(t, terminal[len("vs1/"):])
			if err := client.Signal(t.Context(), index, syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			opener.expect(`got USR1`)
			for _, readOnly := range []bool{true, false} {
				stream, err := r.dial("vs1").Attach(t.Context(), index, control.AttachOptions{ReadOnly: readOnly})
				if err != nil {
					t.Fatal(err)
				}
				defer stream.Close()
				sig := syscall.SIGUSR1
				if readOnly {
					sig = syscall.SIGKILL
				}
				if err := stream.Signal(sig); err != nil {
					t.Fatal(err)
				}
			}
			opener.expect(`got USR1`)
			if err := client.Signal(t.Context(), index, syscall.SIGUSR2); err != nil {
				t.Fatal(err)
			}
			opener.expect(`got USR2`)
			opener.wait()
		}
	})
}

// A terminal that controls no session has nobody to signal, and none that ptsns has not
// started a program on has an exit status.
func TestSignalNobody(t *testing.T) {
	t.Parallel()
	need(t, "fuse", "python3")
	r := newRuntime(t)
	opener := r.console("run", "--name", "vs1", "--", "python3", "-c", "import pty; pty.openpty(); print('ready'); input()")
	opener.expect(`ready`)
	client := r.dial("vs1")
	if err := client.Signal(t.Context(), 1, syscall.SIGKILL); !errors.Is(err, control.ErrNoProgram) {
		t.Errorf("signal: %v", err)
	}
	if _, err := client.WaitExit(t.Context(), 1); !errors.Is(err, control.ErrNoProgram) {
		t.Errorf("exit: %v", err)
	}
	opener.enter("\r")
	if code := opener.wait(); code != 0 {
		t.Errorf("the opener ended with %d", code)
	}
}

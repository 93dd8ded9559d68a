//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ptsns/ptsns/hub"
)

// awaitSize waits until the terminal is of that size.
func (r *runtimeDir) awaitSize(terminal string, rows, cols int) {
	r.t.Helper()
	name, index := filepath.Dir(terminal), number(r.t, filepath.Base(terminal))
	for end := time.Now().Add(deadline); ; { // each look is a command, which takes its time
		term, _ := r.terminal(name, index)
		if term.Rows == rows && term.Cols == cols {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s is of %dx%d, want %dx%d", terminal, term.Rows, term.Cols, rows, cols)
		}
	}
}

// TestSizes has viewers with windows of several sizes on a terminal that ptsns opened,
// whose program counts how often its size changes.
func TestSizes(t *testing.T) {
	need(t, "python3")
	program := programFile(t, unaware)
	for _, tt := range []struct {
		size   string
		first  [2]int // with one of 30x100
		joined [2]int // and one of 40x90
		grown  [2]int // which then is of 20x120
		back   [2]int // and leaves
		sizes  int    // changes that the program has noticed
	}{
		{"latest", [2]int{30, 100}, [2]int{40, 90}, [2]int{20, 120}, [2]int{30, 100}, 3},
		{"largest", [2]int{30, 100}, [2]int{40, 100}, [2]int{30, 120}, [2]int{30, 100}, 3},
		{"smallest", [2]int{30, 100}, [2]int{30, 90}, [2]int{20, 100}, [2]int{30, 100}, 3},
		{"fixed", [2]int{30, 100}, [2]int{30, 100}, [2]int{30, 100}, [2]int{30, 100}, 0},
	} {
		t.Run(tt.size, func(t *testing.T) {
			t.Parallel()
			r := newRuntime(t)
			// What the program writes first tells of the size that it has from the beginning.
			one := openEye(t, r.command("run", "--name", "vs1", "--size="+tt.size, "--", "sh", "-c", "stty size; exec python3 "+program), 30, 100)
			one.awaitText("30 100")
			one.awaitText("ready")
			client := r.dial("vs1")
			check := func(size [2]int) {
				t.Helper()
				r.awaitSize("vs1/0", size[0], size[1])
				one.awaitFrame(client, 0)
			}
			check(tt.first)
			reader := r.eye(10, 10, "attach", "--read-only", "vs1/0")
			reader.awaitFrame(client, 0)
			check(tt.first)
			two := r.eye(40, 90, "attach", "vs1/0")
			check(tt.joined)
			two.awaitFrame(client, 0)
			two.resize(20, 120)
			check(tt.grown)
			two.awaitFrame(client, 0)
			reader.resize(11, 11)
			reader.awaitFrame(client, 0)
			two.detach()
			check(tt.back)
			typeOn(t, client, 0, "?")
			m := one.expect(`1 keys, (\d+) sizes, 30x100`)
			if n := number(t, m[1]); n > tt.sizes || n == 0 && tt.sizes > 0 { // two signals may be one
				t.Errorf("%d changes of size noticed of %d", n, tt.sizes)
			}
			one.detach()
			r.awaitViewers("vs1", 0, 1)
			check0 := func() { r.awaitSize("vs1/0", 30, 100) } // nobody's window is left to follow
			check0()
			reader.detach()
		})
	}
}

// A window that is dragged through a hundred sizes changes the terminal's no more often,
// and at last it is the window's.
func TestDraggedWindow(t *testing.T) {
	need(t, "python3")
	t.Parallel()
	r := newRuntime(t)
	r.must("run", "-d", "--name", "vs1", "--", "python3", programFile(t, unaware))
	client := r.dial("vs1")
	awaitScreen(t, client, 0, "ready")
	other := r.eye(24, 80, "attach", "vs1/0")
	other.awaitInStep(client, 0)
	e := r.eye(24, 80, "attach", "vs1/0")
	e.awaitInStep(client, 0)
	for i := range 100 {
		e.resize(20+i/2, 70+i)
	}
	r.awaitSize("vs1/0", 69, 169)
	e.awaitInStep(client, 0)
	other.awaitFrame(client, 0)
	typeOn(t, client, 0, "?")
	m := e.expect(`1 keys, (\d+) sizes, 69x169`)
	if n := number(t, m[1]); n > 100 || n == 0 {
		t.Errorf("%d changes of size noticed", n)
	} else {
		t.Logf("%d changes of size noticed", n)
	}
}

// The size of a terminal that was opened inside is its opener's.
func TestOpenersSize(t *testing.T) {
	t.Parallel()
	need(t, "fuse", "script", "python3")
	r := newRuntime(t)
	c := openEye(t, r.command("run", "--name", "vs1", "--", "script", "-q", "-c", "exec python3 "+programFile(t, unaware), "/dev/null"), 30, 100)
	c.awaitText("ready")
	client := r.dial("vs1")
	r.awaitSize("vs1/1", 30, 100)
	e := r.eye(40, 120, "attach", "vs1/1")
	e.awaitFrame(client, 1)
	e.resize(24, 80)
	e.awaitFrame(client, 1)
	r.awaitSize("vs1/1", 30, 100)
	c.resize(24, 80) // which script passes on
	r.awaitSize("vs1/1", 24, 80)
	e.awaitInStep(client, 1)
	typeOn(t, client, 1, "?")
	awaitScreen(t, client, 1, "1 keys, 1 sizes, 24x80")
	e.awaitInStep(client, 1)
}

// TestWhoLooksOn lists who looks on, and has one take the input for itself.
func TestWhoLooksOn(t *testing.T) {
	eachPlace(t, func(t *testing.T, terminal string, argv func(string) []string) {
		r := newRuntime(t)
		index := number(t, filepath.Base(terminal))
		first := r.console(append([]string{"run", "--name", "vs1", "--size=fixed", "--"}, argv("stty -echo; echo ready; "+echoLines)...)...)
		first.expect(`ready`)
		client := r.dial("vs1")
		plain := r.eye(24, 80, "attach", terminal)
		plain.awaitInStep(client, index)
		reader := r.eye(10, 70, "attach", "--read-only", terminal)
		reader.awaitFrame(client, index)
		thief := r.eye(24, 81, "attach", "--steal", terminal)
		thief.awaitFrame(client, index)

		term, _ := r.terminal("vs1", index)
		viewers := term.Viewers
		if index == 0 {
			if len(viewers) == 0 || !viewers[0].Owner {
				t.Fatalf("the owner is not the first of %+v", viewers)
			}
			viewers = viewers[1:]
		}
		want := []hub.ViewerInfo{{Rows: 24, Cols: 80}, {ReadOnly: true, Rows: 10, Cols: 70}, {Sole: true, Rows: 24, Cols: 81}}
		if len(viewers) != len(want) {
			t.Fatalf("viewers %+v, want %+v", viewers, want)
		}
		for i, e := range []*eye{plain, reader, thief} {
			v := viewers[i]
			if v.ReadOnly != want[i].ReadOnly || v.Sole != want[i].Sole || v.Rows != want[i].Rows || v.Cols != want[i].Cols ||
				v.Door != "local" || v.UID != 0 || v.Name == "" || v.PID != e.cmd.Process.Pid || v.Since.IsZero() {
				t.Errorf("viewer %d is %#v, want %#v of process %d", i, v, want[i], e.cmd.Process.Pid)
			}
		}

		// What others type is refused, and who types hears of it.
		plain.enter("one\n")
		plain.expect(`\a`)
		reader.enter("two\n")
		if out := r.run("send", terminal, `three\n`); out.code != 125 || !strings.Contains(out.stderr, "taken the input") {
			t.Errorf("send: %+v", out)
		}
		thief.enter("four\n")
		thief.awaitText("got four")
		again := r.eye(24, 80, "attach", "--steal", terminal)
		again.awaitInStep(client, index)
		thief.enter("five\n")
		thief.expect(`\a`)
		again.enter("six\n")
		again.awaitText("got six")
		again.detach()
		r.awaitViewers("vs1", index, len(term.Viewers))
		plain.enter("seven\n")
		plain.awaitText("got seven")
		for _, refused := range []string{"one", "two", "three", "five"} {
			if strings.Contains(plain.screen.Text(), refused) {
				t.Errorf("what was refused is seen:\n%s", plain.screen.Text())
			}
		}

		// Who is sent away hears why, and may come back.
		r.must("kick", terminal, fmt.Sprint(viewers[0].ID))
		if code := plain.wait(); code != 125 {
			t.Errorf("sent away: exit status %d", code)
		}
		plain.expect(`kicked by`)
		back := r.eye(24, 80, "attach", terminal)
		back.awaitInStep(client, index)
		back.detach()
	})
}

//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/screen"
)

// sights are programs, as a shell has them, and what is to be seen of them.
var sights = []struct {
	name    string
	needs   []string
	script  string // {} is a file of 300 lines
	shows   string // is on the screen when it is ready
	history bool   // there are lines above
	modes   []string
	title   string
	keys    string // then somebody types this
	answer  string // and this is seen
}{
	{name: "vim", needs: []string{"vim"}, shows: "1,1", modes: []string{"alternate"},
		script: "exec vim -u NONE -N -n --cmd 'set ruler mouse=a title titlestring=editing' {}",
		title:  "editing", keys: "Gotyped\x1b", answer: "301,5"},
	{name: "less", needs: []string{"less"}, shows: "line 23", script: "exec less {}", keys: "G", answer: "line 300"},
	{name: "prompt", needs: []string{"bash"}, shows: "@here>", history: true,
		script: `cat {}; PS1='\[\e]2;at \w\a\e[1;32m\]\u\[\e[0;44m\]@here\[\e[m\]> ' exec bash --norc --noprofile`,
		keys:   "echo no''ted\r", answer: "\nnoted\n"},
	{name: "wide", shows: "ready", history: true,
		script: `cat {}; printf '\033[1;35m漢字 かな\033[m 👩‍👩‍👧 e\314\201 \033[4:3m🇩🇪\033[m ﷽ ready\r\n'; stty raw -echo; exec cat`,
		keys:   "더\x1b[33m♥\ufe0f", answer: "더♥"},
	{name: "modes", shows: "bottom",
		script: `stty raw -echo; printf '\033[?1049h\033[?2004h\033[?1000h\033[?1006h\033[?1h\033=\033]2;the title\007\033[5;10r\033[?6h\033[3;4Htop\033[r\033[?6l\033[24;70Hbottom\033[5;5H\033[?25l'; exec cat`,
		title:  "the title", keys: "\x1b[?25h\x1b[1;1Hhome", answer: "home"},
}

// TestJoinShowsWhatIsThere joins in the middle of programs, again and again, and each
// time sees at once what the terminal has.
func TestJoinShowsWhatIsThere(t *testing.T) {
	for _, sight := range sights {
		t.Run(sight.name, func(t *testing.T) {
			need(t, sight.needs...)
			eachPlace(t, func(t *testing.T, terminal string, argv func(string) []string) {
				r := newRuntime(t)
				index := number(t, filepath.Base(terminal))
				script := strings.ReplaceAll(sight.script, "{}", numbered(t, 300))
				r.must(append([]string{"run", "-d", "--name", "vs1", "--"}, argv(script)...)...)
				client := r.dial("vs1")
				if index > 0 {
					r.awaitTerminal("vs1", index)
				}
				awaitScreen(t, client, index, sight.shows)

				one := r.eye(24, 80, "attach", terminal)
				one.awaitInStep(client, index)
				seen := one.look()
				if seen.Title != sight.title && sight.title != "" {
					t.Errorf("the title is %q, want %q", seen.Title, sight.title)
				}
				if sight.history {
					checkHistory(t, client, index, one.screen.History())
				}
				one.detach()

				two := r.eye(24, 80, "attach", terminal)
				two.awaitInStep(client, index)
				reader := r.eye(24, 80, "attach", "--read-only", terminal)
				reader.readOnly = true
				reader.awaitInStep(client, index)
				kill(t, two.cmd.Process.Pid, syscall.SIGKILL)
				two.wait()

				three := r.eye(24, 80, "attach", "--no-history", terminal)
				three.awaitInStep(client, index)
				if n := len(three.screen.History()); n > 0 {
					t.Errorf("%d lines of history that nobody asked for", n)
				}
				three.enter(sight.keys)
				three.awaitText(sight.answer)
				reader.awaitText(sight.answer)
				three.awaitInStep(client, index)
				reader.awaitInStep(client, index)
				three.detach()
			})
		})
	}
}

// numbered makes a file of n lines.
func numbered(t *testing.T, n int) string {
	t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "line %d, cubed %d\n", i+1, (i+1)*(i+1)*(i+1))
	}
	path := filepath.Join(publicDir(t), "numbered")
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkHistory checks that these lines of numbered are what scrolled off the terminal.
func checkHistory(t *testing.T, client *control.Client, index int, got []string) {
	t.Helper()
	truth, err := client.Screen(context.Background(), index, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(truth.History, got); diff != "" {
		t.Errorf("history (-terminal +viewer):\n%s", diff)
	}
	if len(got) < 270 || got[0] != "line 1, cubed 1" {
		t.Errorf("%d lines of history: %q", len(got), got)
	}
}

// unaware is a program that tells, for a key, how many keys and changes of size it has
// noticed.
const unaware = `
import os, signal, sys, termios, tty
sizes = keys = 0
def resized(*_):
    global sizes
    sizes += 1
signal.signal(signal.SIGWINCH, resized)
tty.setraw(0)
os.write(1, b"ready")
while True:
    p = os.read(0, 100)
    if not p: break
    keys += len(p)
    if p.endswith(b"?"): os.write(1, b"\r\n%d keys, %d sizes, %dx%d" % ((keys, sizes) + os.get_terminal_size()[::-1]))
`

// A program does not notice who looks at it: nothing is typed, and no signal sent.
func TestJoiningIsNotNoticed(t *testing.T) {
	need(t, "python3")
	program := programFile(t, unaware)
	eachPlace(t, func(t *testing.T, terminal string, argv func(string) []string) {
		r := newRuntime(t)
		index := number(t, filepath.Base(terminal))
		r.must(append([]string{"run", "-d", "--name", "vs1", "--"}, argv("exec python3 "+program)...)...)
		client := r.dial("vs1")
		if index > 0 {
			r.awaitTerminal("vs1", index)
		}
		awaitScreen(t, client, index, "ready")
		sizes := [][2]int{{24, 80}, {24, 80}, {24, 80}}
		if index > 0 { // whose size is its opener's
			sizes = append(sizes, [2]int{10, 30}, [2]int{50, 200})
		}
		for i, size := range sizes {
			e := r.eye(size[0], size[1], "attach", terminal)
			e.awaitText("ready")
			reader := r.eye(5, 20, "attach", "--read-only", terminal)
			reader.readOnly = true
			reader.awaitText("ready")
			r.must("ls", "--json")
			if i%2 == 0 {
				e.detach()
			} else {
				kill(t, e.cmd.Process.Pid, syscall.SIGKILL)
				e.wait()
			}
			reader.resize(24, 80)
			reader.awaitInStep(client, index)
			reader.detach()
		}
		r.must("screen", "--json", terminal)
		typeOn(t, client, index, "?")
		awaitScreen(t, client, index, "1 keys, 0 sizes, 24x80")
	})
}

// programFile makes a file of a program.
func programFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(publicDir(t), "program")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Who comes with a window of another size sees a part of the screen, or the screen in a
// frame; and the screen itself when the window has come to fit.
func TestWindowsOfOtherSizesSeeFrames(t *testing.T) {
	need(t, "fuse", "vim", "script")
	for _, size := range [][2]int{{10, 30}, {40, 120}, {24, 60}, {30, 80}, {1, 1}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newRuntime(t)
			vim := "exec vim -u NONE -N -n --cmd 'set ruler nowrap' " + numbered(t, 300)
			r.must("run", "-d", "--name", "vs1", "--", "script", "-q", "-c", vim, "/dev/null")
			r.awaitTerminal("vs1", 1)
			client := r.dial("vs1")
			awaitScreen(t, client, 1, "1,1")
			e := r.eye(size[0], size[1], "attach", "vs1/1")
			e.awaitFrame(client, 1)
			for i, keys := range []string{"\x06", "G", "50%$", "A the end of a line\x1b", "gg0", "/cubed\r"} {
				typeOn(t, client, 1, keys+":echo 'done '.'"+strconv.Itoa(i)+"'\r")
				awaitScreen(t, client, 1, "done "+strconv.Itoa(i))
				e.awaitFrame(client, 1)
			}
			e.resize(24, 80)
			e.awaitInStep(client, 1)
			typeOn(t, client, 1, "50%dd")
			e.awaitInStep(client, 1)
			e.resize(size[1], size[0]) // across
			e.awaitFrame(client, 1)
			e.detach()
		})
	}
}

// awaitFrame waits until what is seen is a frame of what the terminal has, which is all
// of characters one column wide.
func (e *eye) awaitFrame(client *control.Client, index int) {
	e.t.Helper()
	e.awaitSight(func(seen screen.Snapshot) string {
		truth, err := client.Screen(context.Background(), index, false)
		if err != nil {
			e.t.Fatal(err)
		}
		if e.fed == 0 {
			return "and nothing came" // but a blank screen is a part of most
		}
		return frameOf(truth.Screen, seen)
	})
}

// frameOf tells how what is seen differs from a frame of all there is. Where the cursor
// is tells which part is seen.
func frameOf(all, seen screen.Snapshot) string {
	oy, ox := all.Cursor.Row-seen.Cursor.Row, all.Cursor.Col-seen.Cursor.Col
	if seen.Rows >= all.Rows && oy != 0 || seen.Cols >= all.Cols && ox != 0 || oy < 0 || ox < 0 || oy > all.Rows || ox > all.Cols {
		return fmt.Sprintf("the cursor is at %+v, and seen at %+v", all.Cursor, seen.Cursor)
	}
	if seen.Alternate != all.Alternate || seen.Title != all.Title {
		return fmt.Sprintf("alternate screen %v, title %q", seen.Alternate, seen.Title)
	}
	part := func(s string, from, to int) string {
		cells := []rune(s + strings.Repeat(" ", to))
		return strings.TrimRight(string(cells[from:to]), " ")
	}
	for y := range min(seen.Rows, all.Rows) {
		cols := min(seen.Cols, all.Cols)
		want, got := part(all.Lines[y+oy].Text, ox, ox+cols), part(seen.Lines[y].Text, 0, cols)
		if got != want {
			return fmt.Sprintf("line %d is %q, want %q", y, got, want)
		}
	}
	return ""
}

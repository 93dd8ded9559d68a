//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ptsns/ptsns/cast"
	"github.com/ptsns/ptsns/internal/chromium"
)

// everyEvent writes a recording with events of all kinds, and text of all kinds.
func everyEvent(t *testing.T, opts cast.Options) []byte {
	t.Helper()
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var b bytes.Buffer
	opts.Input = true
	w, err := cast.NewWriter(&b, cast.Header{Rows: 8, Cols: 40, Term: "xterm-256color", Start: start, Command: "/bin/sh",
		Title: "a <title> \x9b", IdleLimit: 1500 * time.Millisecond, Env: map[string]string{"SHELL": "/bin/sh"}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	w.Output(at(10), []byte("scrolls away\r\n\x1b[1;31mred \x1b[38;5;208morange \x1b[48;2;1;2;3mown\x1b[0m \"\\\x7f\x00<&>\r\n"))
	w.Output(at(20), []byte("日本語🙂 gr\xc3"))
	w.Input(at(30), []byte("q\r\x1b[A"))
	w.Resize(at(40), 10, 50)
	w.Output(at(15), []byte("\xbc\xc3\x9f \xff e\xcc\x81\r\n")) // the time runs backwards
	w.Marker(at(3_600_000), "a \"place\"")
	w.Output(at(3_600_001), []byte("cut \xe2\x82"))
	w.Gap(at(3_600_002), 123, 4)
	w.Output(at(3_600_003), []byte("\r\nto the\tright\x1b[5;30Hhere\x1b[3D\x1b[Know\r\n\x1b)0\x0elqqk\x0f lines\r\n"))
	w.Resize(at(3_600_004), 7, 45)
	w.Marker(at(3_600_005), "")
	w.Output(at(3_600_006), []byte("last line\r\n\x1b]0;a title\x07at the end"))
	w.Exit(at(3_600_007), 3)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The asciinema player plays what we record, and shows what package screen does.
func TestPlayer(t *testing.T) {
	need(t, chromium.Program)
	player := playerDir(t)
	b := chromium.Start(t)
	for _, v := range []cast.Version{cast.V2, cast.V3} {
		t.Run(fmt.Sprintf("nothing/v%d", v), func(t *testing.T) {
			t.Parallel()
			var file bytes.Buffer
			w, err := cast.NewWriter(&file, cast.Header{Rows: 5, Cols: 30}, cast.Options{Version: v})
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			checkPlayed(t, b, player, file.Bytes())
		})
		for _, noChain := range []bool{false, true} {
			t.Run(fmt.Sprintf("every event/v%d,NoChain=%v", v, noChain), func(t *testing.T) {
				t.Parallel()
				shown := checkPlayed(t, b, player, everyEvent(t, cast.Options{Version: v, NoChain: noChain}))
				checkShown(t, shown, "red orange own", "日本語🙂 grüß", "hnow", "┌──┐ lines", "at the end")
			})
		}
		t.Run(fmt.Sprintf("run/v%d", v), func(t *testing.T) {
			t.Parallel()
			playRun(t, b, player, v)
		})
		t.Run(fmt.Sprintf("record/v%d", v), func(t *testing.T) {
			t.Parallel()
			playRecord(t, b, player, v)
		})
	}
	for _, name := range programOutputs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPlayed(t, b, player, recordOutput(t, name))
		})
	}
}

// programOutputs are those of package screen's recordings that have nothing of what the
// player shows in its own way: combining characters and the parts of a joined emoji have a
// column each there, and blocks are drawn, not written.
var programOutputs = []string{"git-diff.24x80", "less-color.24x80", "tmux-status.24x80", "top-memory.30x100",
	"vim-gui-colors.40x120", "vim-quit.24x80", "htop.24x80", "htop-tree.40x120"}

// recordOutput makes a recording of one of package screen's, in pieces that split its
// characters and sequences.
func recordOutput(t *testing.T, name string) []byte {
	t.Helper()
	output, err := os.ReadFile(filepath.Join("../screen/testdata/output", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows, cols int
	if _, err := fmt.Sscanf(filepath.Ext(name), ".%dx%d", &rows, &cols); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	now := time.Now()
	w, err := cast.NewWriter(&b, cast.Header{Rows: rows, Cols: cols, Start: now}, cast.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(output, 97) {
		w.Output(now, piece)
		now = now.Add(time.Second)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// colourful is a program whose screen has colours and wide characters, which tells what is
// typed.
const colourful = `printf '\033[1;32mgreen \033[38;2;9;8;7mown\033[0m 日本語🙂 wide\n'
until [ "$x" = end ]; do read -r x && echo "got <$x>"; done
printf '\033[2;30Hat its place\033[8;1H\033[7mthe last\033[0m'
exit 3`

// playRun plays what ptsns run records.
func playRun(t *testing.T, b *chromium.Browser, player string, v cast.Version) {
	need(t, "bash")
	r, dir := newRuntime(t), publicDir(t)
	args := []string{"run", "--name", "vs1", "--record", dir, "--record-input"}
	if v == cast.V2 {
		args = append(args, "--record-v2")
	}
	c := r.console(append(args, "--", "bash", "-c", colourful)...)
	c.expect(`wide\r\n`)
	c.enter("ärger\r")
	c.expect(`got <ärger>`)
	c.resize(10, 60)
	r.awaitSize("vs1/0", 10, 60)
	c.enter("end\r")
	if code := c.wait(); code != 3 {
		t.Fatalf("exit status %d, want 3", code)
	}
	r.awaitEnd("vs1")
	file := castFiles(t, dir)[0]
	checkWhole(t, r, file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := recorded(t, file, cast.Resize) + " " + recorded(t, file, cast.Exit); got != "60x10 3" {
		t.Errorf("recorded the size and the exit status %q", got)
	}
	checkShown(t, checkPlayed(t, b, player, text), "日本語🙂 wide", "got <ärger>", "at its place", "the last")
}

// playRecord plays what ptsns record records, which begins with what is on the screen.
func playRecord(t *testing.T, b *chromium.Browser, player string, v cast.Version) {
	need(t, "bash")
	r, file := newRuntime(t), filepath.Join(publicDir(t), "a.cast")
	c := r.console("run", "--name", "vs1", "--", "bash", "-c", colourful)
	c.expect(`wide\r\n`)
	args := []string{"record", "vs1/0", file}
	if v == cast.V2 {
		args = append(args, "--v2")
	}
	r.must(args...)
	c.enter("end\r")
	if code := c.wait(); code != 3 {
		t.Fatalf("exit status %d, want 3", code)
	}
	r.awaitEnd("vs1")
	checkWhole(t, r, file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	checkShown(t, checkPlayed(t, b, player, text), "日本語🙂 wide", "got <end>", "at its place", "the last")
}

package screen

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/term"
)

const feedEnv = "PTSNS_SCREEN_FEED"

// TestMain is the tests, or what runs in tmux's pane: it prints a recording and waits until
// tmux has taken it all.
func TestMain(m *testing.M) {
	if file := os.Getenv(feedEnv); file != "" {
		if err := feed(file); err != nil {
			fmt.Print("\x1b[H\x1b[2J", err) // for the comparison to show
			_ = signalFed()                 // without tmux nobody waits
		}
		return
	}
	os.Exit(m.Run())
}

func feed(file string) error {
	if _, err := term.MakeRaw(0); err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	// tmux answers the status request when it has parsed what came before.
	if _, err := os.Stdout.Write(append(b, "\x18\x1b[5n"...)); err != nil {
		return err
	}
	var answer []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(answer, []byte("\x1b[0n")) {
		if _, err := os.Stdin.Read(one); err != nil {
			return err
		}
		answer = append(answer, one[0])
	}
	if err := signalFed(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // until the pane ends
	return err
}

func signalFed() error {
	return exec.Command("tmux", "-S", os.Getenv(feedEnv+"_SOCKET"), "wait-for", "-S", "fed").Run()
}

// tmux is a server of our own.
type tmux struct {
	t      *testing.T
	socket string
}

func startTmux(t *testing.T) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs tmux to compare with:", err)
	}
	x := &tmux{t, filepath.Join(t.TempDir(), "socket")}
	x.run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "cat", ";", "set", "-g", "status", "off")
	pid, err := strconv.Atoi(strings.TrimSpace(string(x.run("display", "-p", "#{pid}"))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	return x
}

func (x *tmux) run(args ...string) []byte {
	x.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", x.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMUX=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return out
}

// show prints a file in a new pane of a size and returns the pane.
func (x *tmux) show(file string, rows, cols int) string {
	self, err := os.Executable()
	if err != nil {
		x.t.Fatal(err)
	}
	pane := x.run("new-session", "-d", "-P", "-F", "#{pane_id}", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows),
		"-e", feedEnv+"="+file, "-e", feedEnv+"_SOCKET="+x.socket, self)
	x.run("wait-for", "fed")
	return strings.TrimSpace(string(pane))
}

// knownDifferences are lines that tmux 3.3a shows differently, by recording.
var knownDifferences = map[string]string{
	"tmux-split.24x80:1": "a family of emoji that was cut behind a joiner, a space, another emoji: tmux joins that across the space",
}

// The screen is tmux's, cell by cell, with the cursor and the modes that tmux tells.
func TestTmux(t *testing.T) {
	x := startTmux(t)
	for name, b := range outputs(t) {
		t.Run(name, func(t *testing.T) {
			rows, cols := sizeOf(t, name)
			s := New(rows, cols, Options{})
			s.Write(b)
			pane := x.show(mustAbs(t, name), rows, cols)
			compare(t, x, pane, s, name)
		})
	}
}

// What Repaint paints looks the same on tmux, joined in the middle of the output.
func TestTmuxRepaint(t *testing.T) {
	x := startTmux(t)
	for name, b := range outputs(t) {
		t.Run(name, func(t *testing.T) {
			rows, cols := sizeOf(t, name)
			s := New(rows, cols, Options{})
			half := len(b) * 2 / 3
			s.Write(b[:half])
			joined := append(s.Repaint(rows, cols, true), b[half:]...)
			s.Write(b[half:])
			file := filepath.Join(t.TempDir(), "joined")
			if err := os.WriteFile(file, joined, 0o600); err != nil {
				t.Fatal(err)
			}
			compare(t, x, x.show(file, rows, cols), s, name)
		})
	}
}

// Frames look on tmux as they do here, on larger and on smaller terminals.
func TestTmuxFrame(t *testing.T) {
	x := startTmux(t)
	for name, b := range outputs(t) {
		for _, more := range []int{-7, 3} {
			t.Run(fmt.Sprint(name, more), func(t *testing.T) {
				rows, cols := sizeOf(t, name)
				s, viewer := New(rows, cols, Options{}), New(rows+more, cols+2*more, Options{})
				var f *Frame
				var frame, painted []byte
				for piece := range slices.Chunk(b, 1+len(b)/5) {
					s.Write(piece)
					frame, f = s.Frame(f, viewer.rows, viewer.cols)
					painted = append(painted, frame...)
				}
				viewer.Write(painted)
				file := filepath.Join(t.TempDir(), "painted")
				if err := os.WriteFile(file, painted, 0o600); err != nil {
					t.Fatal(err)
				}
				compare(t, x, x.show(file, viewer.rows, viewer.cols), viewer, name)
			})
		}
	}
}

func mustAbs(t *testing.T, name string) string {
	file, err := filepath.Abs(filepath.Join("testdata/output", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func compare(t *testing.T, x *tmux, pane string, s *Screen, name string) {
	t.Helper()
	captured := x.run("capture-pane", "-p", "-e", "-N", "-t", pane)
	lines := bytes.Split(bytes.TrimSuffix(captured, []byte("\n")), []byte("\n"))
	want := New(s.rows, s.cols, Options{})
	want.Write([]byte("\x1b)0"))   // a style goes on from line to line, and SO is the graphics set
	columns := make([]int, s.rows) // captured; erased ends of lines are not, with their colour
	for y, line := range lines {
		fmt.Fprintf(want, "\x1b[%dH%s", y+1, line)
		if columns[y] = want.x; want.pending {
			columns[y]++
		}
	}
	for y := range s.rows {
		if a, b := look(want, y, columns[y]), look(s, y, columns[y]); a != b && knownDifferences[fmt.Sprint(name, ":", y)] == "" {
			t.Errorf("line %d\ntmux %s\nhere %s", y, a, b)
		}
	}
	state := "#{cursor_x},#{cursor_y} #{alternate_on} #{cursor_flag} #{insert_flag} #{keypad_cursor_flag} #{wrap_flag} #{origin_flag} " +
		"#{scroll_region_upper},#{scroll_region_lower} #{mouse_any_flag} #{mouse_sgr_flag}"
	cursor := s.x
	if s.pending {
		cursor++ // tmux's cursor stands behind the line then
	}
	flag := func(on bool) int {
		if on {
			return 1
		}
		return 0
	}
	here := fmt.Sprintf("%d,%d %d %d %d %d %d %d %d,%d %d %d", cursor, s.y, flag(s.g == &s.alt), flag(s.modes&showCursor != 0), flag(s.modes&insertMode != 0),
		flag(s.modes&appCursor != 0), flag(s.modes&autowrap != 0), flag(s.modes&originMode != 0), s.top, s.bottom, flag(s.mouse != 0), flag(s.encoding == 1006))
	if there := strings.TrimSpace(string(x.run("display", "-p", "-t", pane, state))); there != here {
		t.Errorf("state: tmux %s, here %s", there, here)
	}
}

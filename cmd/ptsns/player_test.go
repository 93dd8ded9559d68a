package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/cast"
)

// recording has output after 1, 3 and 13 seconds.
const recording = `{"version":3,"term":{"cols":80,"rows":24},"idle_time_limit":5}
[1, "o", "a"]
[1, "m", "no output"]
[1, "o", "b"]
[5, "i", "secret"]
[0, "r", "200x100"]
[5, "o", "c\r\n"]
[1, "x", "0"]
`

// timed notes when something is written.
type timed struct {
	start time.Time
	got   []string
}

func (w *timed) Write(p []byte) (int, error) {
	w.got = append(w.got, time.Since(w.start).String()+" "+string(p))
	return len(p), nil
}

// press is a key, typed so long after the start.
type press struct {
	after time.Duration
	key   byte
}

// plays plays file in a bubble of its own and says what was shown when.
func plays(t *testing.T, file string, set func(*player), typed ...press) (got []string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, rerr := cast.NewReader(strings.NewReader(file))
		if rerr != nil {
			t.Fatal(rerr)
		}
		w := &timed{start: time.Now()}
		keys := make(chan byte, 16)
		p := &player{name: "f", reader: r, out: w, speed: 1, keys: keys}
		if set != nil {
			set(p)
		}
		for _, k := range typed {
			time.AfterFunc(k.after, func() { keys <- k.key })
		}
		err = p.finish(p.play())
		got = w.got
	})
	return got, err
}

func TestPlayTimes(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name  string
		set   func(*player)
		typed []press
		want  []string
		err   error
	}{
		{"as it was", nil, nil, []string{"1s a", "3s b", "13s c\r\n"}, nil},
		{"twice as fast", func(p *player) { p.speed = 2 }, nil, []string{"500ms a", "1.5s b", "6.5s c\r\n"}, nil},
		{"a limit", func(p *player) { p.idle = 1500 * time.Millisecond }, nil, []string{"1s a", "2.5s b", "4s c\r\n"}, nil},
		{"both", func(p *player) { p.speed, p.idle = 0.5, 1500*time.Millisecond }, nil, []string{"2s a", "5s b", "8s c\r\n"}, nil},
		{"no waiting", func(p *player) { p.speed = 0 }, nil, []string{"0s a", "0s b", "0s c\r\n"}, nil},
		{"pause", nil, []press{{2 * s, ' '}, {10 * s, 'x'}, {60 * s, ' '}}, []string{"1s a", "1m1s b", "1m11s c\r\n"}, nil},
		{"step", nil, []press{{2 * s, ' '}, {4 * s, '.'}, {5 * s, ' '}}, []string{"1s a", "4s b", "15s c\r\n"}, nil},
		{"steps to the end", nil, []press{{0, ' '}, {1 * s, '.'}, {2 * s, '.'}, {3 * s, '.'}}, []string{"1s a", "2s b", "3s c\r\n"}, nil},
		{"a step when not paused", nil, []press{{0, '.'}}, []string{"1s a", "3s b", "13s c\r\n"}, nil},
		{"ctrl-c", nil, []press{{2 * s, 3}}, []string{"1s a"}, exitInterrupted},
		{"ctrl-c while paused", nil, []press{{2 * s, ' '}, {9 * s, 3}}, []string{"1s a"}, exitInterrupted},
	}
	for _, tt := range tests {
		got, err := plays(t, recording, tt.set, tt.typed...)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != tt.err {
			t.Errorf("%s: %v, want %v; shown (-want +got):\n%s", tt.name, err, tt.err, diff)
		}
	}
}

func TestPlayEndsWithSignalsAndTerminal(t *testing.T) {
	_, err := plays(t, recording, func(p *player) {
		signals := make(chan os.Signal, 1)
		signals <- syscall.SIGTERM
		p.signals, p.speed = signals, 0
	})
	if err != exitStatus(128+15) {
		t.Errorf("SIGTERM: %v", err)
	}
	_, err = plays(t, recording, func(p *player) {
		keys := make(chan byte)
		close(keys)
		p.keys = keys
	})
	if err != exitHungUp {
		t.Errorf("a terminal that has gone: %v", err)
	}
}

// A process that was stopped goes on from where it was.
func TestPlayIsNotMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := cast.NewReader(strings.NewReader(recording))
		if err != nil {
			t.Fatal(err)
		}
		w := &slowly{timed: timed{start: time.Now()}}
		if err := (&player{reader: r, out: w, speed: 1}).play(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"1s a", "1m1s b", "2m1s c\r\n"}, w.got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// slowly is not read for a minute after each write.
type slowly struct{ timed }

func (w *slowly) Write(p []byte) (int, error) {
	n, err := w.timed.Write(p)
	<-time.After(time.Minute)
	return n, err
}

func TestPlayUndoesModes(t *testing.T) {
	const head = `{"version":3,"term":{"cols":80,"rows":24}}` + "\n"
	got, err := plays(t, head+`[0, "o", "\u001b[?1049h\u001b[?1000h\u001b[31mx\u001b[c"]`+"\n", nil)
	if diff := cmp.Diff([]string{"0s \x1b[?1049h\x1b[31mx", "0s \x1b[?1049l\x1b[0m"}, got); diff != "" || err != nil {
		t.Errorf("%v; (-want +got):\n%s", err, diff)
	}
	got, err = plays(t, head+`[0, "o", "\u001b[31mx"]`+"\n"+`[0, "o", "y`, nil)
	if diff := cmp.Diff([]string{"0s \x1b[31mx", "0s \x1b[0m"}, got); diff != "" || err == nil || err.Error() != "f: the recording ends within a line" {
		t.Errorf("cut: %v; (-want +got):\n%s", err, diff)
	}
}

func TestPlayBrokenOutput(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{{syscall.EIO, int(exitHungUp)}, {syscall.ENOSPC, exitFailure}} {
		_, err := plays(t, recording, func(p *player) { p.out = broken{tt.err} })
		got := exitCode(err)
		if s := exitStatus(0); errors.As(err, &s) {
			got = int(s)
		}
		if got != tt.want {
			t.Errorf("%v: %v, status %d, want %d", tt.err, err, got, tt.want)
		}
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestPlayNotesSizes(t *testing.T) {
	p := player{rows: 30, cols: 100}
	p.noteSize(30, 100)
	if p.note != "" {
		t.Errorf("a note of a size that fits: %q", p.note)
	}
	p.noteSize(24, 132)
	if want := "recorded at 24x132, shown at 30x100: lines fall elsewhere than they did"; p.note != want {
		t.Errorf("note %q, want %q", p.note, want)
	}
	unknown := player{}
	if unknown.noteSize(500, 500); unknown.note != "" {
		t.Errorf("no window, and a note: %q", unknown.note)
	}
}

// onTerminal starts ptsns on a terminal of its own; it needs no namespace.
func onTerminal(t *testing.T, rows, cols uint16, args ...string) *console {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	return w.open(rows, cols, args...)
}

func recordingFile(t *testing.T, text string) string {
	t.Helper()
	path := t.TempDir() + "/f.cast"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// longRecording shows something at once, and then nothing for an hour.
const longRecording = `{"version":3,"term":{"cols":80,"rows":24}}
[0, "o", "\u001b[c\u001b[6n\u001b]11;?\u0007\u001b[?1000h\u001b[?25lbegin"]
[3600, "o", "middle"]
[3600, "o", "end"]
`

func TestReplayOnATerminal(t *testing.T) {
	c := onTerminal(t, 24, 80, "replay", recordingFile(t, longRecording))
	c.expect("\x1b[22;0t\x1b[?25lbegin") // none of what the terminal would answer
	if c.modes() == c.was {
		t.Error("the terminal is not raw")
	}
	c.typeKeys(" .")
	c.expect("middle")
	c.typeKeys("\x03")
	c.expect("\x1b[?25h\x1b[?12l\x1b[0 q\x1b[23;0t\r\n")
	c.end(130)
}

func TestReplayToItsEnd(t *testing.T) {
	c := onTerminal(t, 20, 80, "replay", "--speed", "0", recordingFile(t, longRecording))
	c.expect("ptsns: replay: recorded at 24x80, shown at 20x80: lines fall elsewhere than they did\r\n")
	c.expect("beginmiddleend\x1b[?25h\x1b[?12l\x1b[0 q\x1b[23;0t\r\n")
	c.end(0)
}

func TestReplayRestoresOnSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		c := onTerminal(t, 24, 80, "replay", recordingFile(t, longRecording))
		c.expect("begin")
		if err := c.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		c.expect("\x1b[?25h")
		c.end(128 + int(sig))
	}
}

func TestReplayStoppedAndContinued(t *testing.T) {
	c := onTerminal(t, 24, 80, "replay", recordingFile(t, longRecording))
	c.expect("begin")
	raw := c.modes()
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.setModes(c.was)
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for c.modes() != raw { // nothing is put out that could be waited for
		if t.Context().Err() != nil {
			t.Fatal("not raw again")
		}
	}
	c.typeKeys(" .")
	c.expect("middle")
	c.typeKeys("\x03")
	c.end(130)
}

func TestReplayOuterTerminalGoes(t *testing.T) {
	c := onTerminal(t, 24, 80, "replay", recordingFile(t, longRecording))
	c.expect("begin")
	_ = c.ptm.Close()
	_ = c.cmd.Wait()
	if got := c.cmd.ProcessState.ExitCode(); got != 129 {
		t.Errorf("%v, want exit status 129", c.cmd.ProcessState)
	}
}

// Whose stdout is a pipe leaves the terminal alone.
func TestReplayIntoAPipe(t *testing.T) {
	w := &world{t: t, dir: t.TempDir()}
	cmd := w.command("replay", "--speed", "0", recordingFile(t, longRecording))
	var out bytes.Buffer
	cmd.Stdout = &out
	c := w.openCmd(10, 10, cmd)
	c.end(0)
	if want := "\x1b[?25lbeginmiddleend\x1b[?25h\x1b[?12l\x1b[0 q"; out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}

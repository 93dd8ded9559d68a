//go:build linux

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/cast"
	"github.com/ptsns/ptsns/hub"
)

// recorders are programs inside that open terminals of their own, and how many.
var recorders = []struct {
	name      string
	needs     []string
	script    string // "first words" is what is written first on the last terminal
	terminals int
}{
	{"none", nil, "printf 'first words\\n'; echo and more", 1},
	{"script", []string{"script"}, `script -q -c "printf 'first words\n'; echo and more" /dev/null`, 2},
	{"tmux", []string{"tmux"}, `tmux -S "$SOCKET" -f /dev/null new-session "printf 'first words\n'; echo and more"`, 2},
	{"expect", []string{"expect"}, `expect -c 'spawn -noecho sh -c "printf \"first words\\n\"; echo and more"; expect eof'`, 2},
	{"python", []string{"python3"}, `python3 -c 'import pty; pty.spawn(["sh", "-c", "echo first words; echo and more"])'`, 2},
}

// TestRecordings has every terminal of a namespace recorded, those that programs inside
// open too, from the first byte to the last.
func TestRecordings(t *testing.T) {
	for _, tt := range recorders {
		for _, v2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/v2=%v", tt.name, v2), func(t *testing.T) {
				t.Parallel()
				need(t, tt.needs...)
				r, dir := newRuntime(t), filepath.Join(publicDir(t), "recordings")
				args := []string{"run", "--name", "vs1", "--record", dir, "-e", "SOCKET=" + filepath.Join(publicDir(t), "socket")}
				if v2 {
					args = append(args, "--record-v2")
				}
				c := r.console(append(args, "--", "sh", "-c", tt.script)...)
				if code := c.wait(); code != 0 {
					t.Fatalf("exit status %d: %s", code, c.transcript())
				}
				r.awaitEnd("vs1")
				files := castFiles(t, dir)
				if len(files) != tt.terminals {
					t.Fatalf("recorded into %q, want %d files", files, tt.terminals)
				}
				for _, file := range files {
					checkWhole(t, r, file)
				}
				last := files[len(files)-1]
				if got := recorded(t, last, cast.Output); !strings.HasPrefix(got, "first words\r\nand more\r\n") {
					t.Errorf("%s begins with %.100q", last, got)
				}
				if got := r.must("replay", "--speed", "0", last); !strings.Contains(got, "first words\r\nand more\r") {
					t.Errorf("replayed: %q", got)
				}
				if v2 {
					checkAsciinema(t, last)
				}
			})
		}
	}
}

// castFiles lists the recordings in dir in the order of their terminals' indexes.
func castFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.cast"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(castTitle(t, a), castTitle(t, b)) })
	return files
}

func castTitle(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader, err := cast.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return reader.Header().Title
}

// recorded is all that a recording has of one kind.
func recorded(t *testing.T, file string, code cast.Code) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader, err := cast.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var all strings.Builder
	for {
		e, err := reader.Next()
		if err != nil {
			return all.String() // what follows is verify's to tell
		}
		if e.Code == code {
			all.WriteString(e.Data)
		}
	}
}

// checkWhole checks that a recording is its owner's alone, complete and unchanged, and
// that a change of it would be noticed.
func checkWhole(t *testing.T, r *runtimeDir, file string) {
	t.Helper()
	if st, err := os.Stat(file); err != nil || st.Mode() != 0o600 {
		t.Errorf("%s: %v, %v, want mode 0600", file, st, err)
	}
	if got := r.must("verify", file); !strings.HasPrefix(got, file+": whole\n") {
		t.Errorf("verify: %q", got)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := file + ".changed"
	for _, tt := range []struct {
		text []byte
		code int
	}{
		{bytes.Replace(text, []byte("first words"), []byte("other words"), 1), 1},
		{text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1], 3},
	} {
		if bytes.Equal(tt.text, text) {
			continue // not in this one
		}
		if err := os.WriteFile(changed, tt.text, 0o600); err != nil {
			t.Fatal(err)
		}
		if out := r.run("verify", changed); out.code != tt.code {
			t.Errorf("verify of a changed or cut recording: %+v, want exit status %d", out, tt.code)
		}
		if err := os.Remove(changed); err != nil {
			t.Fatal(err)
		}
	}
}

// checkAsciinema checks that the asciinema player shows a recording of version 2.
func checkAsciinema(t *testing.T, file string) {
	t.Helper()
	need(t, "asciinema")
	cmd := exec.Command("asciinema", "play", "-s", "1000000", file)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "ASCIINEMA_CONFIG_HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if want := recorded(t, file, cast.Output); err != nil || string(out) != want {
		t.Errorf("asciinema: %v, shows %q, want %q", err, out, want)
	}
}

// What is typed is recorded only where that is asked for, and never while it is not
// echoed.
func TestRecordedInput(t *testing.T) {
	const script = `echo 'name? '; read name; echo 'noted '; read; read -s -p 'secret? ' secret; echo; ` +
		`python3 -c 'import getpass; getpass.getpass("another? ")'; echo 'more? '; read more; echo over`
	for _, input := range []bool{false, true} {
		t.Run(fmt.Sprint(input), func(t *testing.T) {
			need(t, "bash", "python3")
			eachPlace(t, func(t *testing.T, terminal string, argv func(string) []string) {
				r, dir := newRuntime(t), publicDir(t)
				args := []string{"run", "--name", "vs1", "--record", dir}
				if input {
					args = append(args, "--record-input")
				}
				file := filepath.Join(publicDir(t), "ask")
				if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
					t.Fatal(err)
				}
				c := r.console(append(append(args, "--"), argv("bash "+file)...)...)
				c.expect(`name\? `)
				if loud := strings.Contains(c.transcript(), "what is typed on the terminals of vs1 is recorded"); loud != input {
					t.Errorf("told that input is recorded: %v, want %v", loud, input)
				}
				c.enter("my name\r")
				c.expect(`noted `)
				c.enter("\r") // at once there is no echo any more: this may not be recorded
				c.expect(`secret\? `)
				c.enter("swordfish\r")
				c.expect(`another\? `)
				typist := r.console("attach", terminal)
				typist.awaitRaw()
				r.must("wait", terminal, "--echo-off", "--text", "another?")
				typist.enter("blowfish\r")
				c.expect(`more\? `)
				typist.enter("nothing\r")
				c.expect(`over`)
				c.wait()
				r.awaitEnd("vs1")
				all := ""
				for _, file := range castFiles(t, dir) {
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					if index := strings.Contains(castTitle(t, file), terminal); index {
						all = recorded(t, file, cast.Input)
					}
					if bytes.Contains(text, []byte("fish")) {
						t.Errorf("%s has what was not echoed:\n%s", file, text)
					}
				}
				if got := strings.Replace(all, "\r\r", "\r", 1); input && got != "my name\rnothing\r" || !input && all != "" {
					t.Errorf("recorded input %q", all)
				}
			})
		})
	}
}

// TestRecordOnFullDisk records on a disk that fills up: the terminal goes on.
func TestRecordOnFullDisk(t *testing.T) {
	if !private(t) {
		return
	}
	r, dir := newRuntime(t), publicDir(t)
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=256k,mode=700")
	c := r.console("run", "--name", "vs1", "--record", dir, "--", "sh", "-c", "stty -echo; echo ready; "+echoLines+
		"seq 200000; echo all is printed; "+echoLines)
	c.expect(`ready`)
	client := r.dial("vs1")
	c.enter("go\n")
	c.expect(`all is printed\r\n`)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	failed := false
	for seq := uint64(0); !failed; {
		events, err := client.Events(ctx, seq, deadline)
		if err != nil || len(events) == 0 {
			t.Fatalf("no event of the full disk: %v", err)
		}
		for _, e := range events {
			seq = e.Seq
			failed = failed || e.Kind == hub.EventRecording && strings.Contains(e.Text, "no space left")
		}
	}
	log, err := os.ReadFile(filepath.Join(r.path, "vs1", "log"))
	if err != nil || !strings.Contains(string(log), `"a recording ended before its terminal"`) || !strings.Contains(string(log), "no space left on device") {
		t.Errorf("log: %v\n%s", err, log)
	}
	c.enter("still here\n")
	c.expect(`got still here\r\n`)
	files := castFiles(t, dir)
	if len(files) != 1 {
		t.Fatalf("files %q", files)
	}
	if out := r.run("verify", files[0]); out.code != 3 {
		t.Errorf("verify: %+v, want exit status 3", out)
	}
	if got := recorded(t, files[0], cast.Output); !strings.HasPrefix(got, "ready\r\n1\r\n2\r\n") || len(got) < 100<<10 {
		t.Errorf("%d bytes of output are recorded: %.100q", len(got), got)
	}
	c.enter("go\n")
	c.wait()
	r.awaitEnd("vs1")
}

// TestRecordServerKilled kills the server while it records: what was written by a second
// before is there, unsealed.
func TestRecordServerKilled(t *testing.T) {
	t.Parallel()
	r, dir := newRuntime(t), publicDir(t)
	c := r.console("run", "--name", "vs1", "--record", dir, "--", "sh", "-c", "stty -echo; echo ready; "+echoLines)
	c.expect(`ready\r\n`)
	c.enter("early\n")
	c.expect(`got early\r\n`)
	// What is recorded comes to the file by itself: its growth is what there is to wait for.
	awaitDirOf(t, dir, func() bool {
		files := castFiles(t, dir)
		return len(files) == 1 && strings.Contains(recorded(t, files[0], cast.Output), "got early")
	})
	c.enter("late\n")
	c.expect(`got late\r\n`)
	kill(t, r.state("vs1").ServerPID, unix.SIGKILL)
	c.wait()
	r.run("ls") // cleans
	file := castFiles(t, dir)[0]
	out := r.run("verify", file)
	if out.code != 3 {
		t.Errorf("verify: %+v, want exit status 3", out)
	}
	if got := recorded(t, file, cast.Output); !strings.HasPrefix(got, "ready\r\ngot early\r\n") {
		t.Errorf("recorded %q", got)
	}
	if got := r.run("replay", "--speed", "0", file); !strings.Contains(got.stdout, "got early") {
		t.Errorf("replayed: %+v", got)
	}
}

// awaitDirOf waits until ok holds, looking again whenever something in dir is written.
func awaitDirOf(t *testing.T, dir string, ok func() bool) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MODIFY); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(deadline)
	for buf := make([]byte, 64<<10); !ok(); {
		if !readable(t, fd, time.Until(until)) {
			t.Fatalf("nothing more is written in %s", dir)
		}
		if _, err := unix.Read(fd, buf); err != nil {
			t.Fatal(err)
		}
	}
}

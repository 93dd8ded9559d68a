//go:build linux

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// places are the kinds of terminal that can be joined. Each command leaves {}, a shell
// script, on the terminal vs1/INDEX.
var places = []struct {
	name  string
	index int
	argv  []string
}{
	{"owned", 0, []string{"sh", "-c", "{}"}},
	{"tapped", 1, []string{"script", "-q", "-c", "{}", "/dev/null"}},
}

func eachPlace(t *testing.T, f func(t *testing.T, terminal string, argv func(script string) []string)) {
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel()
			need(t, "fuse", "script")
			f(t, fmt.Sprintf("vs1/%d", place.index), func(script string) []string {
				return fill(place.argv, script)
			})
		})
	}
}

// echoLines is a script that answers each line, until there is one that says go.
const echoLines = `while read -r line && [ "$line" != go ]; do echo "got $line"; done; `

// viewer is an attach whose stdout is a pipe.
type viewer struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser // nil when that is a console's
	pipe   *os.File
	stdout *bufio.Reader
	stderr *lockedBuffer
	exited chan struct{}
}

// lockedBuffer takes what a command says.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (r *runtimeDir) newViewer(args ...string) (v *viewer, stdout *os.File) {
	r.t.Helper()
	pipe, stdout, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	v = &viewer{t: r.t, cmd: r.command(append([]string{"attach"}, args...)...), pipe: pipe,
		stdout: bufio.NewReaderSize(pipe, 1<<20), stderr: new(lockedBuffer)}
	v.cmd.Stdout, v.cmd.Stderr = stdout, v.stderr
	r.t.Cleanup(func() { _ = pipe.Close() }) // only read
	return v, stdout
}

// attach joins a terminal without having one. The program there must answer lines as
// echoLines does: the answer to hello shows that we have joined.
func (r *runtimeDir) attach(terminal, hello string) *viewer {
	r.t.Helper()
	v, stdout := r.newViewer(terminal)
	var err error
	if v.stdin, err = v.cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	_ = stdout.Close() // the command's now
	v.exited = make(chan struct{})
	go func() { // ends with the command
		_ = v.cmd.Wait() // how it ended is in its ProcessState
		close(v.exited)
	}()
	r.t.Cleanup(func() {
		_ = v.cmd.Process.Kill() // ended by now is as well
		<-v.exited
	})
	v.enter(hello + "\n")
	v.until("got " + hello)
	return v
}

// attachReadOnly joins a terminal with a console on stdin.
func (r *runtimeDir) attachReadOnly(terminal string) (*viewer, *console) {
	r.t.Helper()
	v, stdout := r.newViewer("--read-only", terminal)
	c := startConsole(r.t, v.cmd, 24, 80)
	_ = stdout.Close() // the command's now
	v.exited = c.exited
	c.awaitRaw()
	return v, c
}

// enter types keys.
func (v *viewer) enter(keys string) {
	v.t.Helper()
	if _, err := io.WriteString(v.stdin, keys); err != nil {
		v.t.Fatalf("type %q: %v", keys, err)
	}
}

// until reads output up to and with the first line that has end in it. It returns this
// line, and how many bytes came.
func (v *viewer) until(end string) (line string, bytes uint64) {
	v.t.Helper()
	if err := v.pipe.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		v.t.Fatal(err)
	}
	for {
		line, err := v.stdout.ReadString('\n')
		bytes += uint64(len(line))
		if strings.Contains(line, end) {
			return line, bytes
		}
		if err != nil {
			v.t.Fatalf("output up to %q: %v after %d bytes; stderr %q", end, err, bytes, v.stderr)
		}
	}
}

// wait waits for the end and returns the exit status.
func (v *viewer) wait() int {
	v.t.Helper()
	select {
	case <-v.exited:
	case <-time.After(deadline):
		v.t.Fatalf("%q does not end; stderr %q", v.cmd.Args, v.stderr)
	}
	return v.cmd.ProcessState.ExitCode()
}

var missed = regexp.MustCompile(`ptsns: (\d+) bytes missed\n`)

// lost adds up what it was told it missed. It must have ended.
func (v *viewer) lost() (sum uint64) {
	v.t.Helper()
	for _, m := range missed.FindAllStringSubmatch(v.stderr.String(), -1) {
		n, err := strconv.ParseUint(m[1], 10, 64)
		if err != nil {
			v.t.Error(err)
		}
		sum += n
	}
	return sum
}

func TestViewers(t *testing.T) {
	eachPlace(t, func(t *testing.T, terminal string, argv func(string) []string) {
		r := newRuntime(t)
		script := "stty -echo; echo ready; " + echoLines + "echo over; exit 5"
		c := r.console(append([]string{"run", "--name", "vs1", "--"}, argv(script)...)...)
		c.expect(`^ready\r\n`)
		plain := r.attach(terminal, "hello")
		typist := r.console("attach", terminal)
		typist.awaitRaw()
		reader, keys := r.attachReadOnly(terminal)
		for _, turn := range []struct {
			text  string
			enter func(string)
		}{{"one", plain.enter}, {"two", typist.enter}, {"three", c.enter}} {
			turn.enter(turn.text + "\n")
			want := "got " + turn.text
			c.expect(want)
			typist.expect(want)
			plain.until(want)
			reader.until(want)
		}

		// What a reader types goes nowhere. The end of a viewer's input is not the
		// terminal's, and not the viewer's.
		keys.enter("nothing\n\x04\x03")
		if err := plain.stdin.Close(); err != nil {
			t.Error(err)
		}
		typist.enter("four\n")
		typist.expect(`^\r\ngot four\r\n`)
		typist.enter("\x04")
		plain.until("got four")
		if line, _ := plain.until("over"); line != "over\r\n" {
			t.Errorf("the last line is %q", line)
		}
		reader.until("over")
		want := map[string]int{"vs1/0": 5, "vs1/1": 0}[terminal] // of its own programs ptsns knows how they ended
		for name, code := range map[string]int{
			"without a terminal": plain.wait(), "read-only": reader.wait(), "on a terminal": typist.wait(),
		} {
			if code != want {
				t.Errorf("attach %s: exit status %d, want %d", name, code, want)
			}
		}
		for _, outer := range []*console{typist, keys} {
			if after := outer.modes(); after != outer.before {
				t.Errorf("settings of an outer terminal: %+v, before %+v", after, outer.before)
			}
		}
		c.wait()
		if strings.Contains(c.transcript(), "nothing") {
			t.Errorf("what a reader typed went in: %s", c.transcript())
		}
	})
}

// A viewer that stops reading loses its own bytes, and nobody else's time.
func TestStoppedViewer(t *testing.T) {
	const (
		lines  = 1_000_000
		text   = "fifty bytes a line, with the return and newline."
		total  = lines*uint64(len(text)+2) + uint64(len("finished\r\n"))
		script = "stty -echo; echo ready; " + echoLines +
			`yes "$TEXT" | head -n $LINES_OF_IT; echo finished; ` + echoLines
	)
	eachPlace(t, func(t *testing.T, terminal string, argv func(string) []string) {
		r := newRuntime(t)
		args := []string{"run", "--name", "vs1", "-e", "TEXT=" + text, "-e", fmt.Sprintf("LINES_OF_IT=%d", lines), "--"}
		first := r.console(append(args, argv(script)...)...)
		first.expect(`^ready\r\n`)
		first.detach()
		onConsole := r.console("attach", terminal)
		onConsole.awaitRaw()
		reading := r.attach(terminal, "reading")
		stopped := r.attach(terminal, "stopped")
		reading.until("got stopped")
		onConsole.expect("got stopped\r\n")
		stop(t, stopped.cmd)
		stop(t, onConsole.cmd)

		reading.enter("go\n")
		_, read := reading.until("finished") // the program is through

		for _, cmd := range []*exec.Cmd{stopped.cmd, onConsole.cmd} {
			if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		}
		_, late := stopped.until("finished")
		onConsole.expect(`finished(\x1b\[K)?\r\n`) // painted, or as it came

		// All are in step again.
		reading.enter("more\n")
		reading.until("got more")
		stopped.until("got more")
		onConsole.expect(`got more\r\n`)
		onConsole.awaitRaw()
		onConsole.enter(detachKeys)
		onConsole.expect(`ptsns: detached from \S+; \d+ bytes missed; `)
		onConsole.wait()
		reading.enter("go\n")
		reading.wait()
		stopped.wait()
		if got := read + reading.lost(); got != total {
			t.Errorf("the viewer that reads: %d bytes seen and missed, of %d", got, uint64(total))
		}
		if got := late + stopped.lost(); got != total || late == total {
			t.Errorf("the viewer that was stopped: %d bytes seen and missed, of %d; %d seen", got, uint64(total), late)
		}
	})
}

// stop stops a process and returns when it has stopped.
func stop(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WSTOPPED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			t.Fatalf("wait until %d has stopped: %v", cmd.Process.Pid, err)
		}
		return
	}
}

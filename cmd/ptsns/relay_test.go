package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ptsns/ptsns/parent"
)

// pipeline is a ptsns with pipes for stdin and stdout.
type pipeline struct {
	t      *testing.T
	stdin  io.WriteCloser
	stdout *bufio.Reader
	pipe   io.Closer // stdout's
	stderr bytes.Buffer
	signal func(os.Signal) error
	wait   func() int // the exit status, after stdout was read to its end
}

func (w *world) pipe(args ...string) *pipeline {
	w.t.Helper()
	cmd := w.command(args...)
	p := &pipeline{t: w.t}
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd.Stderr = &p.stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	p.pipe, p.stdout, p.signal = stdout, bufio.NewReader(stdout), cmd.Process.Signal
	p.wait = func() int {
		_ = cmd.Wait() // its status is the result
		return cmd.ProcessState.ExitCode()
	}
	return p
}

// line reads one line of stdout, without its end.
func (p *pipeline) line() string {
	p.t.Helper()
	s, err := p.stdout.ReadString('\n')
	if err != nil {
		p.t.Fatalf("read a line: got %q and %v; stderr: %s", s, err, p.stderr.Bytes())
	}
	return strings.TrimRight(s, "\r\n")
}

func (p *pipeline) rest() string {
	p.t.Helper()
	b, err := io.ReadAll(p.stdout)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

func TestSignalsGoToTheProgram(t *testing.T) {
	for sig, name := range map[syscall.Signal]string{syscall.SIGINT: "INT", syscall.SIGQUIT: "QUIT", syscall.SIGTERM: "TERM"} {
		w := newWorld(t)
		p := w.pipe("run", "--", "sh", "-c", "trap 'echo got "+name+"; exit 5' "+name+"; echo ready; while :; do read x; done")
		if got := p.line(); got != "ready" {
			t.Fatalf("got %q", got)
		}
		if err := p.signal(sig); err != nil {
			t.Fatal(err)
		}
		if got := p.rest(); got != "got "+name+"\r\n" {
			t.Errorf("after %v: %q", sig, got)
		}
		if got := p.wait(); got != 5 {
			t.Errorf("after %v: exit status %d, want 5", sig, got)
		}
	}
}

// More input than all buffers on the way hold does not keep a signal back.
func TestSignalOvertakesInput(t *testing.T) {
	w := newWorld(t)
	p := w.pipe("run", "--", "sh", "-c", "trap 'exit 6' TERM; stty raw -echo; echo ready; while :; do sleep 1 & wait $!; done")
	if got := p.line(); got != "ready" {
		t.Fatalf("got %q", got)
	}
	go func() { _, _ = io.Copy(p.stdin, zeros{}) }() // ends with the process
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.rest()
	if got := p.wait(); got != 6 {
		t.Errorf("exit status %d, want 6", got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestEndOfInput(t *testing.T) {
	w := newWorld(t)
	p := w.pipe("run", "--", "sh", "-c", "stty -echo; echo ready; cat; echo end")
	if got := p.line(); got != "ready" {
		t.Fatalf("got %q", got)
	}
	_, _ = io.WriteString(p.stdin, "one\ntwo")
	_ = p.stdin.Close()
	if got, want := p.rest(), "one\r\ntwoend\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.wait()
}

func TestAllOutputComesThrough(t *testing.T) {
	w := newWorld(t)
	p := w.pipe("run", "--", "seq", "400000")
	_ = p.stdin.Close()
	for i := 1; i <= 400000; i++ {
		if got := p.line(); got != strconv.Itoa(i) {
			t.Fatalf("line %d is %q", i, got)
		}
	}
	if rest := p.rest(); rest != "" || p.wait() != 0 {
		t.Errorf("then %q", rest)
	}
}

func TestEndOfInputDoesNotDetach(t *testing.T) {
	w := newWorld(t)
	owner := w.pipe("run", "--name", "vs1", "--", "sh", "-c", "stty -echo; echo ready; read x; echo got $x; read y; exit 9")
	if got := owner.line(); got != "ready" {
		t.Fatalf("got %q", got)
	}
	p := w.pipe("attach", "vs1")
	_ = p.stdin.Close()
	w.viewers("vs1", 2)
	_, _ = io.WriteString(owner.stdin, "a\n")
	if got := p.line(); got != "got a" {
		t.Errorf("got %q", got)
	}
	_, _ = io.WriteString(owner.stdin, "b\n")
	if got := p.rest(); got != "" || p.wait() != 9 {
		t.Errorf("the rest is %q", got)
	}
	if got := owner.wait(); got != 9 {
		t.Errorf("the owner's exit status is %d", got)
	}
}

func TestAttachSignals(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "cat")
	p := w.pipe("attach", "vs1")
	w.viewers("vs1", 1)
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.rest()
	if got := p.wait(); got != 143 {
		t.Errorf("exit status %d, want 143", got)
	}
	if w.state("vs1").InitPID == 0 {
		t.Error("the program got the signal")
	}
}

// A viewer that does not read holds nobody up, and is told what it missed.
func TestSlowViewer(t *testing.T) {
	w := newWorld(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	w.output("run", "-d", "--name", "vs1", "--", "sh", "-c",
		`stty -echo -onlcr; echo >"$0"; read x; head -c 8000000 /dev/zero; echo >"$0"; read y; echo bye`, fifo)
	if _, err := os.ReadFile(fifo); err != nil { // comes once nothing is echoed
		t.Fatal(err)
	}
	slow := w.pipe("attach", "vs1")
	w.viewers("vs1", 1)
	tty := strings.TrimSpace(w.output("path", "vs1/0"))
	if _, err := os.Stat(tty); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(slow.stdin, "go\n")
	if _, err := os.ReadFile(fifo); err != nil { // comes only when all 8 MB are out
		t.Fatal(err)
	}
	_, _ = io.WriteString(slow.stdin, "end\n")
	got := slow.rest()
	if code := slow.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	said := slow.stderr.String()
	if !regexp.MustCompile(`^(ptsns: \d+ bytes missed\n)+$`).MatchString(said) {
		t.Fatalf("stderr is %q", said)
	}
	missed := 0
	for _, n := range regexp.MustCompile(`\d+`).FindAllString(said, -1) {
		m, _ := strconv.Atoi(n)
		missed += m
	}
	if total := len(got) + missed; total != 8000000+len("bye\n") {
		t.Errorf("got %d bytes and missed %d: together %d, want %d", len(got), missed, total, 8000000+len("bye\n"))
	}
	if !strings.HasSuffix(got, "bye\n") {
		t.Errorf("the end is %q", got[max(0, len(got)-10):])
	}
}

func TestBrokenOutput(t *testing.T) {
	w := newWorld(t)
	p := w.pipe("run", "--name", "vs1", "--", "sh", "-c", "echo one; read x; echo two; read y")
	if got := p.line(); got != "one" {
		t.Fatalf("got %q", got)
	}
	_ = p.pipe.Close()
	_, _ = io.WriteString(p.stdin, "\n")
	if got := p.wait(); got != 141 {
		t.Errorf("exit status %d, want 141", got)
	}
	if p.stderr.Len() > 0 {
		t.Errorf("stderr is %q", p.stderr.String())
	}
	if w.state("vs1").InitPID == 0 {
		t.Error("the program ended with its reader")
	}
}

func TestClientKilled(t *testing.T) {
	w := newWorld(t)
	p := w.pipe("run", "--name", "vs1", "--", "sh", "-c", "echo ready; read x; exit 8")
	if got := p.line(); got != "ready" {
		t.Fatalf("got %q", got)
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.wait()
	q := w.pipe("attach", "vs1")
	_, _ = io.WriteString(q.stdin, "\n")
	q.rest()
	if got := q.wait(); got != 8 {
		t.Errorf("exit status %d, want 8", got)
	}
}

// expired is a context whose time is up: a server that is asked under it has not
// answered in time.
func expired() context.Context {
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
	cancel()
	return ctx
}

func TestStoppedServer(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "cat")
	pid := w.state("vs1").ServerPID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PTSNS_RUNTIME_DIR", w.dir)
	all, err := parent.Open()
	if err != nil {
		t.Fatal(err)
	}
	list, err := all.List(expired())
	if err != nil || len(list) != 1 || list[0].Name != "vs1" || list[0].Error != "its server does not answer" {
		t.Errorf("ls lists %+v, %v", list, err)
	}
	var said bytes.Buffer
	if err := remove(expired(), all, "vs1", &said); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("ptsns: the server of %q did not end it and was killed\n", "vs1")
	if !strings.HasPrefix(said.String(), want) {
		t.Errorf("rm says %q, want %q", said.String(), want)
	}
	if _, err := os.Lstat(filepath.Join(w.dir, "vs1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the entry: %v", err)
	}
}

func TestTakenName(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "cat")
	p := w.pipe("run", "--name", "vs1", "--", "true")
	p.rest()
	if got, said := p.wait(), p.stderr.String(); got != 125 || said != "ptsns: run: name \"vs1\" is taken\n" {
		t.Errorf("exit status %d, stderr %q", got, said)
	}
	if got := w.output("run", "-d", "--", "cat"); got != "vs2\n" {
		t.Errorf("the next name is %q", got)
	}
}

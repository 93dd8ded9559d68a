//go:build linux

package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"
)

// follow starts ptsns with these arguments, without a terminal, and returns its output
// as it comes. It is killed at the test's end if it still runs.
func (r *runtimeDir) follow(args ...string) *follower {
	r.t.Helper()
	f := &follower{t: r.t, cmd: r.command(args...)}
	var err error
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	f.out = out
	f.cmd.Stdout, f.cmd.Stderr = w, &f.stderr
	if err := f.cmd.Start(); err != nil {
		r.t.Fatalf("start %q: %v", f.cmd.Args, err)
	}
	_ = w.Close() // the command's own now
	r.t.Cleanup(func() {
		if f.cmd.ProcessState == nil {
			_ = f.cmd.Process.Kill() // ended meanwhile is as well
			_ = f.cmd.Wait()         // how does not matter
		}
		_ = out.Close() // only read from
	})
	return f
}

// follower is a command whose output is read as it comes.
type follower struct {
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *os.File
	stderr bytes.Buffer // to be read after wait
	text   []byte       // read and not consumed
}

// expect reads until there is text, and consumes up to its end.
func (f *follower) expect(text string) {
	f.t.Helper()
	buf := make([]byte, 4096)
	for {
		if i := bytes.Index(f.text, []byte(text)); i >= 0 {
			f.text = f.text[i+len(text):]
			return
		}
		if !readable(f.t, int(f.out.Fd()), deadline) {
			f.t.Fatalf("%q: waiting for %q; got %q", f.cmd.Args, text, f.text)
		}
		n, err := f.out.Read(buf)
		if err != nil {
			f.t.Fatalf("%q: waiting for %q: %v; got %q", f.cmd.Args, text, err, f.text)
		}
		f.text = append(f.text, buf[:n]...)
	}
}

// wait waits for the command's end.
func (f *follower) wait() result {
	f.t.Helper()
	awaitExit(f.t, f.cmd.Process.Pid)
	_ = f.cmd.Wait()               // the status is in the result
	rest, err := io.ReadAll(f.out) // the command was the only writer
	if err != nil {
		f.t.Fatal(err)
	}
	return result{string(append(f.text, rest...)), f.stderr.String(), f.cmd.ProcessState.ExitCode()}
}

//go:build linux

package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// demo is demo/demo.sh, whose files go into a directory that must be empty after it.
func demo(t *testing.T, r *runtimeDir) (cmd *exec.Cmd, files string) {
	t.Helper()
	need(t, "bash", "realpath", "script", "sed")
	script, err := filepath.Abs("../demo/demo.sh")
	if err != nil {
		t.Fatal(err)
	}
	files = sharedDir(t)
	cmd = r.command(ptsnsPath)
	cmd.Path, cmd.Args = "/bin/bash", []string{"bash", "-s", ptsnsPath}
	if cmd.Stdin, err = os.Open(script); err != nil { // an ordinary user need not reach it
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "TMPDIR="+files)
	return cmd, files
}

// checkClean checks that a demo has left nothing of itself.
func checkClean(t *testing.T, files string) {
	t.Helper()
	left, err := os.ReadDir(files)
	if err != nil || len(left) > 0 {
		t.Errorf("the demo left %v: %v", left, err)
	}
	if err := leftBehind(files); err != nil {
		t.Error(err)
	}
}

// TestDemo runs the demo, which checks itself, and looks for what README shows of it.
func TestDemo(t *testing.T) {
	t.Parallel()
	need(t, "root", "fuse")
	cmd, files := demo(t, newRuntime(t))
	start := time.Now()
	out := newRuntime(t).runCommand(cmd)
	if out.code != 0 || out.stderr != "" {
		t.Fatalf("exit %d, stderr %q, stdout\n%s", out.code, out.stderr, out.stdout)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	checkClean(t, files)

	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(readme), "<!-- make demo -->\n")
	shown, _, found := strings.Cut(shown, "<!-- end -->")
	if !found {
		t.Fatal("README.md shows no demo")
	}
	if diff := cmp.Diff(sameEachTime(out.stdout), sameEachTime(shown)); diff != "" {
		t.Errorf("README.md shows another demo (-got +README):\n%s", diff)
	}
}

// sameEachTime takes out of a demo's output what differs from run to run, and the
// indentation, with which one line is text and the other a transcript.
func sameEachTime(text string) string {
	for _, r := range []struct{ pattern, to string }{
		{`/\S*/(vs\d/pts)`, "RUNTIME/$1"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`, "TIME"},
		{`\(\d+\)`, "(PID)"},
		{`(kernel +tap +\d) +\d+ +\d+`, "$1 PID PID"},
		{`(?m)(  +\d+){3}( +TIME)$`, " COUNTS$2"},
		{`(?m)^    `, ""},
		{`[ \t]+`, " "},
		{`(?m)^ | $`, ""},
		{`\n\n+`, "\n"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.to)
	}
	return strings.TrimSpace(text)
}

// Without root, and so without the tap, the demo is shorter and as true.
func TestDemoRootless(t *testing.T) {
	t.Parallel()
	r := newUserRuntime(t)
	cmd, files := demo(t, r)
	if out := r.runCommand(cmd); out.code != 0 || !strings.Contains(out.stdout, "Somebody joins vs2/") {
		t.Errorf("exit %d, stderr %q, stdout\n%s", out.code, out.stderr, out.stdout)
	}
	checkClean(t, files)
}

func TestDemoInterrupted(t *testing.T) {
	need(t, "root", "fuse")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			r := newRuntime(t)
			cmd, files := demo(t, r)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			hang := time.AfterFunc(deadline, func() { _ = cmd.Process.Kill() }) // the status tells
			defer hang.Stop()
			lines := bufio.NewScanner(out)
			for lines.Scan() && !strings.Contains(lines.Text(), "vs2$") {
			}
			_ = cmd.Process.Signal(signal) // both are there; the status tells whether it came too late
			for lines.Scan() {
			}
			_ = cmd.Wait() // the status is what counts
			code := cmd.ProcessState.ExitCode()
			if code != 128+int(signal) {
				t.Errorf("exit %d, want %d", code, 128+int(signal))
			}
			checkClean(t, files)
		})
	}
}

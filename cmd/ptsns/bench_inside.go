package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ptsns/ptsns/bench"
)

const (
	benchPatience = 30 * time.Second // beyond the measured time, until a sample is missed
	benchGoodbye  = 5 * time.Second  // for ptsns run to end after SIGTERM
)

// noNamespaceError is why there is no tapped namespace to measure in.
type noNamespaceError struct{ text string }

func (e noNamespaceError) Error() string { return e.text }

// measureInside runs `ptsns bench inside` in a tapped namespace, made as anybody
// makes one, and takes the samples that it prints.
func measureInside(ctx context.Context, exe string, f *benchFlags, take func(bench.Sample) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	name := "bench-" + strconv.Itoa(os.Getpid())
	args := append([]string{"run", "--ptmx=tap", "--name=" + name, "--", exe, "bench", "inside"}, f.args()...)
	client := exec.CommandContext(ctx, exe, args...)
	client.Cancel = func() error { return client.Process.Signal(syscall.SIGTERM) }
	client.WaitDelay = benchGoodbye
	client.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is ours to hand on
	var stderr bytes.Buffer
	client.Stderr = &stderr
	out, err := client.StdoutPipe()
	if err != nil {
		return err
	}
	if err := client.Start(); err != nil {
		return err
	}

	patience := benchPatience + 2*f.time
	watch := time.AfterFunc(patience, func() {
		cancel(fmt.Errorf("no answer for %v", patience))
	})
	defer watch.Stop()
	samples, said := 0, ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		watch.Reset(patience)
		var s bench.Sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			said = strings.TrimSpace(lines.Text()) // it shares its terminal with its errors
			continue
		}
		samples++
		if err := take(s); err != nil {
			cancel(err)
		}
	}
	err = client.Wait()
	if cause := context.Cause(ctx); cause != nil {
		_ = exec.Command(exe, "rm", name).Run() // it may be gone already
		return cause
	}
	if err == nil {
		return nil
	}
	if client.ProcessState.ExitCode() == exitFailure && samples == 0 && said == "" {
		return noNamespaceError{text: strings.TrimSpace(stderr.String())}
	}
	return fmt.Errorf("in the namespace: %w: %s", err, strings.TrimSpace(said+" "+stderr.String()))
}

// newBenchInsideCommand measures in the tapped namespace where it runs, and prints
// a sample a line.
func newBenchInsideCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:    "inside",
		Hidden: true,
		Args:   usage(cobra.ExactArgs(0)),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			return f.inside(func(s bench.Sample) error { return out.Encode(s) })
		},
	}
	f.add(cmd)
	return cmd
}

func (f *benchFlags) inside(take func(bench.Sample) error) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	kernel, err := bench.Kernel()
	if err != nil {
		return err
	}
	defer kernel.Close()
	tap, err := bench.System("tap")
	if err != nil {
		return err
	}
	defer tap.Close()
	o := f.options(exe)
	// Our parent is the supervisor, and its parent the server.
	if o.Server, err = parentOf(os.Getppid()); err != nil {
		return err
	}
	return bench.Measure([]bench.Contender{kernel, tap, bench.Virtual{}}, o, take)
}

// parentOf is the parent of the process pid.
func parentOf(pid int) (int, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if ppid, ok := strings.CutPrefix(line, "PPid:"); ok {
			return strconv.Atoi(strings.TrimSpace(ppid))
		}
	}
	return 0, errors.New("no PPid in /proc")
}

// newBenchPeerCommand is the process at the pts end of what is measured.
func newBenchPeerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "peer JOB WARM TIME",
		Hidden: true,
		Args:   usage(cobra.ExactArgs(3)),
		RunE:   func(_ *cobra.Command, args []string) error { return bench.Serve(args) },
	}
}

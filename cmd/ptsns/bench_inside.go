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
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/bench"
	"github.com/ptsns/ptsns/rundir"
)

const (
	benchPatience = 30 * time.Second // beyond the measured time, until a sample is missed
	benchGoodbye  = 5 * time.Second  // for ptsns run to end after SIGTERM
)

// noNamespaceError is why there is no tapped namespace to measure in.
type noNamespaceError struct{ text string }

func (e noNamespaceError) Error() string { return e.text }

// insideLine is what `ptsns bench inside` prints on a line: a sample, or a note.
type insideLine struct {
	bench.Sample
	Note string `json:"note,omitempty"`
}

// measureInside runs `ptsns bench inside` in a tapped namespace, made as anybody
// makes one, and takes the samples and notes that it prints.
func measureInside(ctx context.Context, exe string, f *benchFlags, take func(bench.Sample) error, note func(string)) error {
	runtime, err := rundir.Open()
	if err != nil {
		return noNamespaceError{text: err.Error()}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	name := "bench-" + strconv.Itoa(os.Getpid())
	args := append([]string{"run", "--ptmx=tap", "--name=" + name, "--", exe, "bench", "inside",
		"--runtime=" + runtime.Path(), "--for=" + strconv.Itoa(os.Getpid())}, f.args()...)
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
		var line insideLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			said = strings.TrimSpace(lines.Text()) // it shares its terminal with its errors
			continue
		}
		if line.Note != "" {
			note(line.Note)
			continue
		}
		samples++
		if err := take(line.Sample); err != nil {
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
	var runtime string
	var whom int
	cmd := &cobra.Command{
		Use:    "inside",
		Hidden: true,
		Args:   usage(cobra.ExactArgs(0)),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if err := endWith(whom); err != nil {
				return err
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			return f.inside(runtime, func(l insideLine) error { return out.Encode(l) })
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&runtime, "runtime", "", "the runtime `DIRECTORY`, to be mounted over")
	cmd.Flags().IntVar(&whom, "for", os.Getppid(), "end when the process `PID` does")
	return cmd
}

// endWith ends this process when the process pid ends: nobody will take what it
// measures, and the namespace is to go.
func endWith(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, os.NewSyscallError("pidfd_open", err))
	}
	go func() { // as long as this process lives
		_ = awaitFD(fd, unix.POLLIN) // which cannot fail
		os.Exit(exitFailure)
	}()
	return nil
}

func (f *benchFlags) inside(runtime string, say func(insideLine) error) (err error) {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	kernel, err := bench.Kernel()
	if err != nil {
		return err
	}
	defer kernel.Close()
	server, err := parentOf(os.Getppid()) // our parent is the supervisor, and its parent the server
	if err != nil {
		return err
	}
	tap, err := bench.System("tap", server)
	if err != nil {
		return err
	}
	defer tap.Close()
	contenders := []bench.Contender{kernel, tap}
	mount, failed := mountForBench(runtime)
	if failed == nil {
		defer func() { err = errors.Join(err, mount.Close()) }()
		contenders = append(contenders, mount)
	} else if err := say(insideLine{Note: "without mounted terminals: " + failed.Error()}); err != nil {
		return err
	}
	return bench.Measure(append(contenders, bench.Virtual{}), f.options(exe), func(s bench.Sample) error {
		return say(insideLine{Sample: s})
	})
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

package recorder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ptsns/ptsns/cast"
	"golang.org/x/sys/unix"
)

// helper is this binary as a process that does something else, and dies with us.
func helper(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), helperEnv+"="+name)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	return cmd
}

// need skips a test that lacks something, or fails it where nothing may be skipped.
func need(t *testing.T, err error, what string) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("PTSNS_REQUIRE") == "1":
		t.Fatal(what, ": ", err)
	default:
		t.Skip(what, ": ", err)
	}
}

// recordForever records a numbered line a millisecond and says on stdout which are handed
// over, until it is killed.
func recordForever() error {
	r, err := New(os.Args[1], cast.Header{Start: time.Now()}, Options{Failed: func(file string, err error) { panic(err) }})
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	for n := 0; ; n++ {
		r.Output(<-tick.C, fmt.Appendf(nil, "%d\r\n", n))
		if _, err := fmt.Printf("%d\n", n); err != nil {
			return err
		}
	}
}

// A recorder that is killed leaves a recording that holds, and lacks less than the last
// second.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.cast")
	runtime.LockOSThread() // the death signal is the thread's
	defer runtime.UnlockOSThread()
	cmd := helper("record", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const lines = 1700 // in as many milliseconds, or more when it has to wait for its processor
	for i := range lines {
		var n int
		if _, err := fmt.Fscan(out, &n); err != nil || n != i {
			t.Error(n, err)
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // killed
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	all := text(events(t, file), cast.Output)
	got := strings.Count(all, "\r\n")
	for i := range got {
		fmt.Fprintf(&want, "%d\r\n", i)
	}
	t.Logf("%d of %d lines are there", got, lines)
	if all != want.String() || got < lines-1000 {
		t.Errorf("%d of %d lines are there, in their order: %v", got, lines, all == want.String())
	}
	report, err := cast.Verify(bytes.NewReader(file), nil)
	if !errors.Is(err, cast.ErrUnsealed) || report.Events != len(events(t, file)) {
		t.Errorf("%+v, %v; want all events, unsealed", report, err)
	}
}

// TestDiskFullOfItself records on a disk that the recording fills, in a mount
// namespace of its own.
func TestDiskFullOfItself(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := helper("full", t.TempDir())
	cmd.SysProcAttr.Unshareflags = unix.CLONE_NEWNS
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Unshareflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		need(t, err, "a mount namespace")
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func recordOnFullDisk() error {
	dir := os.Args[1]
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make all mounts private: %w", err)
	}
	if err := unix.Mount("ptsns-test", dir, "tmpfs", 0, "size=64k"); err != nil {
		return fmt.Errorf("mount a tmpfs: %w", err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		return err
	}
	failed := make(chan error, 9)
	opts := Options{Failed: func(file string, err error) { failed <- fmt.Errorf("%s: %w", file, err) }}
	r := d.New("vs1", 0, time.Now(), cast.Header{}, opts)
	for range 100_000 {
		r.Output(time.Now(), []byte("what a terminal says\r\n"))
	}
	if err := r.Wait(context.Background()); err != nil {
		return err
	}
	r.End(time.Now())
	if err := <-failed; !errors.Is(err, unix.ENOSPC) || len(failed) > 0 {
		return fmt.Errorf("told %v, and %d more", err, len(failed))
	}
	file, err := os.ReadFile(r.File())
	if err != nil {
		return err
	}
	report, err := cast.Verify(bytes.NewReader(file), nil)
	if !errors.Is(err, cast.ErrUnsealed) || report.Line == 0 || file[len(file)-1] != '\n' {
		return fmt.Errorf("of %d bytes: %+v, %w", len(file), report, err)
	}
	// No room is left, not even for a beginning.
	if err := os.WriteFile(filepath.Join(dir, "rest"), make([]byte, 64<<10), 0o600); !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("the disk is not full: %w", err)
	}
	r = d.New("vs1", 1, time.Now(), cast.Header{}, opts)
	if err := r.Wait(context.Background()); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("without any room: %w", err)
	}
	if _, err := os.Lstat(r.File()); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("a recording without its header is there: %w", err)
	}
	return d.Close()
}

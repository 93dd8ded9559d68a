package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// The command inside gets the flags that the user gave.
func TestBenchArgs(t *testing.T) {
	for _, f := range []benchFlags{
		{rounds: 9, time: 150 * time.Millisecond},
		{rounds: 1, time: 1500 * time.Microsecond, only: []string{"raw_mbps", "echo_rtt_us"}},
	} {
		var got benchFlags
		cmd := &cobra.Command{}
		got.add(cmd)
		if err := cmd.ParseFlags(f.args()); err != nil {
			t.Fatal(err)
		}
		if len(got.only) == 0 {
			got.only = nil
		}
		if diff := cmp.Diff(got, f, cmp.AllowUnexported(benchFlags{})); diff != "" {
			t.Errorf("%q (-got +want):\n%s", f.args(), diff)
		}
		if err := got.check(); err != nil {
			t.Error(err)
		}
	}
}

func TestParentOf(t *testing.T) {
	if got, err := parentOf(os.Getpid()); err != nil || got != os.Getppid() {
		t.Errorf("parentOf = %d, %v, want %d", got, err, os.Getppid())
	}
	if _, err := parentOf(-1); err == nil {
		t.Error("a process that is not there has a parent")
	}
}

// What cannot be mounted is an error, which bench says instead of a figure.
func TestMountForBenchFails(t *testing.T) {
	if m, err := mountForBench(filepath.Join(t.TempDir(), "missing")); err == nil {
		_ = m.Close()
		t.Error("it mounted over nothing")
	}
}

//go:build linux

package procfs

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	const rest = " S 10 20 30 34816 40 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 100 200"
	for _, c := range []struct {
		line string
		want Stat
		ok   bool
	}{
		{"1 (bash)" + rest, Stat{"bash", 'S', 10, 20, 30, 34816, 40, 12345}, true},
		{"1 (a) b) (c)" + rest, Stat{"a) b) (c", 'S', 10, 20, 30, 34816, 40, 12345}, true},
		{"1 ()" + rest + "\n", Stat{"", 'S', 10, 20, 30, 34816, 40, 12345}, true},
		{"1 (x) R 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9", Stat{"x", 'R', 0, 0, 0, 0, -1, 9}, true},
		{"", Stat{}, false},
		{"1 bash S 10", Stat{}, false},
		{")(", Stat{}, false},
		{"1 (bash) S 10 20", Stat{}, false},
		{"1 (bash) S ten 20 30 34816 40 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345", Stat{}, false},
	} {
		got, err := parseStat([]byte(c.line))
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.line, err)
		}
		if d := cmp.Diff(c.want, got); c.ok && d != "" {
			t.Errorf("%q (-want +got):\n%s", c.line, d)
		}
	}
}

func TestParseStatus(t *testing.T) {
	text := "Name:\ta\\nb c\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t7\nUid:\t1\t2\t3\t4\nGroups:\t5 20 \nNStgid:\t7\t1\nNSpid:\t8\t2\nNSpgid:\t7\t1\nNSsid:\t6\t0\n" +
		"SigPnd:\t0000000000000100\nShdPnd:\t0000000000000001\nSigBlk:\t0000000000200000\nSigIgn:\t8000000000000000\nCapEff:\t000001ffffffffff\n"
	want := Status{Comm: `a\nb c`, TGID: 7, UID: [4]int{1, 2, 3, 4}, Groups: []int{5, 20}, NSpid: []int{8, 2}, NSpgid: []int{7, 1}, NSsid: []int{6, 0},
		SigPnd: 0x100, ShdPnd: 1, SigBlk: 0x200000, SigIgn: 1 << 63, CapEff: 0x1ffffffffff}
	got, err := parseStatus(text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, bad := range []string{"", "nothing known\n", "Foo: 1\n", "Tgid:\tx\n", "NSpid:\t1\tx\n", "SigIgn:\tzz\n", "Uid:\t1\tx\n"} {
		if got, err := parseStatus(bad); err == nil {
			t.Errorf("%q gives %+v", bad, got)
		}
	}
	if _, err := parseStatus("Tgid:\t7\nGroups:\t \n"); err != nil {
		t.Errorf("no groups: %v", err)
	}
}

// FuzzParse checks that nothing that a process can call itself breaks the parsers.
func FuzzParse(f *testing.F) {
	f.Add([]byte("1 (bash) S 10 20 30 34816 40 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345"))
	f.Add([]byte("Name:\tx\nUid:\t1\t2\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parseStat(b)
		_, _ = parseStatus(string(b))
	})
}

// TestProcesses asks about a child, alive, dead and gone.
func TestProcesses(t *testing.T) {
	cmd := exec.Command("cat")
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip("needs cat:", err)
	}
	pid := cmd.Process.Pid
	s, err := ReadStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	if s.PPID != os.Getpid() || s.PGRP != pid || s.Session != pid || s.TTY != 0 || s.TPGID != -1 || s.StartTime == 0 {
		t.Errorf("stat of a session leader without a terminal: %+v", s)
	}
	status, err := ReadStatus(pid)
	if err != nil {
		t.Fatal(err)
	}
	if status.TGID != pid || status.NSpid[0] != pid || status.NSsid[0] != pid || status.UID[1] != os.Geteuid() {
		t.Errorf("status: %+v", status)
	}
	if status.Comm != Comm(pid) {
		t.Errorf("it is called %q and %q", status.Comm, Comm(pid))
	}
	pids, err := PIDs()
	if err != nil || !slices.Contains(pids, pid) || !slices.Contains(pids, os.Getpid()) {
		t.Errorf("pids %v lack %d or %d: %v", pids, pid, os.Getpid(), err)
	}

	in.Close()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadStat(pid); err != nil || s.State != 'Z' {
		t.Errorf("a dead child: %+v, %v", s, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := ReadStat(pid); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
		t.Errorf("a child that is gone: %v", err)
	}
	if _, err := ReadStatus(pid); err == nil {
		t.Error("a child that is gone has a status")
	}
	if got := Comm(pid); got != "" {
		t.Errorf("a child that is gone is called %q", got)
	}
}

// TestThread asks about a thread by its own id.
func TestThread(t *testing.T) {
	s, err := ReadStatus(unix.Gettid())
	if err != nil {
		t.Fatal(err)
	}
	if s.TGID != os.Getpid() {
		t.Errorf("thread %s is of process %d, want %d", strconv.Itoa(unix.Gettid()), s.TGID, os.Getpid())
	}
}

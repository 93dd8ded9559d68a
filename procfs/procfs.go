//go:build linux

// Package procfs reads the few facts about other processes that ptsns needs from
// /proc. Every answer is a snapshot: the process may be gone by the time it is
// used, and a caller that must not act on a stranger holds a pidfd first.
//
// The package has no lock and no state. Nothing in it blocks on the process it
// asks about, except that /proc itself may make a reader wait for that process's
// memory map lock.
package procfs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Stat is what /proc/PID/stat says, in the pid namespace of /proc's mount.
type Stat struct {
	Comm      string
	State     byte // 'R', 'S', 'Z', ...
	PPID      int
	PGRP      int
	Session   int
	TTY       uint64 // device number of the controlling terminal, 0 when none
	TPGID     int    // its foreground process group, -1 when none
	StartTime uint64 // clock ticks after boot; with the pid, an identity
}

// ReadStat reads the stat of a process or thread. The error of one that does not
// exist wraps fs.ErrNotExist or ESRCH.
func ReadStat(pid int) (Stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Stat{}, err
	}
	return parseStat(b)
}

// parseStat splits at the last ')' because comm may hold anything.
func parseStat(b []byte) (Stat, error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return Stat{}, fmt.Errorf("parsing stat %q: no command in parentheses", b)
	}
	f := strings.Fields(string(b[end+1:]))
	if len(f) < 20 {
		return Stat{}, fmt.Errorf("parsing stat %q: %d fields after the command", b, len(f))
	}
	s := Stat{Comm: string(b[open+1 : end]), State: f[0][0]}
	var err error
	num := func(i int) int64 {
		n, e := strconv.ParseInt(f[i], 10, 64)
		if e != nil && err == nil {
			err = fmt.Errorf("parsing stat field %d: %w", i+3, e)
		}
		return n
	}
	s.PPID, s.PGRP, s.Session = int(num(1)), int(num(2)), int(num(3))
	s.TTY, s.TPGID = uint64(num(4)), int(num(5))
	s.StartTime = uint64(num(19))
	return s, err
}

// Comm is the name of a process, "" when it is gone.
func Comm(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

// Status is the part of /proc/PID/status that stat does not have.
type Status struct {
	Comm   string // control characters escaped
	TGID   int
	UID    [4]int // real, effective, saved, file system
	NSpid  []int  // the pid in each pid namespace, from /proc's inwards
	NSpgid []int
	NSsid  []int
	Groups []int  // supplementary
	SigPnd uint64 // pending for the thread; bit N-1 is signal N, as in the others
	ShdPnd uint64 // pending for the whole process
	SigBlk uint64
	SigIgn uint64
	CapEff uint64
}

// ReadStatus reads the status of a process or thread.
func ReadStatus(pid int) (Status, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Status{}, err
	}
	return parseStatus(string(b))
}

func parseStatus(text string) (Status, error) {
	var s Status
	seen := 0
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		f := strings.Fields(value)
		if len(f) == 0 {
			continue
		}
		var err error
		switch key {
		case "Name":
			s.Comm = strings.TrimSpace(value)
		case "Tgid":
			s.TGID, err = strconv.Atoi(f[0])
		case "Uid":
			for i := range min(len(f), 4) {
				if s.UID[i], err = strconv.Atoi(f[i]); err != nil {
					break
				}
			}
		case "NSpid":
			s.NSpid, err = atois(f)
		case "NSpgid":
			s.NSpgid, err = atois(f)
		case "NSsid":
			s.NSsid, err = atois(f)
		case "Groups":
			s.Groups, err = atois(f)
		case "SigPnd":
			s.SigPnd, err = strconv.ParseUint(f[0], 16, 64)
		case "ShdPnd":
			s.ShdPnd, err = strconv.ParseUint(f[0], 16, 64)
		case "SigBlk":
			s.SigBlk, err = strconv.ParseUint(f[0], 16, 64)
		case "SigIgn":
			s.SigIgn, err = strconv.ParseUint(f[0], 16, 64)
		case "CapEff":
			s.CapEff, err = strconv.ParseUint(f[0], 16, 64)
		default:
			continue
		}
		if err != nil {
			return s, fmt.Errorf("parsing status line %q: %w", line, err)
		}
		seen++
	}
	if seen == 0 {
		return s, fmt.Errorf("parsing status: no known field")
	}
	return s, nil
}

func atois(f []string) ([]int, error) {
	out := make([]int, len(f))
	for i, v := range f {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// PIDs lists the processes that /proc shows.
func PIDs() ([]int, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

//go:build linux

package nsexec

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// process is one process for good: a pid may be used again, but not with the same
// start time.
type process struct {
	pid   int
	start uint64
}

// stat is a process as /proc/PID/stat has it.
type stat struct {
	process
	parent int
	ended  bool // every thread of it
}

// open returns a pidfd of p, or ESRCH when it is gone. proc is an fd of /proc.
func (p process) open(proc int) (int, error) {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		return -1, err
	}
	if now, err := readStat(proc, strconv.Itoa(p.pid)); err != nil || now.process != p {
		_ = unix.Close(fd) // somebody else's
		return -1, syscall.ESRCH
	}
	return fd, nil
}

// signalAll sends signals, in this order, to each of processes and returns them
// without those that it may not send to.
func signalAll(proc int, processes []process, signals ...syscall.Signal) (allowed []process) {
	for _, p := range processes {
		fd, err := p.open(proc)
		if err != nil {
			continue // gone
		}
		for _, sig := range signals {
			err = errors.Join(err, unix.PidfdSendSignal(fd, sig, nil, 0))
		}
		_ = unix.Close(fd) // only a name
		if !errors.Is(err, syscall.EPERM) {
			allowed = append(allowed, p)
		}
	}
	return allowed
}

// descendants lists the children of pid, their children and so on, but for those
// that have ended and are not pid's to reap.
func descendants(proc, pid int) []process {
	children := map[int][]stat{}
	for _, p := range allProcesses(proc) {
		children[p.parent] = append(children[p.parent], p)
	}
	var found []process
	queue := []int{pid}
	for len(queue) > 0 {
		for _, c := range children[queue[0]] {
			queue = append(queue, c.pid)
			if !c.ended || c.parent == pid {
				found = append(found, c.process)
			}
		}
		queue = queue[1:]
	}
	return found
}

// allProcesses lists what is in proc, an fd of /proc. What ends meanwhile may be
// missing.
func allProcesses(proc int) []stat {
	fd, err := unix.Openat(proc, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	dir := os.NewFile(uintptr(fd), "/proc")
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // as far as it goes
	var all []stat
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		if p, err := readStat(proc, name); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// Fields of /proc/PID/stat after the name, which ends with the last parenthesis.
const (
	statState   = 0
	statParent  = 1
	statThreads = 17
	statStart   = 19
)

// readStat reads one process's directory in proc.
func readStat(proc int, name string) (stat, error) {
	fd, err := unix.Openat(proc, name+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return stat{}, err
	}
	f := os.NewFile(uintptr(fd), "stat")
	defer f.Close()
	line, err := io.ReadAll(f)
	if err != nil {
		return stat{}, err
	}
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) <= statStart {
		return stat{}, syscall.EBADMSG
	}
	pid, err1 := strconv.Atoi(name)
	parent, err2 := strconv.Atoi(string(fields[statParent]))
	threads, err3 := strconv.Atoi(string(fields[statThreads]))
	start, err4 := strconv.ParseUint(string(fields[statStart]), 10, 64)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return stat{}, err
	}
	state := fields[statState][0]
	// The first thread may have ended and left others.
	ended := (state == 'Z' || state == 'X') && threads <= 1
	return stat{process: process{pid: pid, start: start}, parent: parent, ended: ended}, nil
}

//go:build linux

package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// idlePairs are how many pairs are opened to see what one costs, or as many as the
// limit of open files allows.
const idlePairs = 1000

// measureIdle is the memory that an open pair takes.
func measureIdle(s slice) (perPair float64, err error) {
	n, err := affordablePairs()
	if err != nil {
		return 0, err
	}
	fds := make([]int, 0, 2*n)
	defer func() {
		for _, fd := range fds {
			err = errors.Join(err, unix.Close(fd))
		}
		err = errors.Join(err, s.settle())
	}()
	before, err := kernelMemory()
	if err != nil {
		return 0, err
	}
	for range n {
		ptm, pts, err := s.contender.Open()
		if err != nil {
			return 0, fmt.Errorf("pair %d of %d: %w", len(fds)/2+1, n, err)
		}
		fds = append(fds, ptm, pts)
	}
	after, err := kernelMemory()
	if err != nil {
		return 0, err
	}
	grown, err := s.server.grown()
	if err != nil {
		return 0, err
	}
	return float64(after-before+grown) / float64(n), nil
}

// settle returns when all that was closed before is: a server closes when it comes to it,
// but before it opens anything more.
func (s slice) settle() error {
	ptm, pts, err := s.contender.Open()
	if err != nil {
		return err
	}
	return errors.Join(unix.Close(pts), unix.Close(ptm))
}

// affordablePairs is how many pairs the limit of open files allows.
func affordablePairs() (int, error) {
	const others = 64 // descriptors for everything else
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("ask for the limit of open files: %w", err)
	}
	if limit.Cur < others+2 {
		return 0, fmt.Errorf("no more than %d open files are allowed: %w", limit.Cur, unix.EMFILE)
	}
	return int(min(idlePairs, (limit.Cur-others)/2)), nil
}

// kernelMemory is what the kernel uses for itself, in bytes. What was given up and
// only waits for a grace period is waited for first.
func kernelMemory() (int64, error) {
	for range 2 { // what the first one frees may free more
		if err := gracePeriod(); err != nil {
			return 0, err
		}
	}
	sums, err := kilobytes("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	return sums["Slab"] + sums["VmallocUsed"] + sums["KernelStack"] + sums["PageTables"], nil
}

// gracePeriod waits until every processor has been through a quiescent state.
func gracePeriod() error {
	const global = 1 // MEMBARRIER_CMD_GLOBAL
	_, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0)
	if errno != 0 && errno != unix.ENOSYS && errno != unix.EINVAL { // without it the figure is less exact
		return fmt.Errorf("membarrier: %w", errno)
	}
	return nil
}

// serverMemory is what the process behind a contender has grown by. nil is a
// contender without one.
type serverMemory struct {
	pid    int   // immutable
	before int64 // immutable
}

// newServerMemories looks at the servers behind the contenders, by pid.
func newServerMemories(contenders []Contender) (map[int]*serverMemory, error) {
	servers := map[int]*serverMemory{}
	for _, c := range contenders {
		o, ok := c.(opener)
		if !ok || o.serverPID() == 0 {
			continue
		}
		before, err := residentMemory(o.serverPID())
		if err != nil {
			return nil, fmt.Errorf("the server behind %s: %w", c.Name(), err)
		}
		servers[o.serverPID()] = &serverMemory{pid: o.serverPID(), before: before}
	}
	return servers, nil
}

// grown is how much more it has now.
func (m *serverMemory) grown() (int64, error) {
	if m == nil {
		return 0, nil
	}
	now, err := residentMemory(m.pid)
	return now - m.before, err
}

func residentMemory(pid int) (int64, error) {
	sums, err := kilobytes("/proc/" + strconv.Itoa(pid) + "/status")
	return sums["VmRSS"], err
}

// kilobytes reads lines like "Slab:  123 kB", in bytes. Other lines are left out.
func kilobytes(path string) (map[string]int64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sums := map[string]int64{}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) != 3 || words[2] != "kB" {
			continue
		}
		if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
			sums[strings.TrimSuffix(words[0], ":")] = n << 10
		}
	}
	return sums, nil
}

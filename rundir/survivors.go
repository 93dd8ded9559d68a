//go:build linux

package rundir

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	killTime  = 10 * time.Second // for killed processes to end; longer only where the kernel is stuck
	killBatch = 256              // processes killed before waiting for them
)

// killAll kills every process that lives in a mount namespace with the marker, and
// waits until they have ended. Processes in our own mount namespace are never
// touched; a marker found there is an error.
func killAll(marker string) error {
	// A /proc of another pid namespace would tell wrong numbers.
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return errors.New("look for programs left inside: /proc does not belong to our pid namespace")
	}
	s := survivors{marker: marker, spaces: map[string]*os.File{}, known: map[string]bool{}}
	defer s.close()
	marked, err := s.marked("self")
	if err != nil {
		return fmt.Errorf("look for programs left inside: %w", err)
	}
	if marked {
		return fmt.Errorf("look for programs left inside: the marker %s is in our own mount namespace", marker)
	}
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return fmt.Errorf("look for programs left inside: %w", err)
	}
	s.own = own
	deadline := time.Now().Add(killTime)
	for {
		pids, err := s.find()
		if err != nil || len(pids) == 0 {
			return err
		}
		for batch := range slices.Chunk(pids, killBatch) {
			if err := s.kill(batch, deadline); err != nil {
				return err
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("programs left inside keep coming: %s", listPIDs(pids))
		}
	}
}

// survivors is one search for processes.
type survivors struct {
	marker string
	own    string              // our own mount namespace, as its link reads
	spaces map[string]*os.File // mount namespaces with the marker; kept open so that their numbers are not reused
	known  map[string]bool     // mount namespace and root without the marker, as read in this pass
}

func (s *survivors) close() {
	for _, f := range s.spaces {
		_ = f.Close() // only kept open
	}
}

// find is one pass over all processes.
func (s *survivors) find() ([]string, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("look for programs left inside: %w", err)
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("look for programs left inside: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name[0] < '1' || name[0] > '9' })

	// First all mount namespaces with the marker, then all processes in them: one
	// that has changed its root does not show the marker itself.
	clear(s.known)
	for _, pid := range names {
		s.learn(pid)
	}
	return slices.DeleteFunc(names, func(pid string) bool { return !s.inside(pid) }), nil
}

// learn adds pid's mount namespace to those with the marker when it has it. Each is
// read once for every root directory in use there.
func (s *survivors) learn(pid string) {
	space, err := os.Readlink(filepath.Join("/proc", pid, "ns/mnt"))
	if err != nil || space == s.own || s.spaces[space] != nil {
		return
	}
	root, _ := os.Readlink(filepath.Join("/proc", pid, "root")) // "" is a key as good as any
	key := space + root
	if s.known[key] {
		return
	}
	marked, err := s.marked(pid)
	if err != nil {
		return // it has ended, which says nothing of others in there
	}
	if !marked {
		s.known[key] = true
		return
	}
	f, err := os.Open(filepath.Join("/proc", pid, "ns/mnt"))
	if err != nil {
		return // it has ended
	}
	// The process may have ended and its number come back in between; what is open
	// now decides.
	if now, err := os.Readlink(filepath.Join("/proc/self/fd", strconv.Itoa(int(f.Fd())))); err != nil || now != space {
		_ = f.Close() // not kept
		return
	}
	s.spaces[space] = f
}

// inside reports whether pid lives in a mount namespace with the marker. Where we
// may not ask for the mount namespace its mounts tell, and where we may not read
// these it is not ours. A zombie has no mount namespace.
func (s *survivors) inside(pid string) bool {
	space, err := os.Readlink(filepath.Join("/proc", pid, "ns/mnt"))
	if errors.Is(err, os.ErrPermission) {
		marked, err := s.marked(pid)
		return err == nil && marked
	}
	return err == nil && space != s.own && s.spaces[space] != nil
}

// marked reports whether the marker is the source of a mount that pid sees. A process
// that is ending has no mounts to read.
func (s *survivors) marked(pid string) (bool, error) {
	data, err := os.ReadFile(filepath.Join("/proc", pid, "mountinfo"))
	if err != nil || !bytes.Contains(data, []byte(s.marker)) {
		return false, err
	}
	return slices.ContainsFunc(parseMountinfo(data), func(m mount) bool { return m.source == s.marker }), nil
}

// kill kills pids that are still inside and waits until they have ended.
func (s *survivors) kill(pids []string, deadline time.Time) error {
	var dying []unix.PollFd
	defer func() {
		for _, p := range dying {
			_ = unix.Close(int(p.Fd))
		}
	}()
	for _, pid := range pids {
		n, err := strconv.Atoi(pid)
		if err != nil {
			return err
		}
		fd, err := unix.PidfdOpen(n, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open process %d left inside: %w", n, err)
		}
		dying = append(dying, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		if !s.inside(pid) { // the number was given to another one, or it has ended
			_ = unix.Close(fd)
			dying = dying[:len(dying)-1]
			continue
		}
		if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("kill process %d left inside: %w", n, err)
		}
	}
	return await(dying, deadline)
}

// await waits until every process in dying has ended.
func await(dying []unix.PollFd, deadline time.Time) error {
	left := slices.Clone(dying)
	for len(left) > 0 {
		ms := time.Until(deadline).Milliseconds()
		if ms <= 0 {
			return fmt.Errorf("%d programs left inside were killed and do not end", len(left))
		}
		if _, err := retry(func() (int, error) { return unix.Poll(left, int(ms)) }); err != nil {
			return fmt.Errorf("wait for programs left inside: %w", err)
		}
		left = slices.DeleteFunc(left, func(p unix.PollFd) bool { return p.Revents != 0 })
	}
	return nil
}

// listPIDs names a few of pids for a message.
func listPIDs(pids []string) string {
	const few = 8
	if len(pids) > few {
		return strings.Join(pids[:few], " ") + " ..."
	}
	return strings.Join(pids, " ")
}

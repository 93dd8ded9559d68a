//go:build linux

package devptsd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/fusefs"
	"github.com/ptsns/ptsns/pts"
)

var (
	errUnknown   = errors.New("the server does not know this request; is it of another version?")
	errNoMount   = errors.New("the system has no such mount")
	errNoFuse    = errors.New("a mount needs a /dev/fuse descriptor")
	errNamespace = errors.New("the system is served in other namespaces")
)

// mount makes what is asked for and serves it on the descriptor that came along.
func (s *Server) mount(c *conn, r request) answer {
	fuse := c.take()
	if fuse == nil {
		return refuse(errNoFuse)
	}
	m, err := s.newMount(c, r)
	if err != nil {
		_ = fuse.Close()
		return refuse(err)
	}
	x := &mounted{mount: m, source: r.Source, created: time.Now(), gone: make(chan struct{})}
	s.mu.Lock()
	s.mounts = append(s.mounts, x)
	s.mu.Unlock()
	door, err := fusefs.ServeTree(fuse, root{node{m.Root()}, s, m}, s.caller, s.loop, func() { s.unmounted(x) })
	if err != nil {
		s.unmounted(x)
		return refuse(err)
	}
	s.mu.Lock()
	x.door = door
	s.mu.Unlock()
	select {
	case <-x.gone: // before it knew of its door
		door.Close()
	default:
	}
	c.made = x
	var a answer
	for _, w := range m.Warnings() {
		a.Warnings = append(a.Warnings, w.String())
	}
	return a
}

// newMount mounts as the process at the other end of c would have.
func (s *Server) newMount(c *conn, r request) (*devpts.Mount, error) {
	if g := s.system.Generation(); g != r.Generation {
		return nil, fmt.Errorf("system %q is of generation %s, not %s: %w", s.entry.Name(), g, r.Generation, unix.EBUSY)
	}
	by, err := mounter(c)
	if err != nil {
		return nil, err
	}
	if r.Task == 0 {
		return s.system.Mount(by, r.Options)
	}
	if s.system.Generation() != devpts.Cloned {
		return nil, fmt.Errorf("task= has a meaning in generation cloned alone: %w", unix.EINVAL)
	}
	n, err := s.namespaceOf(r.Task)
	if err != nil {
		return nil, err
	}
	return n.Mount(by, r.Options)
}

// mounter is the process at the other end of c, if it can mount here: ids of callers
// come to us as the namespaces of the mounter have them.
func mounter(c *conn) (devpts.Mounter, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return devpts.Mounter{}, err
	}
	var cred *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); cerr != nil || err != nil {
		return devpts.Mounter{}, errors.Join(cerr, err)
	}
	m := devpts.Mounter{UID: int(cred.Uid), GID: int(cred.Gid)}
	for _, kind := range []string{"user", "pid", "mnt"} {
		same, err := sameNamespace(int(cred.Pid), kind)
		if err != nil {
			return m, err
		}
		switch {
		case same:
		case kind == "mnt":
			m.OtherMountNS = true
		default:
			return m, fmt.Errorf("%w: the %s namespace is another; name a system of your own with --system", errNamespace, kind)
		}
	}
	return m, nil
}

func sameNamespace(pid int, kind string) (bool, error) {
	theirs, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/" + kind)
	if err != nil {
		return false, err
	}
	ours, err := os.Readlink("/proc/self/ns/" + kind)
	return theirs == ours, err
}

// unmounted is the end of a mount, from the event loop.
func (s *Server) unmounted(x *mounted) {
	s.mu.Lock()
	door := x.door
	s.mu.Unlock()
	if door != nil {
		door.Close()
	}
	_ = x.mount.Detach() // an instance that nobody uses goes now
	s.mu.Lock()
	defer s.mu.Unlock()
	close(x.gone)
	s.mounts = slices.DeleteFunc(s.mounts, func(m *mounted) bool { return m == x })
	s.endIfIdleLocked()
}

// find is the mount with that device number.
func (s *Server) find(device string) (*mounted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.mounts {
		if m.device == device && device != "" {
			return m, nil
		}
	}
	return nil, errNoMount
}

// attached is told where the mount that c made last has its place, and notes that it is
// ours, for those who find us dead.
func (s *Server) attached(c *conn, device, dir string) error {
	s.mu.Lock()
	if c.made != nil {
		c.made.device, c.made.dir = device, dir
	}
	var devices []string
	found := false
	for _, m := range s.mounts {
		found = found || m == c.made
		if m.device != "" {
			devices = append(devices, m.device)
		}
	}
	s.mu.Unlock()
	if !found {
		return errNoMount
	}
	return s.entry.SetMounts(devices)
}

func (s *Server) remount(r request) answer {
	m, err := s.find(r.Device)
	if err == nil {
		err = m.mount.Remount(r.Options)
	}
	a := refuse(err)
	if m != nil {
		for _, w := range m.mount.Warnings() {
			a.Warnings = append(a.Warnings, w.String())
		}
	}
	return a
}

// wait returns when the mount is gone, or everything is.
func (s *Server) wait(device string) {
	m, err := s.find(device)
	if err != nil {
		return
	}
	select {
	case <-m.gone:
	case <-s.over:
	}
}

// caller is the process behind a request of a mount.
func (s *Server) caller(pid, uid, gid int) pts.Caller { return s.procs.Process(pid, uid, gid) }

// errnoOf is the number that an error of devpts has.
func errnoOf(err error) unix.Errno {
	var e pts.Errno
	_ = errors.As(err, &e) // 0 when it has none
	return unix.Errno(e)
}

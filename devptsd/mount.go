//go:build linux

package devptsd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/fsmount"
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
	x := &mounted{mount: m, source: r.Source, dir: r.Dir, device: r.Device, created: time.Now(), gone: make(chan struct{})}
	if err := s.show(c, x, r); err != nil {
		_ = fuse.Close()
		s.unmounted(x)
		return refuse(err)
	}
	if err := s.note(); err != nil {
		_ = fuse.Close()
		s.unmounted(x)
		return refuse(err)
	}
	door, err := fusefs.ServeTree(fuse, root{node{m.Root(), s}, m}, s.caller, s.loop, func() { s.unmounted(x) })
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
	return answer{Warnings: warnings(m)}
}

// newMount mounts as the process at the other end of c would have.
func (s *Server) newMount(c *conn, r request) (*devpts.Mount, error) {
	if g := s.system.Generation(); g != r.Generation {
		return nil, fmt.Errorf("system %q is of generation %s, not %s: %w", s.entry.Name(), g, r.Generation, unix.EBUSY)
	}
	by, err := s.mounter(c)
	if err != nil {
		return nil, err
	}
	if r.Task == 0 {
		return s.system.Mount(by, r.Options)
	}
	if s.system.Generation() != devpts.Cloned {
		return nil, fmt.Errorf("task= has a meaning in generation cloned alone: %w", unix.EINVAL)
	}
	n, err := s.ptsNamespaceOf(r.Task)
	if err != nil {
		return nil, err
	}
	return n.Mount(by, r.Options)
}

// mounter is the process at the other end of c, if it can mount here: ids of callers
// come to us as the namespaces of the mounter have them.
func (s *Server) mounter(c *conn) (devpts.Mounter, error) {
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
	if cred.Pid == 0 {
		return m, fmt.Errorf("%w: it cannot see your processes; name a system of your own with --system", errNamespace)
	}
	for _, kind := range []string{"user", "pid"} {
		theirs, err := namespaceOf(int(cred.Pid), kind)
		if err != nil {
			return m, err
		}
		if ours, err := namespaceOf(os.Getpid(), kind); err != nil || ours != theirs {
			return m, errors.Join(err, fmt.Errorf("%w: your %s namespace is another; name a system of your own with --system", errNamespace, kind))
		}
	}
	mnt, err := MountNamespace(int(cred.Pid))
	m.OtherMountNS = mnt != s.cfg.Home
	return m, err
}

// MountNamespace names the mount namespace of a process.
func MountNamespace(pid int) (string, error) { return namespaceOf(pid, "mnt") }

func namespaceOf(pid int, kind string) (string, error) {
	return os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/" + kind)
}

// unmounted is the end of a mount, from the event loop, or when there is none any more.
func (s *Server) unmounted(x *mounted) {
	x.once.Do(func() {
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
		s.hideLocked(x.mount.Instance())
		s.endIfIdleLocked()
	})
}

// find is the mount with that device number.
func (s *Server) find(device string) (*mounted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.mounts) { // one that is gone may still be there, with a number used again
		if m.device == device {
			return m, nil
		}
	}
	return nil, errNoMount
}

// note writes down which mounts are ours, for those who find us dead. What has ended
// stands there until the next is noted.
func (s *Server) note() error {
	s.noting.Lock()
	defer s.noting.Unlock()
	var devices []string
	s.mu.Lock()
	for _, m := range s.mounts {
		devices = append(devices, m.device)
	}
	s.mu.Unlock()
	return s.entry.SetMounts(devices)
}

func (s *Server) remount(r request) answer {
	m, err := s.find(r.Device)
	if err != nil {
		return refuse(err)
	}
	if h := s.handsOf(m.mount.Instance()); h != nil {
		if err := h.fits(r); err != nil {
			return refuse(err)
		}
	}
	options := r.Options
	if r.Merge {
		options = strings.Join(append(fsmount.Split(m.mount.String()).Rest, options), ",")
	}
	a := refuse(m.mount.Remount(options))
	a.Warnings = warnings(m.mount)
	return a
}

func warnings(m *devpts.Mount) (list []string) {
	for _, w := range m.Warnings() {
		list = append(list, w.String())
	}
	return list
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

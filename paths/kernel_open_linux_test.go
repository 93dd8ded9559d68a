package paths_test

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// as runs f with the file system ids of uid, and its group alone.
func as(uid int, f func()) {
	if uid == 0 {
		f()
		return
	}
	// The raw call is for this thread alone.
	if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); e != 0 {
		panic(e)
	}
	_ = unix.Setfsgid(uid)
	_ = unix.Setfsuid(uid)
	f()
	_ = unix.Setfsuid(0)
	_ = unix.Setfsgid(0)
}

func (k *kernel) open(where string, flags, uid int) string {
	dirfd, path := unix.AT_FDCWD, where
	if name, ok := strings.CutPrefix(where, "@"); ok {
		name, rest, below := strings.Cut(name, "/")
		if _, ok := k.held[name]; !ok {
			return "not held"
		}
		dirfd, path = k.held[name], rest
		if !below {
			dirfd, path = k.proc, strconv.Itoa(k.held[name])
		}
	}
	var fd int
	var err error
	as(uid, func() { fd, err = unix.Openat(dirfd, path, flags|unix.O_CLOEXEC, 0o666) })
	if err != nil {
		return errnoName(errno(err))
	}
	k.ends = append(k.ends, fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err.Error()
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFCHR { // Open opens terminals alone
		_ = unix.Close(fd)
		k.ends = k.ends[:len(k.ends)-1]
		if kind == unix.S_IFDIR {
			return "EISDIR"
		}
		return "ENOTTY"
	}
	self, err := k.readlink(fd)
	if err != nil {
		return err.Error()
	}
	index, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == unix.ENOTTY {
		return fmt.Sprintf("pts %d/%d self %s", k.inst[st.Dev], unix.Minor(st.Rdev), self)
	}
	if err != nil {
		return err.Error()
	}
	k.last, k.uid = fd, uid
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return err.Error()
	}
	peer, dev := k.openPeer()
	inst := k.inst[dev]
	if dev == 0 {
		inst = k.find(index)
	}
	k.seen[fmt.Sprint(inst, index)] = true
	return fmt.Sprintf("%d/%d peer %s self %s", inst, index, peer, self)
}

// find tells whose index it is that just was opened: the one where it is seen, and was not
// before.
func (k *kernel) find(index int) int {
	for n, dir := range k.at {
		var st unix.Stat_t
		if unix.Stat(fmt.Sprintf("%s/%d", dir, index), &st) == nil && k.inst[st.Dev] == n && !k.seen[fmt.Sprint(n, index)] {
			return n
		}
	}
	return 0
}

// openPeer opens the pts of the last ptm for who opened that: its path, and the device of
// the instance.
func (k *kernel) openPeer() (string, uint64) {
	var fd int
	var err error
	as(k.uid, func() {
		var r uintptr
		var e syscall.Errno
		r, _, e = unix.Syscall(unix.SYS_IOCTL, uintptr(k.last), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
		fd = int(r)
		if e != 0 {
			err = e
		}
	})
	if err != nil {
		return errnoName(errno(err)), 0
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err.Error(), 0
	}
	path, err := k.readlink(fd)
	if err != nil {
		return err.Error(), 0
	}
	return path, st.Dev
}

func (k *kernel) peer() string {
	if k.last < 0 {
		return "no ptm"
	}
	path, _ := k.openPeer()
	return path
}

func (k *kernel) close() {
	for _, fd := range k.ends {
		_ = unix.Close(fd)
	}
	k.ends, k.last = nil, -1
	clear(k.seen)
}

func (k *kernel) release() {
	_ = unix.Close(k.proc)
	for _, fd := range k.held {
		_ = unix.Close(fd)
	}
}

//go:build linux

package fusefs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	scenarios["directory"] = scenario{options: "mode=620,gid=5,ptmxmode=666", run: directory}
	scenarios["directory changes"] = scenario{options: "mode=620,ptmxmode=666", run: directoryChanges}
	scenarios["closed directory"] = scenario{options: "ptmxmode=666", run: closedDirectory}
	scenarios["long directory"] = scenario{options: "ptmxmode=666,max=1100", run: longDirectory}
	scenarios["node of a pts"] = scenario{options: "mode=600,ptmxmode=666", run: nodeOfPts}
	scenarios["closed nodes"] = scenario{run: closedNodes}
	scenarios["events"] = scenario{run: events}
}

// list shows the names of /dev/pts with the inode numbers that it lists them under.
func (s *stage) list(label string) {
	fd, err := unix.Open("/dev/pts", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	s.must(err, "opening /dev/pts")
	defer unix.Close(fd)
	s.say("%s: %s", label, s.entries(fd))
}

func (s *stage) entries(dir int) (list string) {
	b := make([]byte, 1024)
	for {
		n, err := unix.Getdents(dir, b)
		s.must(err, "getdents")
		if n == 0 {
			return list
		}
		for e := b[:n]; len(e) > 0; e = e[int(e[16])|int(e[17])<<8:] {
			name, _, _ := bytes.Cut(e[19:], []byte{0})
			list += fmt.Sprintf("%s=%d ", name, binary.NativeEndian.Uint64(e))
		}
	}
}

func (s *stage) stat(label, path string) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		s.say("%s: %s", label, name(err))
		return
	}
	s.say("%s: inode %d permissions %o links %d uid %d gid %d block %d blocks %d", label, st.Ino, st.Mode&0o7777, st.Nlink, st.Uid, st.Gid, st.Blksize, st.Blocks)
}

func directory(s *stage) {
	s.list("empty")
	var m [3]int
	for i := range m {
		m[i] = s.open(unix.O_RDWR)
	}
	s.list("three")
	s.close(m[1])
	s.list("two")
	m[1] = s.open(unix.O_RDWR)
	s.list("three again")
	s.stat("root", "/dev/pts")
	s.stat("root as a directory", "/dev/pts/.")
	s.stat("terminal 2", "/dev/pts/2")
	s.stat("ptmx", "/dev/pts/ptmx")
	for _, name := range []string{"3", "00", "-1", "x", "2/", "2/x", "tt", ".ptmx", "4294967298", strings.Repeat("a", 255), strings.Repeat("a", 256)} {
		s.stat(fmt.Sprintf("%.12q of %d bytes", name, len(name)), "/dev/pts/"+name)
	}
	var st unix.Statfs_t
	s.must(unix.Statfs("/dev/pts", &st), "statfs")
	s.say("statfs: block %d blocks %d files %d name %d", st.Bsize, st.Blocks, st.Files, st.Namelen)
	s.say("file system %x", st.Type)

	// One open directory, read again from its beginning.
	dir, err := unix.Open("/dev/pts", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	s.must(err, "opening /dev/pts")
	s.say("at first: %s", s.entries(dir))
	s.close(m[2])
	s.say("at the end: %s", s.entries(dir))
	_, err = unix.Seek(dir, 0, unix.SEEK_SET)
	s.must(err, "seeking to the beginning")
	s.say("again: %s", s.entries(dir))
	s.say("fsync of the directory: %s", name(unix.Fsync(dir)))
	_, err = unix.Read(dir, make([]byte, 10))
	s.say("read of the directory: %s", name(err))
	_, err = unix.Open("/dev/pts", unix.O_RDWR, 0)
	s.say("open of the directory to write: %s", name(err))
}

func directoryChanges(s *stage) {
	m := s.open(unix.O_RDWR)
	s.unlock(m)
	try := func(who string) {
		say := func(what string, err error) { s.say("%s by %s: %s", what, who, name(err)) }
		create := func(name string, flags int) error {
			fd, err := unix.Open("/dev/pts/"+name, flags|unix.O_CREAT|unix.O_RDWR|unix.O_NOCTTY, 0o666)
			if err == nil {
				_ = unix.Close(fd)
			}
			return err
		}
		say("create", create("new", 0))
		say("create what is there", create("0", 0))
		say("create only", create("0", unix.O_EXCL))
		say("mkdir", unix.Mkdir("/dev/pts/new", 0o777))
		say("mkdir of what is there", unix.Mkdir("/dev/pts/0", 0o777))
		say("mknod of a file", unix.Mknod("/dev/pts/new", unix.S_IFREG|0o666, 0))
		say("mknod of a pipe", unix.Mknod("/dev/pts/new", unix.S_IFIFO|0o666, 0))
		say("mknod of a device", unix.Mknod("/dev/pts/new", unix.S_IFCHR|0o666, 0x502))
		say("symlink", unix.Symlink("0", "/dev/pts/new"))
		say("link", unix.Link("/dev/pts/0", "/dev/pts/new"))
		say("unlink", unix.Unlink("/dev/pts/0"))
		say("unlink ptmx", unix.Unlink("/dev/pts/ptmx"))
		say("unlink nothing", unix.Unlink("/dev/pts/new"))
		say("rmdir", unix.Rmdir("/dev/pts/0"))
		say("rename", unix.Rename("/dev/pts/0", "/dev/pts/new"))
		say("rename to what is there", unix.Rename("/dev/pts/0", "/dev/pts/ptmx"))
		say("rename nothing", unix.Rename("/dev/pts/new", "/dev/pts/1"))
		say("exchange", unix.Renameat2(unix.AT_FDCWD, "/dev/pts/0", unix.AT_FDCWD, "/dev/pts/ptmx", unix.RENAME_EXCHANGE))
		say("truncate the root", unix.Truncate("/dev/pts", 0))
		_, err := unix.Readlink("/dev/pts/0", make([]byte, 10))
		say("readlink", err)
	}
	try("root")
	s.asNobody(func() { try("nobody") })
	s.say("rmdir of the root: %s", name(unix.Rmdir("/dev/pts")))
	s.say("rename out: %s", name(unix.Rename("/dev/pts/0", "/dev/shm/0")))
	s.list("unchanged")
}

// closedDirectory is one whose permission bits keep others out.
func closedDirectory(s *stage) {
	s.open(unix.O_RDWR)
	try := func(who string) {
		s.stat(who+" stats a terminal", "/dev/pts/0")
		fd, err := unix.Open("/dev/pts", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		s.say("%s lists: %s", who, name(err))
		_ = unix.Close(fd)
		s.say("%s has access %s, to search %s", who, name(unix.Access("/dev/pts", unix.R_OK)), name(unix.Access("/dev/pts", unix.X_OK)))
		s.say("%s makes: %s", who, name(unix.Mkdir("/dev/pts/x", 0o777)))
		s.tryOpen(who+" opens a ptmx that is bound elsewhere", unix.O_RDWR)
	}
	for _, mode := range []uint32{0o755, 0o711, 0o744, 0o700, 0o777, 0} {
		s.must(unix.Chmod("/dev/pts", mode), "chmod")
		s.stat(fmt.Sprintf("mode %o", mode), "/dev/pts")
		try("root")
		s.asNobody(func() { try("nobody") })
	}
	s.must(unix.Chmod("/dev/pts", 0o750), "chmod")
	s.must(unix.Chown("/dev/pts", 7, 12), "chown")
	s.as(nobody, nobody, []int{3, 12}, func() { try("a member of its group") })
	s.as(7, 7, nil, func() { try("its owner") })
}

// longDirectory does not fit in one answer.
func longDirectory(s *stage) {
	for i := range 1000 {
		if m := s.open(unix.O_RDWR); i == 500 {
			s.must(unix.Close(m), "closing")
		}
	}
	names, err := os.ReadDir("/dev/pts")
	s.must(err, "reading /dev/pts")
	seen := make(map[string]bool)
	for _, e := range names {
		if seen[e.Name()] {
			s.say("%s is there twice", e.Name())
		}
		seen[e.Name()] = true
	}
	for i := range 1000 {
		if !seen[strconv.Itoa(i)] {
			s.say("%d is missing", i)
		}
	}
	s.say("%d names", len(names))
}

func nodeOfPts(s *stage) {
	var m int
	s.asNobody(func() { m = s.open(unix.O_RDWR) })
	s.unlock(m)
	node := s.node(m)
	everybody := func(state string) {
		for _, uid := range []int{0, nobody, 1000} {
			s.as(uid, uid, []int{12}, func() {
				for _, flags := range []int{unix.O_RDWR, unix.O_RDONLY, unix.O_WRONLY} {
					fd, err := unix.Open(node, flags|unix.O_NOCTTY, 0)
					s.say("%s: %d opens %d: %s", state, uid, flags, name(err))
					_ = unix.Close(fd)
				}
				s.say("%s: access of %d to read %s, to write %s, to execute %s", state, uid, name(unix.Access(node, unix.R_OK)),
					name(unix.Access(node, unix.W_OK)), name(unix.Access(node, unix.X_OK)))
			})
		}
		s.stat(state, node)
	}
	everybody("fresh")
	s.as(1000, 1000, nil, func() {
		s.say("chmod by another: %s", name(unix.Chmod(node, 0o666)))
		s.say("chown by another: %s", name(unix.Chown(node, 1000, -1)))
		s.say("utimes by another: %s", name(unix.Utimes(node, []unix.Timeval{{Sec: 1}, {Sec: 2}})))
		s.say("touch by another: %s", name(unix.Utimes(node, nil)))
	})
	s.asNobody(func() {
		s.say("chmod by its owner: %s", name(unix.Chmod(node, 0o622)))
		s.say("chown by its owner: %s", name(unix.Chown(node, 1000, -1)))
		s.say("chgrp by its owner to another's: %s", name(unix.Chown(node, -1, 12)))
	})
	everybody("mesg y")
	s.as(1000, 1000, nil, func() { s.say("touch by who can write: %s", name(unix.Utimes(node, nil))) })
	s.say("chown by root: %s", name(unix.Chown(node, 1000, 12)))
	s.say("chmod by root: %s", name(unix.Chmod(node, 0o640)))
	everybody("given away")
	s.say("utimes by root: %s", name(unix.UtimesNanoAt(unix.AT_FDCWD, node, []unix.Timespec{{Sec: 5, Nsec: 7}, {Nsec: unix.UTIME_OMIT}}, 0)))
	var st unix.Stat_t
	s.must(unix.Stat(node, &st), "stat")
	s.say("times: read %d.%d, written long ago %v", st.Atim.Sec, st.Atim.Nsec, st.Mtim.Sec < 10)
	s.say("truncate: %s", name(unix.Truncate(node, 0)))
	p := s.pts(m)
	s.must(unix.Fchmod(p, 0o600), "fchmod")
	s.stat("fchmod", node)
	s.write("write", p, "x")
	s.await(m, unix.POLLIN)
	s.read("read", m, 10)
	s.must(unix.Stat(node, &st), "stat")
	s.say("written just now: %v, read long ago: %v", time.Since(time.Unix(st.Mtim.Unix())) < time.Minute, st.Atim.Sec == 5)
}

// closedNodes are still there for who has them open.
func closedNodes(s *stage) {
	m, p := s.pair()
	node := s.node(m)
	path, err := unix.Open(node, unix.O_PATH, 0)
	s.must(err, "O_PATH")
	var st unix.Stat_t
	state := func(label string) {
		for _, fd := range []int{p, path} {
			err := unix.Fstat(fd, &st)
			s.say("%s: inode %d links %d %s", label, st.Ino, st.Nlink, name(err))
		}
		_, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", path), unix.O_RDWR|unix.O_NOCTTY, 0)
		s.say("%s: open through /proc: %s", label, name(err))
		s.stat(label, node)
	}
	state("open")
	s.close(m)
	state("closed")
	s.must(unix.Close(p), "closing")
	m = s.open(unix.O_RDWR)
	s.unlock(m)
	s.say("the same name: %v", node == s.node(m))
	_, err = unix.Open(fmt.Sprintf("/proc/self/fd/%d", path), unix.O_RDWR|unix.O_NOCTTY, 0)
	s.say("the old node: %s", name(err))
	s.put(s.pts(m), "new")
	s.await(m, unix.POLLIN)
	s.read("the new one", m, 10)
}

// events is what inotify tells of the directory.
func events(s *stage) {
	in, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	s.must(err, "inotify_init1")
	_, err = unix.InotifyAddWatch(in, "/dev/pts", unix.IN_CREATE|unix.IN_DELETE|unix.IN_OPEN|unix.IN_ACCESS|unix.IN_MODIFY)
	s.must(err, "inotify_add_watch")
	m, p := s.rawPair()
	s.put(p, "x")
	s.await(m, unix.POLLIN)
	s.read("ptm", m, 1)
	s.put(m, "y")
	s.await(p, unix.POLLIN)
	s.read("pts", p, 1)
	s.must(unix.Close(p), "closing")
	s.close(m)
	b := make([]byte, 4096)
	n, err := unix.Read(in, b)
	s.must(err, "reading events")
	names := map[uint32]string{unix.IN_CREATE: "create", unix.IN_DELETE: "delete", unix.IN_OPEN: "open", unix.IN_ACCESS: "access", unix.IN_MODIFY: "modify"}
	var list []string
	for e := b[:n]; len(e) > 0; e = e[unix.SizeofInotifyEvent+binary.NativeEndian.Uint32(e[12:]):] {
		who, _, _ := bytes.Cut(e[unix.SizeofInotifyEvent:], []byte{0})
		list = append(list, fmt.Sprintf("%s %s", names[binary.NativeEndian.Uint32(e[4:])], who))
	}
	s.say("events: %s", strings.Join(list, ", "))
}

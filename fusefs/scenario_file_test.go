//go:build linux

package fusefs

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() {
	scenarios["not a file"] = scenario{run: notAFile}
	scenarios["access modes"] = scenario{run: accessModes}
	scenarios["copying"] = scenario{run: copying}
}

// notAFile asks a ptm for what only files have.
func notAFile(s *stage) {
	m, p := s.pair()
	say := func(what string, err error) { s.say("%s: %s", what, name(err)) }
	b := make([]byte, 10)
	_, err := unix.Seek(m, 0, unix.SEEK_CUR)
	say("lseek", err)
	_, err = unix.Seek(m, 5, unix.SEEK_END)
	say("lseek to the end", err)
	_, err = unix.Pread(m, b, 0)
	say("pread", err)
	_, err = unix.Pwrite(m, b, 0)
	say("pwrite", err)
	say("ftruncate to 0", unix.Ftruncate(m, 0))
	say("ftruncate to 5", unix.Ftruncate(m, 5))
	say("truncate to 5", unix.Truncate("/dev/ptmx", 5))
	say("truncate to 0", unix.Truncate("/dev/ptmx", 0))
	say("fsync", unix.Fsync(m))
	say("fdatasync", unix.Fdatasync(m))
	say("fallocate", unix.Fallocate(m, 0, 0, 10))
	say("flock", unix.Flock(m, unix.LOCK_EX|unix.LOCK_NB))
	_, err = unix.Mmap(m, 0, pageSize, unix.PROT_READ, unix.MAP_SHARED)
	say("mmap shared", err)
	mapped, err := unix.Mmap(m, 0, pageSize, unix.PROT_READ, unix.MAP_PRIVATE)
	say("mmap private", err)
	s.put(p, "not for the page cache")
	s.settle(m, p)
	mem := addressOf(mapped)
	say("reading a private mapping", readMemory(os.Getpid(), mem, b))
	_, err = unix.Fgetxattr(m, "user.name", b)
	say("fgetxattr", err)
	say("fsetxattr", unix.Fsetxattr(m, "user.name", b, 0))
	_, err = unix.FcntlInt(uintptr(m), unix.F_SETFL, unix.O_RDWR|unix.O_APPEND)
	say("F_SETFL O_APPEND", err)
	s.write("appending", m, "x")
	var st unix.Stat_t
	s.must(unix.Fstat(m, &st), "fstat")
	s.say("permissions %o", st.Mode&0o7777)
	s.say("type %o", st.Mode&unix.S_IFMT)
	s.say("device %x", st.Rdev)
	s.say("size %d", st.Size)
	say("fchdir", unix.Fchdir(m))
	_, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_DIRECTORY, 0)
	say("O_DIRECTORY", err)
	_, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
	say("O_CREAT O_EXCL", err)
	say("rmdir", unix.Rmdir("/dev/ptmx"))
	say("unlink", unix.Unlink("/dev/pts/ptmx"))
	say("exec", unix.Exec("/dev/ptmx", []string{"ptmx"}, nil))
	_, err = unix.Open("/dev/ptmx/x", unix.O_RDWR, 0)
	say("as a directory", err)
}

// addressOf is 0 for memory that is not there.
func addressOf(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

func accessModes(s *stage) {
	flags := map[string]int{"creating": unix.O_RDWR | unix.O_CREAT, "truncating": unix.O_RDWR | unix.O_TRUNC,
		"synchronous": unix.O_RDWR | unix.O_SYNC, "appending": unix.O_RDWR | unix.O_APPEND}
	for _, how := range []string{"creating", "truncating", "synchronous", "appending"} {
		s.tryOpen(how, flags[how])
	}
	for _, mode := range []int{unix.O_RDONLY, unix.O_WRONLY} {
		m := s.open(mode)
		s.unlock(m)
		p := s.pts(m)
		s.raw(p)
		s.write("write", m, "down")
		s.put(p, "up")
		s.settle(m, p)
		s.poll("mode", m)
		s.read("read", m, 10)
		s.close(m)
	}
	fd, err := unix.Open("/dev/ptmx", unix.O_PATH, 0)
	s.say("O_PATH: %s", name(err))
	_, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
	s.say("ioctl of O_PATH: %s", name(err))
}

// copying moves bytes between ptms and pipes without a buffer of the program's own, and
// with one where that is refused.
func copying(s *stage) {
	m, p := s.rawPair()
	var pipe [2]int
	s.must(unix.Pipe(pipe[:]), "pipe")
	from := func(how string, text string, move func() (int, error)) {
		s.put(p, text)
		s.await(m, unix.POLLIN)
		n, err := move()
		s.say("%s: %s", how, name(err))
		if err != nil {
			s.read(how, m, 100)
			return
		}
		s.say("%s: read %d %s", how, n, quote(s.readExactly(pipe[0], n)))
	}
	for _, text := range []string{"first", "second"} {
		from("splice", text, func() (int, error) {
			n, err := unix.Splice(m, nil, pipe[1], nil, 100, 0)
			return int(n), err
		})
	}
	from("sendfile", "sent", func() (int, error) { return unix.Sendfile(pipe[1], m, nil, 4) })
	from("copy_file_range", "copied", func() (int, error) { return unix.CopyFileRange(m, nil, pipe[1], nil, 6, 0) })
	for _, text := range []string{"first", "second"} {
		s.put(pipe[1], text)
		n, err := unix.Splice(pipe[0], nil, m, nil, 100, 0)
		s.say("splice to the ptm: %d %s %q", n, name(err), s.readExactly(p, len(text)))
	}
}

//go:build linux

package fusefs

import (
	"bytes"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func init() {
	scenarios["non-blocking"] = scenario{run: nonBlocking}
	scenarios["blocking"] = scenario{run: blocking}
	scenarios["interrupted"] = scenario{run: interrupted}
	scenarios["killed"] = scenario{run: killed}
	scenarios["at once"] = scenario{run: atOnce}
	parts["blocks in read"] = func(s *stage) { s.untilDone(func() (int, error) { return unix.Read(3, make([]byte, 10)) }) }
	parts["blocks in write"] = func(s *stage) { s.untilDone(func() (int, error) { return unix.Write(3, pattern(1<<18)) }) }
}

func (s *stage) untilDone(call func() (int, error)) {
	for {
		if _, err := call(); err != unix.EINTR {
			s.must(err, "blocking")
			return
		}
	}
}

// pattern is n bytes that tell where they belong, and no line discipline touches.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte((i/26+i)%26)
	}
	return b
}

// flow stops or starts a ptm's output. While it is stopped each write waits.
func (s *stage) flow(m int, how uintptr) {
	_, err := ioctl(m, unix.TCXONC, how)
	s.must(err, "TCXONC")
}

// drain reads all there is at the non-blocking pts, until the ptm has room again.
func (s *stage) drain(m, p int) (got []byte) {
	b := make([]byte, 4096)
	for {
		n, err := unix.Read(p, b)
		if err == unix.EAGAIN {
			s.settle(m, p)
			if s.readiness(p)&1 == 0 {
				return got
			}
			continue
		}
		s.must(err, "draining")
		got = append(got, b[:n]...)
	}
}

func nonBlocking(s *stage) {
	m, p := s.rawPair()
	s.setNonblock(m, true)
	s.setNonblock(p, true)
	s.read("nothing there", m, 10)
	big := pattern(1 << 17)
	n, err := unix.Write(m, big)
	s.say("more than fits: some %v, all %v, %s", n > 4000, n == len(big), name(err))
	sent := big[:n]
	for err == nil {
		if n, err = unix.Write(m, big[len(sent):]); err == nil {
			sent = big[:len(sent)+n]
		}
	}
	s.say("full: %s", name(err))
	got := s.drain(m, p)
	s.say("what arrives is what was taken: %v", bytes.Equal(got, sent))
	s.poll("drained", m)
	s.write("drained", m, "abc")
	s.await(p, unix.POLLIN)
	s.read("drained", p, 10)

	s.setNonblock(m, false)
	flags, err := unix.FcntlInt(uintptr(m), unix.F_GETFL, 0)
	s.say("flags %o %s", flags&^0o100000, name(err))
	s.write("empty write", m, "")
	n, err = unix.Read(m, nil)
	s.say("empty read %d %s", n, name(err))
}

func blocking(s *stage) {
	m, p := s.rawPair()
	tid, done := s.thread(func() { s.read("the reader that waited", m, 100) })
	s.untilIn(tid, unix.SYS_READ)
	s.put(p, "here")
	<-done

	big := pattern(300_000)
	var n int
	var err error
	tid, done = s.thread(func() { n, err = unix.Write(m, big) })
	s.untilIn(tid, unix.SYS_WRITE)
	s.say("arrived: %v", bytes.Equal(s.readExactly(p, len(big)), big))
	<-done
	s.say("a long write: %d %s", n, name(err))

	_, done = s.thread(func() {
		_, err := unix.Write(p, big)
		s.must(err, "writing")
	})
	got := make([]byte, 0, len(big)+1)
	for len(got) < len(big) { // a buffer that is longer than one request of FUSE can be
		n, err = unix.Read(m, got[len(got):cap(got)])
		s.must(err, "reading")
		got = got[:len(got)+n]
	}
	<-done
	s.say("a long buffer: %v", bytes.Equal(got, big))

	s.put(p, "three parts")
	s.await(m, unix.POLLIN)
	vec := [][]byte{make([]byte, 3), make([]byte, 3), make([]byte, 20)}
	n, err = unix.Readv(m, vec)
	s.say("readv %d %s %s %s %s", n, name(err), quote(vec[0]), quote(vec[1]), quote(bytes.TrimRight(vec[2], "\x00")))
	n, err = unix.Writev(m, [][]byte{[]byte("ab"), []byte("cd"), []byte("e")})
	s.say("writev %d %s %q", n, name(err), s.readExactly(p, 5))
}

func interrupted(s *stage) {
	const sig = unix.SIGUSR1
	m, p := s.rawPair()
	handled := s.handle(sig, false)
	tid, done := s.thread(func() { s.read("interrupted", m, 10) })
	s.untilIn(tid, unix.SYS_READ)
	s.signalThread(tid, sig)
	<-handled
	<-done
	s.put(p, "kept")
	s.await(m, unix.POLLIN)
	s.read("nothing is lost", m, 10)

	s.flow(m, unix.TCOOFF)
	tid, done = s.thread(func() { s.write("interrupted at the beginning", m, "never") })
	s.untilIn(tid, unix.SYS_WRITE)
	s.signalThread(tid, sig)
	<-handled
	<-done
	s.flow(m, unix.TCOON)

	taken := 0
	tid, done = s.thread(func() {
		n, err := unix.Write(m, pattern(1<<17))
		taken = n
		s.say("interrupted in the middle: some %v, all %v, %s", n > 0, n == 1<<17, name(err))
	})
	s.await(p, unix.POLLIN)
	s.untilIn(tid, unix.SYS_WRITE)
	s.signalThread(tid, sig)
	<-handled
	<-done
	s.setNonblock(p, true)
	s.say("what was taken is there: %v", bytes.Equal(s.drain(m, p), pattern(1 << 17)[:taken]))

	handled = s.handle(sig, true)
	tid, done = s.thread(func() { s.read("restarted", m, 10) })
	s.untilIn(tid, unix.SYS_READ)
	s.signalThread(tid, sig)
	<-handled
	s.put(p, "data")
	<-done
}

// killed processes leave in the middle of what they do, and the terminal goes on.
func killed(s *stage) {
	m, p := s.rawPair()
	kill := func(part string, trap uintptr) {
		cmd, talk, heard := s.part(part, &unix.SysProcAttr{}, m)
		if trap == unix.SYS_WRITE {
			s.await(p, unix.POLLIN) // a part of it has been taken
		}
		s.untilIn(cmd.Process.Pid, trap)
		s.must(cmd.Process.Kill(), "killing")
		s.ends(part, cmd, talk, heard)
	}
	kill("blocks in read", unix.SYS_READ)
	s.put(p, "not lost")
	s.await(m, unix.POLLIN)
	s.read("after a reader was killed", m, 20)
	kill("blocks in write", unix.SYS_WRITE)
	s.setNonblock(p, true)
	got := s.drain(m, p)
	s.say("a beginning arrived: %v", len(got) > 0 && bytes.HasPrefix(pattern(1<<18), got))
	s.write("after a writer was killed", m, "x")
	s.await(p, unix.POLLIN)
	s.read("after a writer was killed", p, 10)

	cmd, talk, heard := s.part("blocks in read", &unix.SysProcAttr{}, m)
	s.untilIn(cmd.Process.Pid, unix.SYS_READ)
	s.must(cmd.Process.Signal(syscall.SIGTERM), "ending")
	s.ends("ended by SIGTERM", cmd, talk, heard)
}

// atOnce uses one ptm, its duplicates and others from several threads.
func atOnce(s *stage) {
	m, p := s.rawPair()
	s.flow(m, unix.TCOOFF)
	var waited error
	tid, done := s.thread(func() { _, waited = unix.Write(m, []byte("tail")) })
	s.untilIn(tid, unix.SYS_WRITE)

	// Neither this terminal's other direction nor another terminal waits for it.
	s.put(p, "upwards")
	s.await(m, unix.POLLIN)
	s.read("read while a write waits", m, 20)
	other, otherPts := s.rawPair()
	s.write("another terminal", other, "hello")
	s.say("another terminal: %q", s.readExactly(otherPts, 5))
	_, err := unix.IoctlGetWinsize(m, unix.TIOCGWINSZ)
	s.say("ioctl while a write waits: %s", name(err))

	dup, err := unix.Dup(m)
	s.must(err, "dup")
	s.flow(dup, unix.TCOON)
	s.say("what waited: %s", s.readExactly(p, 4))
	<-done
	s.say("the write that waited: %s", name(waited))
	s.must(unix.Close(m), "closing")
	s.put(p, "through the duplicate")
	s.await(dup, unix.POLLIN)
	s.read("duplicate", dup, 100)

	// Two readers: each byte goes to one of them.
	counts := make(chan int)
	for range 2 {
		s.thread(func() {
			total := 0
			b := make([]byte, 64)
			for {
				n, err := unix.Read(dup, b)
				s.must(err, "reading")
				total += n
				if b[n-1] == '.' {
					counts <- total
					return
				}
			}
		})
	}
	s.put(p, strings.Repeat("x", 999)+".")
	first := <-counts
	s.put(p, ".")
	s.say("two readers got %d", first+<-counts)

	// A child has the same ptm, and keeps it open.
	cmd, talk, heard := s.part("waits", &unix.SysProcAttr{}, dup)
	s.line(heard)
	s.must(unix.Close(dup), "closing")
	s.barrier()
	s.write("the pts while a child has the ptm", p, "x")
	s.ends("child", cmd, talk, heard)
	s.barrier()
	_, err = unix.Write(p, []byte("x"))
	s.say("the pts once it has not: %s", name(err))
	_, err = os.Stat("/dev/pts/0")
	s.say("its node: %v", os.IsNotExist(err))
}

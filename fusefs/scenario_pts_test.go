//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"os/signal"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// What a program does at the pts: the scenarios elsewhere are about the ptm.

func init() {
	scenarios["pts reads"] = scenario{run: ptsReads}
	scenarios["pts ioctl"] = scenario{run: ptsIoctls}
	scenarios["pts in the background"] = scenario{run: ptsBackground}
	scenarios["controlling by open"] = scenario{run: controllingByOpen}
	scenarios["dev tty"] = scenario{run: devTTY}
	parts["asks for its terminal"] = asksForItsTerminal
	scenarios["controlling by openat2"] = scenario{run: controllingByOpenat2}
	parts["opens to control"] = func(s *stage) { opensToControl(s, unix.Open) }
	parts["opens to control by openat2"] = func(s *stage) {
		opensToControl(s, func(path string, flags int, _ uint32) (int, error) {
			return unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: uint64(flags)})
		})
	}
	parts["is in the background"] = isInTheBackground
	parts["reads as the foreground"] = func(s *stage) { s.readNow("the foreground", 3) }
	parts["is interrupted"] = isInterrupted
	scenarios["groups of a pid namespace"] = scenario{run: groupsOfPidNS}
	parts["is a shell"] = isAShell
}

// readNow reads without waiting for who asks, not for who opened the file.
func (s *stage) readNow(label string, p int) {
	n, err := unix.Read(p, make([]byte, 10))
	s.say("%s reads: %d %s", label, n, name(err))
}

func (s *stage) times(p int, vmin, vtime uint8) {
	t, err := unix.IoctlGetTermios(p, unix.TCGETS)
	s.must(err, "TCGETS")
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = vmin, vtime
	s.must(unix.IoctlSetTermios(p, unix.TCSETS, t), "TCSETS")
}

func ptsReads(s *stage) {
	m, p := s.pair()
	s.put(m, "one\ntwo\n")
	s.await(p, unix.POLLIN)
	s.read("a line", p, 100)
	s.read("a part", p, 2)
	s.read("the rest", p, 100)
	s.put(m, "\x04")
	s.await(p, unix.POLLIN)
	s.read("the end", p, 100)
	tid, done := s.thread(func() { s.read("a reader of a line", p, 100) })
	s.untilIn(tid, unix.SYS_READ)
	s.put(m, "ab\x7fc\n")
	<-done

	s.raw(p)
	s.times(p, 3, 0)
	tid, done = s.thread(func() { s.read("a reader of three", p, 100) })
	s.untilIn(tid, unix.SYS_READ)
	s.put(m, "x")
	s.settle(m, p)
	s.untilIn(tid, unix.SYS_READ)
	s.put(m, "yz")
	<-done
	s.put(m, "1")
	s.settle(m, p)
	s.setNonblock(p, true)
	s.read("who does not wait", p, 100)
	s.read("nothing", p, 100)
	s.times(p, 0, 0)
	s.read("nothing with VMIN 0", p, 100)
	s.setNonblock(p, false)
	s.read("nothing with VMIN 0, blocking", p, 100)
	s.times(p, 0, 1)
	s.read("the end of VTIME", p, 100)
	s.times(p, 2, 1)
	s.put(m, "q")
	s.read("the end of VTIME between bytes", p, 100)

	handled := s.handle(unix.SIGUSR1, false)
	s.times(p, 5, 0)
	tid, done = s.thread(func() { s.read("interrupted", p, 100) })
	s.untilIn(tid, unix.SYS_READ)
	s.signalThread(tid, unix.SIGUSR1)
	<-handled
	<-done
	s.put(m, "kept")
	s.settle(m, p)
	tid, done = s.thread(func() { s.read("interrupted in the middle", p, 100) })
	s.untilIn(tid, unix.SYS_READ)
	s.signalThread(tid, unix.SIGUSR1)
	<-handled
	<-done
	_, err := unix.Write(p, make([]byte, 0))
	s.say("empty write: %s", name(err))
	n, err := unix.Read(p, nil)
	s.say("empty read: %d %s", n, name(err))

	for _, flags := range []int{unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR | unix.O_TRUNC, unix.O_RDWR | unix.O_APPEND, unix.O_RDWR | unix.O_CREAT} {
		fd, err := unix.Open(s.node(m), flags|unix.O_NOCTTY, 0o600)
		s.must(err, "opening a pts")
		s.write(fmt.Sprintf("opened with %o", flags), fd, "z")
		s.must(unix.Close(fd), "closing")
	}
}

func ptsIoctls(s *stage) {
	page := s.lastPage()
	for _, r := range trials {
		if r.req == pts.TIOCCONS {
			continue // would take this machine's console
		}
		addresses := []uintptr{0, 1, page}
		if r.values != nil {
			addresses = r.values
		}
		for i, address := range addresses {
			m, p := s.pair()
			n, err := ioctl(p, r.req, address)
			s.say("%s, argument %d: %d %s", r.name, i, n, name(err))
			s.must(unix.Close(p), "closing")
			s.close(m)
		}
		if r.values != nil {
			continue
		}
		m, p := s.pair()
		var arg [64]byte
		copy(arg[:], r.arg)
		n, err := ioctl(p, r.req, uintptr(unsafe.Pointer(&arg)))
		s.say("%s: %d %s", r.name, n, name(err))
		s.must(unix.Close(p), "closing")
		s.close(m)
	}
}

// ptsBackground is what a session's background may do at its terminal.
func ptsBackground(s *stage) {
	m, p := s.pair()
	s.put(m, "line\n")
	s.settle(m, p)
	cmd, talk, heard := s.part("is in the background", leads(3), p)
	s.ends("leader", cmd, talk, heard)
}

func isInTheBackground(s *stage) {
	const p = 3
	signal.Ignore(unix.SIGTTOU)
	who := map[int]string{os.Getpid(): "itself", 0: "none"}
	s.pid("TIOCGPGRP", p, pts.TIOCGPGRP, who)
	s.pid("TIOCGSID", p, pts.TIOCGSID, who)
	cmd, talk, heard := s.part("waits", &unix.SysProcAttr{Setpgid: true})
	s.line(heard)
	who[cmd.Process.Pid] = "the job"
	s.int("TIOCSPGRP to the job", p, pts.TIOCSPGRP, int32(cmd.Process.Pid))
	s.pid("TIOCGPGRP", p, pts.TIOCGPGRP, who)
	s.int("TIOCSPGRP to nobody", p, pts.TIOCSPGRP, 1<<30)
	s.int("TIOCSPGRP to 0", p, pts.TIOCSPGRP, 0)
	s.int("TIOCSPGRP to -1", p, pts.TIOCSPGRP, -1)
	s.int("TIOCSPGRP to another session", p, pts.TIOCSPGRP, int32(os.Getppid()))
	s.setNonblock(p, true)
	s.readNow("an orphan", p)
	s.write("an orphan", p, "x")
	_, err := unix.IoctlGetTermios(p, unix.TCGETS)
	s.say("an orphan's TCGETS: %s", name(err))

	// The foreground reads through a file that one in the background has opened.
	other, otherTalk, otherHeard := s.part("reads as the foreground", &unix.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 3}, p)
	s.ends("foreground", other, otherTalk, otherHeard)
	s.int("TIOCSPGRP to itself", p, pts.TIOCSPGRP, int32(unix.Getpgrp()))
	s.setNonblock(p, false)
	s.ends("job", cmd, talk, heard)
}

func controllingByOpen(s *stage) {
	for _, flags := range []int{unix.O_RDWR, unix.O_RDWR | unix.O_NOCTTY, unix.O_RDONLY, unix.O_WRONLY, unix.O_RDONLY | unix.O_NONBLOCK} {
		m := s.open(unix.O_RDWR)
		s.unlock(m)
		cmd, talk, heard := s.part("opens to control", &unix.SysProcAttr{Setsid: true})
		fmt.Fprintln(talk, s.node(m), flags)
		s.ends(fmt.Sprintf("%o", flags), cmd, talk, heard)
		cmd, talk, heard = s.part("opens to control", &unix.SysProcAttr{Setpgid: true})
		fmt.Fprintln(talk, s.node(m), flags)
		s.ends(fmt.Sprintf("%o, not a leader", flags), cmd, talk, heard)
		s.close(m)
	}
}

func controllingByOpenat2(s *stage) {
	m := s.open(unix.O_RDWR)
	s.unlock(m)
	for _, flags := range []int{unix.O_RDWR | unix.O_NOCTTY, unix.O_RDWR} {
		cmd, talk, heard := s.part("opens to control by openat2", &unix.SysProcAttr{Setsid: true})
		fmt.Fprintln(talk, s.node(m), flags)
		s.ends(fmt.Sprintf("%o", flags), cmd, talk, heard)
	}
}

func opensToControl(s *stage, open func(string, int, uint32) (int, error)) {
	var path string
	var flags int
	_, err := fmt.Scan(&path, &flags)
	s.must(err, "reading what to do")
	_, done := s.thread(func() { // of another number than the process
		_, err := open(path, flags, 0)
		s.say("open: %s", name(err))
	})
	<-done
	tty, err := unix.Open("/dev/tty", unix.O_RDWR, 0)
	if err != nil {
		s.say("its terminal after %o: %s", flags, name(err))
		return
	}
	sid, err := unix.IoctlGetInt(tty, pts.TIOCGSID)
	s.say("its terminal after %o: %s, its session %v", flags, name(err), sid == os.Getpid())
}

func devTTY(s *stage) {
	m, p := s.pair()
	cmd, talk, heard := s.part("asks for its terminal", leads(3), p)
	s.settle(m, p)
	s.await(m, unix.POLLIN)
	s.read("what it wrote", m, 100)
	s.ends("leader", cmd, talk, heard)
	_, err := unix.Open("/dev/tty", unix.O_RDWR, 0)
	s.say("without a terminal: %s", name(err))

	m, p = s.pair()
	cmd, talk, heard = s.part("is interrupted", leads(3), p)
	s.line(heard)
	s.put(m, "\x03")
	s.ends("interrupted", cmd, talk, heard)
}

func asksForItsTerminal(s *stage) {
	signal.Ignore(unix.SIGHUP)
	tty, err := unix.Open("/dev/tty", unix.O_RDWR, 0)
	s.must(err, "opening /dev/tty")
	s.write("through /dev/tty", tty, "hello")
	size, err := unix.IoctlGetWinsize(tty, unix.TIOCGWINSZ)
	s.say("size %v %s", *size, name(err))
	s.value("TIOCNOTTY", tty, pts.TIOCNOTTY, 0)
	_, err = unix.Open("/dev/tty", unix.O_RDWR, 0)
	s.say("once it is given up: %s", name(err))
	s.must(unix.Access("/dev/tty", unix.W_OK), "access")
	s.value("TIOCSCTTY", tty, pts.TIOCSCTTY, 0)
}

// isInterrupted waits for the end that ^C is.
func isInterrupted(s *stage) {
	s.byDefault(unix.SIGINT)
	s.say("ready")
	n, err := unix.Read(3, make([]byte, 10))
	s.say("came back: %d %s", n, name(err))
}

// groupsOfPidNS is a shell as pid 1 of a namespace: it knows its jobs by other numbers.
func groupsOfPidNS(s *stage) {
	_, p := s.pair()
	attr := leads(3)
	attr.Cloneflags = unix.CLONE_NEWPID
	cmd, talk, heard := s.part("is a shell", attr, p)
	s.ends("shell", cmd, talk, heard)
}

func isAShell(s *stage) {
	const p = 3
	signal.Ignore(unix.SIGTTOU)
	who := map[int]string{os.Getpid(): "the shell", 0: "none"}
	s.pid("TIOCGPGRP", p, pts.TIOCGPGRP, who)
	s.pid("TIOCGSID", p, pts.TIOCGSID, who)
	cmd, talk, heard := s.part("waits", &unix.SysProcAttr{Setpgid: true})
	s.line(heard)
	who[cmd.Process.Pid] = "the job"
	s.int("the job to the foreground", p, pts.TIOCSPGRP, int32(cmd.Process.Pid))
	s.pid("TIOCGPGRP", p, pts.TIOCGPGRP, who)
	s.int("a group that is not there", p, pts.TIOCSPGRP, 1<<20)
	s.int("the shell to the foreground", p, pts.TIOCSPGRP, int32(unix.Getpgrp()))
	s.pid("TIOCGPGRP", p, pts.TIOCGPGRP, who)
	s.ends("job", cmd, talk, heard)
}

//go:build linux

package fusefs

import (
	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

func init() {
	scenarios["packet mode"] = scenario{run: packetMode}
	scenarios["packet mode flow control"] = scenario{run: packetFlow}
	scenarios["packet mode flushes"] = scenario{run: packetFlushes}
}

// packets shows how a ptm in packet mode stands and all that it gives.
func (s *stage) packets(label string, m, p int) {
	s.settle(m, p)
	s.poll(label, m)
	for i := 0; s.readiness(m)&1 != 0; i++ {
		s.read(label, m, 100)
		s.settle(m, p)
	}
}

func (s *stage) packetPair() (m, p int) {
	m, p = s.pair()
	s.setNonblock(m, true)
	s.int("TIOCPKT", m, pts.TIOCPKT, 1)
	return m, p
}

func packetMode(s *stage) {
	m, p := s.packetPair()
	s.poll("nothing", m)
	s.read("nothing", m, 10)
	s.put(p, "abcdef")
	s.await(m, unix.POLLIN)
	s.poll("data", m)
	s.read("four", m, 4)
	s.read("the rest", m, 4)
	s.read("nothing again", m, 4)
	s.put(p, "abc")
	s.await(m, unix.POLLIN)
	s.read("one takes no data", m, 1)
	s.read("all", m, 100)
	s.put(p, string(make([]byte, 300)))
	s.settle(m, p)
	n, err := unix.Read(m, make([]byte, 1000))
	s.say("300 bytes: %d %s", n, name(err))

	s.put(p, "first")
	s.settle(m, p)
	s.value("flush the pts", p, unix.TCFLSH, unix.TCIFLUSH)
	s.poll("status and data", m)
	s.exceptional(m)
	s.read("status first", m, 100)
	s.poll("data after status", m)
	s.exceptional(m)
	s.read("data after status", m, 100)

	s.value("flush the pts", p, unix.TCFLSH, unix.TCIFLUSH)
	s.int("on when it is on", m, pts.TIOCPKT, 1)
	s.poll("status is kept", m)
	s.int("off", m, pts.TIOCPKT, 0)
	s.poll("off", m)
	s.put(p, "plain")
	s.await(m, unix.POLLIN)
	s.read("off", m, 100)
	s.int("on again", m, pts.TIOCPKT, 1)
	s.poll("no stale status", m)

	s.must(unix.Close(p), "closing")
	s.await(m, unix.POLLHUP)
	s.packetsAtEnd("closed pts", m)
	p = s.pts(m)
	s.packets("opened again", m, p)
	got, err := unix.IoctlGetInt(m, 0x80045438)
	s.say("TIOCGPKT %d %s", got, name(err))
}

func (s *stage) packetsAtEnd(label string, m int) {
	s.poll(label, m)
	s.read(label, m, 10)
}

// exceptional shows what select(2) says.
func (s *stage) exceptional(fd int) {
	var in, out, except unix.FdSet
	in.Set(fd)
	out.Set(fd)
	except.Set(fd)
	n, err := unix.Select(fd+1, &in, &out, &except, &unix.Timeval{})
	s.say("select: %d %s in %v out %v except %v", n, name(err), in.IsSet(fd), out.IsSet(fd), except.IsSet(fd))
}

func packetFlow(s *stage) {
	m, p := s.packetPair()
	s.put(m, "\x13")
	s.packets("stop", m, p)
	s.put(m, "\x11")
	s.packets("start", m, p)
	s.put(m, "\x13\x11")
	s.packets("stop and start", m, p)
	s.value("TCOOFF", p, unix.TCXONC, unix.TCOOFF)
	s.packets("TCOOFF", m, p)
	s.value("TCOON", p, unix.TCXONC, unix.TCOON)
	s.packets("TCOON", m, p)

	set := func(label string, req uint, change func(*unix.Termios)) {
		t, err := unix.IoctlGetTermios(p, unix.TCGETS)
		s.must(err, "TCGETS")
		change(t)
		s.must(unix.IoctlSetTermios(p, req, t), "setting termios")
		s.packets(label, m, p)
	}
	set("no change", unix.TCSETS, func(*unix.Termios) {})
	set("IXON off", unix.TCSETS, func(t *unix.Termios) { t.Iflag &^= unix.IXON })
	set("IXON on", unix.TCSETS, func(t *unix.Termios) { t.Iflag |= unix.IXON })
	set("another VSTOP", unix.TCSETS, func(t *unix.Termios) { t.Cc[unix.VSTOP] = 'x' })
	set("VSTOP back, flushing", unix.TCSETSF, func(t *unix.Termios) { t.Cc[unix.VSTOP] = 0x13 })
	set("EXTPROC on", unix.TCSETS, func(t *unix.Termios) { t.Lflag |= unix.EXTPROC })
	set("no change under EXTPROC", unix.TCSETS, func(*unix.Termios) {})
	set("EXTPROC off", unix.TCSETS, func(t *unix.Termios) { t.Lflag &^= unix.EXTPROC })

	t, err := unix.IoctlGetTermios(m, unix.TCGETS)
	s.must(err, "TCGETS")
	t.Iflag &^= unix.IXON
	s.say("TCSETS at the ptm: %s", name(unix.IoctlSetTermios(m, unix.TCSETS, t)))
	s.packets("set from the ptm", m, p)
}

func packetFlushes(s *stage) {
	m, p := s.packetPair()
	for _, queue := range []uintptr{unix.TCIFLUSH, unix.TCOFLUSH, unix.TCIOFLUSH} {
		s.value("flush of the pts", p, unix.TCFLSH, queue)
		s.packets("flush of the pts", m, p)
		s.value("flush of the ptm", m, unix.TCFLSH, queue)
		s.packets("flush of the ptm", m, p)
	}
	s.put(m, "\x03")
	s.packets("interrupt", m, p)
	t, err := unix.IoctlGetTermios(p, unix.TCGETS)
	s.must(err, "TCGETS")
	t.Lflag |= unix.NOFLSH
	s.must(unix.IoctlSetTermios(p, unix.TCSETS, t), "TCSETS")
	s.put(m, "\x03")
	s.packets("interrupt with NOFLSH", m, p)
	s.put(m, "line\n")
	s.packets("echo", m, p)
	s.read("line", p, 10)

	// A reader that waits for a packet gets the status alone.
	s.setNonblock(m, false)
	tid, done := s.thread(func() { s.read("waiting reader", m, 100) })
	s.untilIn(tid, unix.SYS_READ)
	_, err = ioctl(p, unix.TCFLSH, unix.TCIFLUSH)
	s.must(err, "flushing")
	<-done
}

//go:build linux

package fusefs

import (
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/wait"
)

func init() {
	scenarios["poll"] = scenario{run: pollLevels}
	scenarios["epoll"] = scenario{run: epollLevels}
	scenarios["epoll edges"] = scenario{run: epollEdges}
	scenarios["hangup of the pts"] = scenario{run: ptsHangup}
	scenarios["hangup of the ptm"] = scenario{run: ptmHangup}
	scenarios["vhangup"] = scenario{run: vhangup}
}

func pollLevels(s *stage) {
	m := s.open(unix.O_RDWR)
	s.poll("locked", m)
	s.unlock(m)
	s.poll("no pts yet", m)
	s.put(m, "early\n")
	s.await(m, unix.POLLIN)
	s.poll("echo without a pts", m)
	s.read("echo without a pts", m, 20)
	p := s.pts(m)
	s.await(p, unix.POLLIN)
	s.read("what was written before", p, 20)
	s.poll("idle", m)
	s.exceptional(m)

	tid, done := s.thread(func() {
		s.await(m, unix.POLLIN)
		s.read("the one that waited in poll", m, 20)
	})
	s.untilIn(tid, unix.SYS_PPOLL)
	s.put(p, "wake")
	<-done

	// Waiting for room.
	s.raw(p)
	s.value("stop", m, unix.TCXONC, unix.TCOOFF)
	s.poll("stopped", m)
	tid, done = s.thread(func() {
		s.await(m, unix.POLLOUT)
		s.say("there is room")
	})
	s.untilIn(tid, unix.SYS_PPOLL)
	s.flow(m, unix.TCOON)
	<-done

	// Waiting only for what poll(2) calls normal.
	tid, done = s.thread(func() {
		s.await(m, int16(wait.RdNorm))
		s.read("waited for POLLRDNORM", m, 20)
	})
	s.untilIn(tid, unix.SYS_PPOLL)
	s.put(p, "normal")
	<-done

	// Waiting for nothing but the end.
	tid, done = s.thread(func() {
		s.await(m, 0)
		s.poll("waited for nothing", m)
	})
	s.untilIn(tid, unix.SYS_PPOLL)
	s.put(p, "data")
	s.must(unix.Close(p), "closing")
	<-done

	n, err := unix.Poll([]unix.PollFd{{Fd: int32(m), Events: unix.POLLPRI}}, 0)
	s.say("poll for POLLPRI: %d %s", n, name(err))
}

func (s *stage) epoll(fd int, events uint32) int {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	s.must(err, "epoll_create1")
	s.must(unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events}), "epoll_ctl")
	return ep
}

// events says what epoll has now, or, if it must have something, what it has first.
func (s *stage) events(label string, ep int, must bool) {
	timeout := 0
	if must {
		timeout = -1
	}
	for {
		var evs [4]unix.EpollEvent
		n, err := unix.EpollWait(ep, evs[:], timeout)
		if err == unix.EINTR {
			continue
		}
		s.must(err, "epoll_wait")
		if n == 0 {
			s.say("%s: nothing", label)
			return
		}
		s.say("%s: %v", label, wait.Events(evs[0].Events))
		return
	}
}

func epollLevels(s *stage) {
	m, p := s.rawPair()
	ep := s.epoll(m, unix.EPOLLIN|unix.EPOLLPRI)
	s.events("idle", ep, false)
	s.put(p, "ab")
	s.events("data", ep, true)
	s.events("data still", ep, true)
	s.read("half", m, 1)
	s.events("half", ep, true)
	s.read("rest", m, 1)
	s.events("empty", ep, false)

	change := func(events uint32) {
		s.must(unix.EpollCtl(ep, unix.EPOLL_CTL_MOD, m, &unix.EpollEvent{Events: events}), "epoll_ctl")
	}
	change(unix.EPOLLOUT)
	s.events("room", ep, true)
	change(unix.EPOLLIN | unix.EPOLLONESHOT)
	s.events("one shot, idle", ep, false)
	s.put(p, "x")
	s.events("one shot", ep, true)
	s.put(p, "y")
	s.settle(m, p)
	s.events("shot", ep, false)
	change(unix.EPOLLIN | unix.EPOLLONESHOT)
	s.events("armed again", ep, true)
	change(unix.EPOLLIN)
	s.say("both: %s", s.readExactly(m, 2))
	s.events("read", ep, false)
	s.must(unix.EpollCtl(ep, unix.EPOLL_CTL_DEL, m, nil), "epoll_ctl")
	s.put(p, "unseen")
	s.settle(m, p)
	s.events("removed", ep, false)
}

func epollEdges(s *stage) {
	m, p := s.rawPair()
	ep := s.epoll(m, unix.EPOLLIN|unix.EPOLLET)
	s.events("idle", ep, false)
	s.put(p, "a")
	s.events("an edge", ep, true)
	s.settle(m, p)
	s.events("the same data", ep, false)
	s.put(p, "b")
	s.events("new data, the old unread", ep, true)
	s.settle(m, p)
	s.events("the same data again", ep, false)
	s.read("part", m, 1)
	s.settle(m, p)
	s.events("partly read", ep, false)
	s.read("rest", m, 10)
	s.settle(m, p)
	s.events("empty", ep, false)
	s.put(m, "downwards")
	s.settle(m, p)
	s.events("a write is no edge for a reader", ep, false)
	s.put(p, "c")
	s.events("and again", ep, true)

	second := s.epoll(m, unix.EPOLLIN|unix.EPOLLET)
	s.events("another epoll sees what is there", second, true)
	s.put(p, "d")
	s.events("one of two", ep, true)
	s.events("two of two", second, true)

	out := s.epoll(m, unix.EPOLLOUT|unix.EPOLLET)
	s.events("room at first", out, true)
	s.settle(m, p)
	s.events("no other edge", out, false)
	s.flow(m, unix.TCOOFF)
	s.flow(m, unix.TCOON)
	s.events("room again", out, true)

	s.must(unix.Close(p), "closing")
	s.events("hangup", ep, true)
	s.events("hangup for the writer", out, true)
}

func ptsHangup(s *stage) {
	m := s.open(unix.O_RDWR)
	s.setNonblock(m, true)
	s.unlock(m)
	s.read("no pts was ever open", m, 10)
	p, second := s.pts(m), s.pts(m)
	s.put(p, "left over\n")
	s.settle(m, p)
	s.must(unix.Close(second), "closing")
	s.poll("one of two closed", m)
	s.must(unix.Close(p), "closing")
	s.await(m, unix.POLLHUP)
	s.poll("closed with data", m)
	s.read("data", m, 4)
	s.poll("some data", m)
	s.read("data", m, 100)
	s.poll("no data", m)
	s.read("end", m, 10)
	s.write("write", m, "zz\n")
	for s.readiness(m)&wait.In == 0 { // a hangup ends each wait for it
		runtime.Gosched()
	}
	s.poll("echo", m)
	s.read("echo", m, 10)
	s.read("end again", m, 10)
	p = s.pts(m)
	s.poll("opened again", m)
	s.read("opened again", m, 10)
	s.await(p, unix.POLLIN)
	s.read("what was written meanwhile", p, 10)

	s.setNonblock(m, false)
	tid, done := s.thread(func() { s.read("a reader that waited for the end", m, 10) })
	s.untilIn(tid, unix.SYS_READ)
	s.must(unix.Close(p), "closing")
	<-done
	s.poll("at the end", m)
	s.read("at the end", m, 10)
}

func ptmHangup(s *stage) {
	m, p := s.pair()
	cmd, talk, heard := s.part("waits", leads(3), p)
	s.line(heard)
	s.put(m, "never read\n")
	s.settle(m, p)
	tid, done := s.thread(func() { s.await(p, unix.POLLHUP) })
	s.untilIn(tid, unix.SYS_PPOLL)
	s.must(unix.Close(m), "closing")
	<-done
	defer talk.Close()
	err := cmd.Wait()
	s.say("the session's leader: %v", err)
	_ = heard // it has said all
	s.poll("pts", p)
	s.read("pts", p, 10)
	s.write("pts", p, "x")
	_, err = unix.IoctlGetTermios(p, unix.TCGETS)
	s.say("TCGETS: %s", name(err))
	_, err = unix.Open("/dev/pts/0", unix.O_RDWR|unix.O_NOCTTY, 0)
	s.say("open: %s", name(err))

	// Those who wait at the pts learn of it.
	m, p = s.rawPair()
	tid, done = s.thread(func() { s.read("a reader that waited", p, 10) })
	s.untilIn(tid, unix.SYS_READ)
	s.must(unix.Close(m), "closing")
	<-done
	m, p = s.rawPair()
	tid, done = s.thread(func() {
		n, err := unix.Write(p, pattern(1<<17))
		s.say("a writer that waited: some %v, %s", n > 4000, name(err))
	})
	s.untilIn(tid, unix.SYS_WRITE)
	s.must(unix.Close(m), "closing")
	<-done
}

func vhangup(s *stage) {
	m, p := s.pair()
	s.put(p, "before")
	s.settle(m, p)
	s.value("of the pts", p, 0x5437, 0)
	s.setNonblock(m, true)
	s.poll("ptm", m)
	s.read("ptm has what was written", m, 20)
	s.read("ptm has no more", m, 20)
	s.read("old pts", p, 10)
	s.write("old pts", p, "x")
	p = s.pts(m)
	s.put(p, "after")
	s.await(m, unix.POLLIN)
	s.read("new pts", m, 20)

	s.asNobody(func() { s.value("of the ptm by nobody", m, 0x5437, 0) })
	s.setNonblock(m, false)
	s.setNonblock(p, true)
	tid, done := s.thread(func() {
		n, err := unix.Read(m, make([]byte, 10))
		s.say("a reader that waited: %d %s", n, name(err))
	})
	s.untilIn(tid, unix.SYS_READ)
	_, err := ioctl(m, 0x5437, 0)
	s.must(err, "TIOCVHANGUP")
	<-done
	s.poll("ptm", m)
	s.read("ptm", m, 10)
	s.write("ptm", m, "x")
	_, err = unix.IoctlGetWinsize(m, unix.TIOCGWINSZ)
	s.say("ioctl of the ptm: %s", name(err))
	s.poll("pts", p)
	s.write("pts", p, "x")
	s.read("pts", p, 10)
	s.close(m)
	s.poll("pts after the close", p)
}

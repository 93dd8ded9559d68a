//go:build linux

package fusefs

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

func init() {
	scenarios["no session"] = scenario{run: noSession}
	scenarios["another's session"] = scenario{run: anothersSession}
	scenarios["own session"] = scenario{run: ownSession}
	scenarios["background"] = scenario{run: background}
	scenarios["pid namespaces"] = scenario{run: pidNamespaces}
	scenarios["window size"] = scenario{run: windowSize}
	parts["takes the terminal"] = takesTerminal
	parts["in its own session"] = inOwnSession
	parts["leads a background job"] = leadsBackground
	parts["sets termios"] = setsTermios
	parts["asks from a pid namespace"] = asksFromPidNS
	parts["asks for the job"] = func(s *stage) { jobOf(s, 3, map[int]string{os.Getpid(): "itself", 0: "none"}) }
	parts["follows the size"] = followsSize
}

func jobOf(s *stage, m int, who map[int]string) {
	s.pid("TIOCGPGRP", m, pts.TIOCGPGRP, who)
	s.pid("TIOCGSID", m, pts.TIOCGSID, who)
}

func noSession(s *stage) {
	m := s.open(unix.O_RDWR)
	jobOf(s, m, map[int]string{0: "none"})
	s.int("TIOCSPGRP itself", m, pts.TIOCSPGRP, int32(unix.Getpgrp()))
	s.int("TIOCSPGRP -1", m, pts.TIOCSPGRP, -1)
	s.value("TIOCNOTTY", m, pts.TIOCNOTTY, 0)
	s.asNobody(func() { s.value("TIOCSCTTY by a session leader", m, pts.TIOCSCTTY, 0) })
	jobOf(s, m, map[int]string{0: "none", os.Getpid(): "itself"})

	cmd, talk, heard := s.part("takes the terminal", &unix.SysProcAttr{Setpgid: true}, s.open(unix.O_RDWR))
	s.ends("not a session leader", cmd, talk, heard)
	cmd, talk, heard = s.part("takes the terminal", &unix.SysProcAttr{Setsid: true}, s.open(unix.O_RDWR))
	s.ends("a session leader", cmd, talk, heard)
}

func takesTerminal(s *stage) {
	s.value("TIOCSCTTY at the ptm", 3, pts.TIOCSCTTY, 0)
	s.value("TIOCSCTTY 1 at the ptm", 3, pts.TIOCSCTTY, 1)
	jobOf(s, 3, map[int]string{0: "none", os.Getpid(): "itself"})
}

func anothersSession(s *stage) {
	m, p := s.pair()
	cmd, talk, heard := s.part("waits", leads(3), p)
	s.line(heard)
	who := map[int]string{cmd.Process.Pid: "the leader", 0: "none"}
	jobOf(s, m, who)
	s.asNobody(func() { jobOf(s, m, who) })
	s.int("TIOCSPGRP", m, pts.TIOCSPGRP, int32(cmd.Process.Pid))
	s.value("TIOCSCTTY 0", m, pts.TIOCSCTTY, 0)
	s.value("TIOCSCTTY 2", m, pts.TIOCSCTTY, 2)
	s.value("TIOCNOTTY", m, pts.TIOCNOTTY, 0)
	t, err := unix.IoctlGetTermios(m, unix.TCGETS)
	s.must(err, "TCGETS")
	s.say("TCSETS by a stranger to the session: %s", name(unix.IoctlSetTermios(m, unix.TCSETS, t)))
	s.asNobody(func() { s.value("TIOCSCTTY 1 by nobody", m, pts.TIOCSCTTY, 1) })
	s.ends("leader", cmd, talk, heard)
	jobOf(s, m, who)
	cmd, talk, heard = s.part("waits", leads(3), p)
	s.line(heard)
	s.value("TIOCSCTTY 1 by root steals", m, pts.TIOCSCTTY, 1)
	s.ends("leader", cmd, talk, heard)
}

func ownSession(s *stage) {
	m, p := s.pair()
	cmd, talk, heard := s.part("in its own session", leads(3), p, m)
	s.ends("leader", cmd, talk, heard)
}

func inOwnSession(s *stage) {
	const p, m = 3, 4
	signal.Ignore(unix.SIGHUP)
	who := map[int]string{os.Getpid(): "itself", 0: "none"}
	jobOf(s, m, who)
	s.value("TIOCSCTTY again", m, pts.TIOCSCTTY, 0)
	s.value("TIOCNOTTY", m, pts.TIOCNOTTY, 0)
	s.int("TIOCSPGRP itself", m, pts.TIOCSPGRP, int32(os.Getpid()))
	s.int("TIOCSPGRP -1", m, pts.TIOCSPGRP, -1)
	s.int("TIOCSPGRP of nobody", m, pts.TIOCSPGRP, 1<<30)
	var b byte
	_, err := ioctl(m, pts.TIOCSTI, uintptr(unsafe.Pointer(&b)))
	s.say("TIOCSTI: %s", name(err))
	s.asNobody(func() {
		_, err := ioctl(m, pts.TIOCSTI, uintptr(unsafe.Pointer(&b)))
		s.say("TIOCSTI by nobody: %s", name(err))
	})
	s.value("TIOCNOTTY at the pts", p, pts.TIOCNOTTY, 0)
	jobOf(s, m, who)
}

// background is TCSETS on a ptm by processes of the terminal's own session.
func background(s *stage) {
	m, p := s.pair()
	cmd, talk, heard := s.part("leads a background job", leads(3), p, m)
	s.ends("leader", cmd, talk, heard)
}

func leadsBackground(s *stage) {
	const p, m = 3, 4
	signal.Ignore(unix.SIGTTOU)
	foreground := func(pgrp int) { s.must(unix.IoctlSetPointerInt(p, pts.TIOCSPGRP, pgrp), "TIOCSPGRP") }
	job := func(how string) (*exec.Cmd, io.WriteCloser, io.Reader) {
		cmd, talk, heard := s.part("sets termios", &unix.SysProcAttr{Setpgid: true}, m)
		if how == "is in the foreground" {
			foreground(cmd.Process.Pid)
		}
		fmt.Fprintln(talk, how)
		return cmd, talk, heard
	}
	for _, how := range []string{"ignores", "blocks", "handles", "handles and restarts"} {
		cmd, talk, heard := job(how)
		if how == "handles and restarts" {
			s.line(heard) // it has handled one
			foreground(cmd.Process.Pid)
		}
		s.ends(how, cmd, talk, heard)
	}
	foreground(unix.Getpgrp())

	cmd, talk, heard := job("stops")
	var status unix.WaitStatus
	_, err := unix.Wait4(cmd.Process.Pid, &status, unix.WUNTRACED, nil)
	s.must(err, "waiting for the job to stop")
	s.say("stopped %v by %v", status.Stopped(), status.StopSignal())
	foreground(cmd.Process.Pid)
	s.must(unix.Kill(cmd.Process.Pid, unix.SIGCONT), "continuing")
	s.ends("continued in the foreground", cmd, talk, heard)

	foreground(unix.Getpgrp())
	cmd, talk, heard = job("is in the foreground")
	s.ends("in the foreground", cmd, talk, heard)

	// Once the session's leader is in the background itself, nobody could continue it.
	t, err := unix.IoctlGetTermios(m, unix.TCGETS)
	s.must(err, "TCGETS")
	cmd, talk, heard = s.part("waits", &unix.SysProcAttr{Setpgid: true})
	s.line(heard)
	foreground(cmd.Process.Pid)
	s.byDefault(unix.SIGTTOU)
	s.say("TCSETS of an orphan: %s", name(unix.IoctlSetTermios(m, unix.TCSETS, t)))
	s.ends("foreground", cmd, talk, heard)
}

// setsTermios sets the ptm's termios with SIGTTOU treated as its first line says.
func setsTermios(s *stage) {
	in := bufio.NewReader(os.Stdin)
	how, err := in.ReadString('\n')
	s.must(err, "reading what to do")
	how = strings.TrimSpace(how)
	t, err := unix.IoctlGetTermios(3, unix.TCGETS)
	s.must(err, "TCGETS")
	s.byDefault(unix.SIGTTOU) // the leader's being deaf to it is inherited
	handled := make(chan struct{})
	watch := func(ran chan os.Signal) {
		<-ran
		s.say("handled")
		close(handled)
		for range ran { // as often as the call is restarted
		}
	}
	switch how {
	case "ignores":
		signal.Ignore(unix.SIGTTOU)
	case "blocks":
		var set unix.Sigset_t
		set.Val[0] = 1 << (unix.SIGTTOU - 1)
		s.must(unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil), "blocking SIGTTOU")
	case "handles":
		go watch(s.handle(unix.SIGTTOU, false))
	case "handles and restarts":
		go watch(s.handle(unix.SIGTTOU, true))
	}
	err = unix.IoctlSetTermios(3, unix.TCSETS, t)
	if how[0] == 'h' {
		<-handled
	}
	s.say("TCSETS of one that %s: %s", how, name(err))
}

// pidNamespaces asks for pids from namespaces that see them under other numbers, or not.
func pidNamespaces(s *stage) {
	m, p := s.pair()
	cmd, talk, heard := s.part("waits", leads(3), p)
	s.line(heard)
	asker, askerTalk, answers := s.part("asks for the job", &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, m)
	s.ends("cannot see the leader", asker, askerTalk, answers)
	s.ends("leader", cmd, talk, heard)

	m, p = s.pair()
	attr := leads(4)
	attr.Cloneflags = unix.CLONE_NEWPID
	asker, askerTalk, answers = s.part("asks for the job", attr, m, p)
	s.ends("leads as pid 1", asker, askerTalk, answers)

	m, p = s.pair()
	asker, askerTalk, answers = s.part("asks from a pid namespace", &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, m, p)
	s.ends("looks down", asker, askerTalk, answers)
}

// asksFromPidNS is pid 1 of a namespace; the leader is in it too, and then in one below.
func asksFromPidNS(s *stage) {
	const m, p = 3, 4
	for _, flags := range []uintptr{0, unix.CLONE_NEWPID} {
		attr := leads(3)
		attr.Cloneflags = flags
		cmd, talk, heard := s.part("waits", attr, p)
		s.line(heard)
		jobOf(s, m, map[int]string{cmd.Process.Pid: "the leader", 0: "none"})
		s.ends("leader", cmd, talk, heard)
	}
	jobOf(s, m, map[int]string{0: "none"})
}

func windowSize(s *stage) {
	m, p := s.pair()
	cmd, talk, heard := s.part("follows the size", leads(3), p)
	s.say("%s", s.line(heard))
	set := func(row, col, x uint16) {
		s.must(unix.IoctlSetWinsize(m, unix.TIOCSWINSZ, &unix.Winsize{Row: row, Col: col, Xpixel: x}), "TIOCSWINSZ")
	}
	set(10, 20, 0)
	s.say("%s", s.line(heard))
	set(10, 20, 0) // the same: no signal, so the next line is the next size's
	set(10, 20, 1)
	s.say("%s", s.line(heard))
	s.ends("follower", cmd, talk, heard)
}

func followsSize(s *stage) {
	changed := make(chan os.Signal, 8)
	signal.Notify(changed, unix.SIGWINCH)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	s.say("ready")
	for {
		select {
		case <-changed:
			size, err := unix.IoctlGetWinsize(3, unix.TIOCGWINSZ)
			s.say("%v %s", *size, name(err))
		case <-ended:
			return
		}
	}
}

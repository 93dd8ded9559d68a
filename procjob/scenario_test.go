//go:build linux

package procjob

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

const noctty = unix.O_RDWR | unix.O_NOCTTY

// scenarios are what happens to real processes on a terminal of ours as on the
// kernel's.
var scenarios = map[string]func(*stage){
	"background": background, "deaf": deaf, "orphaned": orphaned, "signals": signalled,
	"foreground": foreground, "leaderless groups": leaderless, "leader exits": leaderExits,
	"hangup": hangup, "hangup and another terminal": hangupAndAgain, "steal": steal, "acquire": acquire, "several": several,
	"leader gives up": leaderGivesUp, "child gives up": childGivesUp, "leaves the session": leaves,
	"another user": anotherUser, "pid namespace": pidNamespace,
}

// withRoot are those that change users or make pid namespaces.
var withRoot = map[string]bool{"steal": true, "another user": true, "pid namespace": true}

func TestAsTheKernel(t *testing.T) {
	for name, run := range scenarios {
		t.Run(name, func(t *testing.T) {
			if withRoot[name] && os.Getuid() != 0 {
				lacking(t, "needs root")
			}
			var said [2][]string
			for i, on := range []func() terminal{func() terminal { return newKernel(t) }, func() terminal { return newVirtual(t) }} {
				s := newStage(t, on())
				run(s)
				said[i] = s.said
			}
			if testing.Verbose() {
				t.Log("\n" + strings.Join(said[1], "\n"))
			}
			if d := cmp.Diff(said[0], said[1]); d != "" {
				t.Errorf("(-kernel +ours):\n%s", d)
			}
		})
	}
}

// inSession is a leader with the terminal and a child in a group of its own.
func inSession(s *stage) (leader, child *actor) {
	s.Helper()
	leader = s.leader("leader")
	s.opens(leader, unix.O_RDWR)
	return leader, newJob(s, leader, "child")
}

// newJob is a child in a group of its own that has the terminal open.
func newJob(s *stage, leader *actor, name string) *actor {
	s.Helper()
	child := s.child(leader, name, "setpgid")
	s.opens(child, noctty)
	return child
}

func foregrounds(s *stage, leader *actor, group int) {
	s.Helper()
	s.do(leader, "TIOCSPGRP "+itoa(group))
}

func background(s *stage) {
	leader, child := inSession(s)
	s.do(child, "write free")
	s.typed(s, "line\n")
	s.do(leader, "read")
	s.do(leader, "tostop")
	for i, words := range []string{"read", "write x", "tostop", "TCFLSH 0", "TIOCSPGRP " + itoa(child.pid)} {
		another := newJob(s, leader, "job"+string(rune('a'+i)))
		s.doStops(leader, another, words)
	}
	// The whole group stops, not the caller alone.
	mate := s.child(leader, "mate", itoa(child.pid))
	s.doStops(leader, child, "read")
	s.say("its mate: %s", leader.ask(s, "watch "+itoa(mate.pid)))
	s.do(leader, "TIOCGPGRP")
}

func deaf(s *stage) {
	leader, _ := inSession(s)
	s.do(leader, "tostop")
	for _, how := range []string{"ignore", "block"} {
		child := newJob(s, leader, how+"s")
		child.ok(s, how+" SIGTTIN SIGTTOU")
		for _, words := range []string{"read", "write x", "tostop", "TCFLSH 0", "TIOCSPGRP " + itoa(child.pid), "TIOCGPGRP"} {
			s.do(child, words)
		}
		leader.ok(s, "ignore SIGTTOU")
		foregrounds(s, leader, leader.pid)
	}
}

func orphaned(s *stage) {
	leader, child := inSession(s)
	s.do(leader, "tostop")
	orphan := s.child(child, "orphan", "same")
	s.opens(orphan, noctty)
	s.exits(child)
	s.say("child %s", leader.ask(s, "reap "+itoa(child.pid)))
	for _, words := range []string{"read", "write x", "tostop", "TIOCSPGRP " + itoa(child.pid), "TIOCGPGRP"} {
		s.do(orphan, words)
	}
	foregrounds(s, leader, child.pid) // whose leader is gone
	s.do(orphan, "TIOCGPGRP")
	s.do(orphan, "write y")
	orphan.ok(s, "handle SIGINT last")
	s.typed(s, "\x1a") // stops nobody
	s.typed(s, "\x03")
	s.say("orphan gets %s", orphan.ask(s, "next"))
}

func signalled(s *stage) {
	leader, child := inSession(s)
	mate := s.child(leader, "mate", itoa(child.pid))
	for _, a := range []*actor{leader, child, mate} {
		a.ok(s, "handle SIGINT SIGQUIT SIGWINCH last")
	}
	foregrounds(s, leader, child.pid)
	gets := func() {
		for _, a := range []*actor{child, mate} {
			s.say("%s gets %s", a.name, a.ask(s, "next"))
		}
	}
	s.typed(s, "\x03")
	gets()
	s.typed(s, "\x1c")
	gets()
	s.resize(s, 50)
	gets()
	s.resize(s, 50) // as it is
	for _, a := range []*actor{leader, child, mate} {
		s.nothing(a)
	}
	s.typed(s, "\x1a")
	s.say("child: %s", leader.ask(s, "watch "+itoa(child.pid)))
	s.say("mate: %s", leader.ask(s, "watch "+itoa(mate.pid)))
}

func foreground(s *stage) {
	leader, child := inSession(s)
	stranger := s.leader("stranger")
	s.opens(stranger, noctty)
	same := s.child(leader, "same", "same")
	for _, group := range []int{-1, 0, 1 << 22, stranger.pid, same.pid, child.pid} {
		foregrounds(s, leader, group)
		leader.ok(s, "ignore SIGTTOU")
		s.do(leader, "TIOCGPGRP")
		s.asks("TIOCGPGRP")
	}
	s.do(stranger, "TIOCGPGRP")
	s.do(stranger, "TIOCGSID")
	s.do(stranger, "TIOCSPGRP "+itoa(stranger.pid))
	s.do(child, "TIOCGSID")
	s.asks("TIOCGSID")
	// The group is gone, and its number stays.
	s.exits(child)
	s.do(leader, "TIOCGPGRP")
	s.say("child %s", leader.ask(s, "reap "+itoa(child.pid)))
	s.do(leader, "TIOCGPGRP")
	s.asks("TIOCGPGRP")
	s.do(leader, "TIOCSPGRP "+itoa(child.pid))
	s.typed(s, "\x03") // nobody is there
	s.do(leader, "tostop")
	foregrounds(s, leader, leader.pid)
}

// leaderless are groups and sessions that have members and no leader.
func leaderless(s *stage) {
	leader, child := inSession(s)
	mate := s.child(leader, "mate", itoa(child.pid))
	s.exits(child)
	foregrounds(s, leader, child.pid) // it was not waited for
	leader.ok(s, "ignore SIGTTOU")
	foregrounds(s, leader, leader.pid)
	s.say("child %s", leader.ask(s, "reap "+itoa(child.pid)))
	foregrounds(s, leader, child.pid)
	mate.ok(s, "handle SIGINT")
	s.typed(s, "\x03")
	s.say("mate gets %s", mate.ask(s, "next"))

	middle := s.child(leader, "middle", "setsid")
	left := s.child(middle, "left", "setpgid")
	s.exits(middle)
	s.say("middle %s", leader.ask(s, "reap "+itoa(middle.pid)))
	foregrounds(s, leader, middle.pid) // a session's number, and no group's
	foregrounds(s, leader, left.pid)
}

func itoa(n int) string { return strconv.Itoa(n) }

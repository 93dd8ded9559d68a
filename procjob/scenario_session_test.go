//go:build linux

package procjob

import "golang.org/x/sys/unix"

// How sessions get and lose the terminal.

func leaderExits(s *stage) {
	leader, child := inSession(s)
	back := newJob(s, leader, "back")
	foregrounds(s, leader, child.pid)
	child.ok(s, "handle SIGHUP SIGCONT last")
	back.ok(s, "handle SIGHUP SIGCONT last")
	s.exits(leader)
	s.say("child gets %s", child.ask(s, "next"))
	s.nothing(child)
	s.nothing(back)
	s.asks("TIOCGPGRP")
	s.asks("TIOCGSID")
	s.do(child, "TIOCGPGRP")
	s.do(back, "TIOCNOTTY 0")
	s.do(back, "write alive")
	next := s.leader("next")
	s.opens(next, unix.O_RDWR)
	s.do(next, "TIOCGSID")
	s.do(child, "TIOCGSID")
}

func hangup(s *stage) {
	leader, child := inSession(s)
	for _, a := range []*actor{leader, child} {
		a.ok(s, "handle SIGHUP SIGCONT last")
	}
	foregrounds(s, leader, child.pid)
	s.hangup(s)
	s.two(leader)
	s.nothing(leader)
	s.nothing(child)
	s.do(leader, "TIOCGSID")
	s.do(child, "TIOCSPGRP "+itoa(child.pid))
	s.exits(leader)
	s.two(child)
	s.nothing(child)
}

// hangupAndAgain has a leader forget the group that it lost with one terminal when it
// gets another.
func hangupAndAgain(s *stage) {
	leader, child := inSession(s)
	for _, a := range []*actor{leader, child} {
		a.ok(s, "handle SIGHUP SIGCONT last")
	}
	foregrounds(s, leader, child.pid)
	s.hangup(s)
	s.two(leader)
	s.terminal = s.another(s)
	s.opens(leader, unix.O_RDWR)
	s.asks("TIOCGSID")
	s.do(leader, "TIOCGPGRP")
	s.exits(leader)
	s.nothing(child)
}

func steal(s *stage) {
	leader, child := inSession(s)
	for _, a := range []*actor{leader, child} {
		a.ok(s, "handle SIGHUP SIGCONT last")
	}
	thief := s.leader("thief")
	s.opens(thief, unix.O_RDWR)
	for _, words := range []string{"TIOCGSID", "TIOCSCTTY 0", "TIOCSCTTY 2", "TIOCSCTTY 1", "TIOCGSID"} {
		s.do(thief, words)
	}
	s.asks("TIOCGPGRP")
	s.do(leader, "TIOCGSID")
	s.do(child, "TIOCNOTTY 0")
	s.do(child, "write free")
	s.do(leader, "TIOCSCTTY 0")
	s.exits(leader) // which it has no more
	s.nothing(child)
	s.asks("TIOCGSID")
	poor := s.leader("poor")
	s.opens(poor, unix.O_RDWR)
	poor.ok(s, "setuid 65534")
	s.do(poor, "TIOCSCTTY 1")
	contained := s.child(thief, "contained", "userns") // root, but not ours
	contained.ok(s, "setsid")
	s.opens(contained, noctty)
	s.do(contained, "TIOCSCTTY 1")
}

func acquire(s *stage) {
	leader := s.leader("leader")
	s.opens(leader, unix.O_WRONLY)
	s.do(leader, "TIOCGSID")
	s.opens(leader, noctty)
	s.do(leader, "TIOCGSID")
	child := s.child(leader, "child", "same")
	s.opens(child, unix.O_RDWR)
	s.do(child, "TIOCSCTTY 0")
	s.do(leader, "TIOCSCTTY 0")
	s.do(leader, "TIOCSCTTY 0")
	s.do(child, "TIOCGSID")
	s.do(child, "TIOCGPGRP")
	other := s.leader("other")
	s.opens(other, unix.O_RDWR)
	s.do(other, "TIOCSCTTY 0")
	s.asks("TIOCGSID")
}

func leaderGivesUp(s *stage) {
	leader, child := inSession(s)
	for _, a := range []*actor{leader, child} {
		a.ok(s, "handle SIGHUP SIGCONT last")
	}
	foregrounds(s, leader, child.pid)
	s.do(leader, "TIOCNOTTY 0")
	s.two(child)
	s.nothing(leader)
	s.do(leader, "TIOCNOTTY 0")
	s.do(child, "TIOCGPGRP")
	s.asks("TIOCGSID")
	s.do(leader, "TIOCSCTTY 0")
	s.do(child, "TIOCGPGRP")
	s.exits(leader)
	s.nothing(child)
}

func childGivesUp(s *stage) {
	leader, child := inSession(s)
	before := s.child(child, "before", "same")
	s.opens(before, noctty)
	s.do(child, "TIOCNOTTY 0")
	after := s.child(child, "after", "setpgid")
	s.opens(after, noctty)
	deeper := s.child(after, "deeper", "same")
	s.opens(deeper, noctty)
	below := s.child(before, "below", "same")
	s.opens(below, noctty)
	for _, a := range []*actor{leader, child, before, after, deeper, below} {
		s.do(a, "TIOCGSID")
	}
	s.do(child, "TIOCNOTTY 0")
	s.do(child, "TIOCSCTTY 0")
	s.do(child, "write free")
	// Who was asked about stays without when the parent goes.
	s.exits(after)
	s.say("after %s", child.ask(s, "reap "+itoa(after.pid)))
	s.do(deeper, "TIOCGSID")
	// Who was there before has none of the next terminal, who comes later has.
	leader.ok(s, "ignore SIGHUP SIGCONT SIGTTOU")
	s.do(leader, "TIOCNOTTY 0")
	s.do(leader, "TIOCSCTTY 0")
	late := s.child(leader, "late", "same")
	s.opens(late, noctty)
	for _, a := range []*actor{leader, child, before, below, late} {
		s.do(a, "TIOCGSID")
	}
}

func leaves(s *stage) {
	leader, child := inSession(s)
	same := s.child(leader, "same", "same")
	s.opens(same, noctty)
	s.do(same, "TIOCGSID")
	same.ok(s, "setsid")
	s.do(same, "TIOCGSID")
	s.do(same, "TIOCNOTTY 0")
	s.do(same, "TIOCSPGRP "+itoa(same.pid))
	same.ok(s, "handle SIGHUP last")
	foregrounds(s, leader, same.pid)
	s.do(child, "TIOCGSID")
	s.exits(leader)
	s.nothing(same)
	s.do(same, "TIOCSCTTY 0")
	s.do(same, "TIOCGPGRP")
}

func anotherUser(s *stage) {
	leader, child := inSession(s)
	child.ok(s, "handle SIGINT SIGHUP")
	leader.ok(s, "setuid 65533")
	child.ok(s, "setuid 65534")
	foregrounds(s, leader, child.pid)
	s.typed(s, "\x03")
	s.say("child gets %s", child.ask(s, "next"))
	s.exits(leader)
	s.say("child gets %s", child.ask(s, "next"))
}

// pidNamespace is a job that sees other numbers. Those that our terminal is told and
// tells are ours; who stands at the door translates.
func pidNamespace(s *stage) {
	leader := s.leader("leader")
	s.opens(leader, unix.O_RDWR)
	first := s.child(leader, "first", "pidns")
	inside := s.child(first, "inside", "inside")
	inside.ok(s, "setpgid 0")
	s.opens(inside, noctty)
	inside.ok(s, "handle SIGINT")
	foregrounds(s, leader, inside.pid)
	s.asks("TIOCGPGRP")
	s.typed(s, "\x03")
	s.say("inside gets %s", inside.ask(s, "next"))
	leader.ok(s, "ignore SIGTTOU")
	foregrounds(s, leader, leader.pid)
	s.stops(s, inside, "read")
	s.say("inside: %s", first.ask(s, "watch 2"))
}

// several is a session that has a terminal and meets another.
func several(s *stage) {
	leader := s.leader("leader")
	s.opens(leader, unix.O_RDWR)
	s.terminal = s.another(s)
	s.opens(leader, unix.O_RDWR)
	for _, words := range []string{"TIOCGSID", "TIOCSCTTY 0", "TIOCSCTTY 1", "TIOCNOTTY 0"} {
		s.do(leader, words)
	}
	s.asks("TIOCGSID")
}

//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

func init() {
	scenarios["nodes"] = scenario{options: "ptmxmode=666", run: nodes, closesAll: true}
	scenarios["nodes with gid"] = scenario{options: "mode=620,gid=5,ptmxmode=666", run: nodes, closesAll: true}
	scenarios["nodes with uid and gid"] = scenario{options: "mode=642,uid=7,gid=8,ptmxmode=666", run: nodes, closesAll: true}
	scenarios["closed ptmx"] = scenario{options: "ptmxmode=000", run: permissions}
	scenarios["ptmx of root"] = scenario{options: "ptmxmode=600", run: permissions}
	scenarios["ptmx of a group"] = scenario{options: "ptmxmode=660", run: groupPermissions}
	scenarios["indices"] = scenario{options: "ptmxmode=666,max=4", run: indices}
	scenarios["many"] = scenario{options: "ptmxmode=666,max=1100", run: many, closesAll: true}
	scenarios["many processes"] = scenario{options: "ptmxmode=666,max=64", run: manyProcesses, closesAll: true}
	parts["opens and closes"] = opensAndCloses
}

// nodes shows whom the node of a pts belongs to.
func nodes(s *stage) {
	show := func(who string) {
		m := s.open(unix.O_RDWR)
		var st unix.Stat_t
		s.must(unix.Stat(s.node(m), &st), "stat")
		s.say("%s: permissions %o uid %d gid %d", who, st.Mode&0o7777, st.Uid, st.Gid)
		s.say("type %o device %x", st.Mode&unix.S_IFMT, st.Rdev)
		s.close(m)
	}
	show("root")
	s.asNobody(func() { show("nobody") })
	s.as(1000, 1001, []int{5, 8}, func() { show("a user with groups") })
	s.as(0, 12, nil, func() { show("root in another group") })
	show("root again")
}

// permissions shows who may open a ptmx that is not open to all, and who may change that.
func permissions(s *stage) {
	s.everybodyOpens("as mounted")
	change := func(who string, err error) { s.say("%s: %s", who, name(err)) }
	s.asNobody(func() {
		change("chmod by nobody", unix.Chmod("/dev/ptmx", 0o666))
		change("chown by nobody", unix.Chown("/dev/ptmx", nobody, -1))
		change("chgrp by nobody", unix.Chown("/dev/ptmx", -1, nobody))
		change("utimes by nobody", unix.Utimes("/dev/ptmx", []unix.Timeval{{Sec: 1}, {Sec: 2}}))
		change("touch by nobody", unix.Utimes("/dev/ptmx", nil))
	})
	change("touch by root", unix.Utimes("/dev/ptmx", nil))
	change("chown by root", unix.Chown("/dev/ptmx", nobody, 12))
	change("chmod by root", unix.Chmod("/dev/ptmx", 0o400))
	s.mode()
	s.everybodyOpens("given to nobody, read only")
	s.asNobody(func() {
		change("chmod by its owner", unix.Chmod("/dev/ptmx", 0o606))
		change("chgrp by its owner to its own group", unix.Chown("/dev/ptmx", -1, nobody))
		change("chgrp by its owner to another group", unix.Chown("/dev/ptmx", -1, 12))
		change("chown by its owner", unix.Chown("/dev/ptmx", 0, -1))
		change("utimes by its owner", unix.Utimes("/dev/ptmx", []unix.Timeval{{Sec: 1}, {Sec: 2}}))
	})
	s.mode()
	s.everybodyOpens("open to its owner and others")
	m := s.open(unix.O_RDWR)
	change("fchmod", unix.Fchmod(m, 0o666))
	change("fchown", unix.Fchown(m, 0, 0))
	s.mode()
	s.everybodyOpens("open to all")
	change("chmod to nobody", unix.Chmod("/dev/ptmx", 0))
	s.mode()
	change("access by root to execute", unix.Access("/dev/ptmx", unix.X_OK))
}

func (s *stage) everybodyOpens(state string) {
	for _, flags := range []int{unix.O_RDWR, unix.O_RDONLY, unix.O_WRONLY} {
		s.tryOpen(fmt.Sprintf("%s: root opens %d", state, flags), flags)
		s.asNobody(func() { s.tryOpen(fmt.Sprintf("%s: nobody opens %d", state, flags), flags) })
	}
	access := func(who string) {
		s.say("%s: access of %s read %s write %s", state, who,
			name(unix.Access("/dev/ptmx", unix.R_OK)), name(unix.Access("/dev/ptmx", unix.W_OK)))
	}
	access("root")
	s.asNobody(func() { access("nobody") })
}

func (s *stage) mode() {
	var st unix.Stat_t
	s.must(unix.Stat("/dev/ptmx", &st), "stat")
	s.say("ptmx is now mode %o uid %d gid %d links %d", st.Mode&0o7777, st.Uid, st.Gid, st.Nlink)
}

// groupPermissions is a ptmx for the members of a group.
func groupPermissions(s *stage) {
	s.must(unix.Chown("/dev/ptmx", 0, 12), "chown")
	try := func(who string) {
		s.tryOpen(who+" opens", unix.O_RDWR)
		s.say("%s has access: %s", who, name(unix.Access("/dev/ptmx", unix.W_OK)))
	}
	s.asNobody(func() { try("nobody") })
	s.as(nobody, 12, nil, func() { try("one whose group it is") })
	s.as(nobody, nobody, []int{3, 12}, func() { try("one of whose groups it is") })
}

// indices shows which index a new pair gets, and that there is an end.
func indices(s *stage) {
	var m [4]int
	for i := range m {
		m[i] = s.open(unix.O_RDWR)
		s.say("index %d", s.index(m[i]))
	}
	s.tryOpen("one too many", unix.O_RDWR)
	s.close(m[1])
	s.close(m[2])
	m[2] = s.open(unix.O_RDWR)
	s.say("the lowest free is %d", s.index(m[2]))
	m[1] = s.open(unix.O_RDWR)
	s.say("and then %d", s.index(m[1]))
	for range 5 {
		s.must(unix.Close(m[3]), "closing") // and open at once
		m[3] = s.open(unix.O_RDWR)
		s.say("index %d again", s.index(m[3]))
	}
	s.unlock(m[0])
	p := s.pts(m[0])
	s.close(m[0])
	_, err := os.Stat("/dev/pts/0")
	s.say("the node of a closed ptm: %v", os.IsNotExist(err))
	s.tryOpen("the index of an open pts is taken", unix.O_RDWR)
	s.must(unix.Close(p), "closing")
	m[0] = s.open(unix.O_RDWR)
	s.say("and then free: %d", s.index(m[0]))
	again, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", m[0]), unix.O_RDWR, 0)
	s.say("opening the open file of a ptm, when there is no room: %d %s", again, name(err))
	s.close(m[2])
	again, err = unix.Open(fmt.Sprintf("/proc/self/fd/%d", m[0]), unix.O_RDWR, 0)
	s.must(err, "opening a ptm through /proc")
	s.say("opening it makes a new pair: %d", s.index(again))
}

// many opens a thousand terminals at once.
func many(s *stage) {
	var m [1000]int
	for i := range m {
		m[i] = s.open(unix.O_RDWR | unix.O_NONBLOCK)
		if got := s.index(m[i]); got != i {
			s.say("terminal %d has index %d", i, got)
		}
	}
	for i := range m {
		s.unlock(m[i])
		p := s.pts(m[i])
		s.raw(p)
		s.put(p, fmt.Sprint("output of ", i))
		s.await(m[i], unix.POLLIN)
		b := make([]byte, 100)
		n, err := unix.Read(m[i], b)
		s.must(err, "reading")
		if got := string(b[:n]); got != fmt.Sprint("output of ", i) {
			s.say("terminal %d says %q", i, got)
		}
		s.must(unix.Close(p), "closing")
	}
	for i := range m {
		s.must(unix.Close(m[i]), "closing")
	}
	last := s.open(unix.O_RDWR)
	s.say("after a thousand: %d", s.index(last))
	s.close(last)
}

// manyProcesses open and close terminals at the same time.
func manyProcesses(s *stage) {
	var all sync.WaitGroup
	for range 6 {
		cmd, talk, heard := s.part("opens and closes", &unix.SysProcAttr{})
		all.Go(func() {
			defer talk.Close()
			s.line(heard)
			_ = cmd.Wait() // its line says all
		})
	}
	all.Wait()
	s.barrier()
	m := s.open(unix.O_RDWR)
	s.say("after all: %d", s.index(m))
	s.close(m)
}

func opensAndCloses(s *stage) {
	for i := range 60 {
		m, p := s.pair()
		line := fmt.Sprintf("line %d", i)
		s.put(p, line)
		if got := string(s.readExactly(m, len(line))); got != line {
			panic(stageError(fmt.Sprintf("read %q, want %q", got, line)))
		}
		if i%2 == 0 {
			s.must(unix.Close(p), "closing")
			s.must(unix.Close(m), "closing")
		} else {
			s.must(unix.Close(m), "closing")
			s.must(unix.Close(p), "closing")
		}
	}
	s.say("done")
}

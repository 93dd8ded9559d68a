package devpts

import (
	"time"

	"github.com/ptsns/ptsns/pts"
)

func permissionsScenario(s *stage) {
	m := s.mount("ptmxmode=0")
	owner, group, other := &person{1000, 1000}, &person{1002, 1001}, &person{1003, 1003}
	open := func(c *person, flags int) file {
		f, err := m.ptmx(c, flags)
		s.say("ptmx for %v, %d: %s", c, flags, errno(err))
		return f
	}
	open(owner, 2)
	s.say("%s", errno(m.remount("ptmxmode=62")))
	s.say("%s", errno(m.chown(nil, "ptmx", 1000, 1001)))
	for _, c := range []*person{nil, owner, group, other} {
		for _, flags := range []int{0, 1, 2} {
			if f := open(c, flags); f != nil {
				f.close()
			}
		}
	}
	s.say("%s", errno(m.chmod(nil, "ptmx", 0o666)))
	f := open(owner, 2)
	f.lock(false)
	s.say("%s", errno(m.chown(nil, "0", -1, 1001)))
	for _, mode := range []uint32{0o600, 0o060, 0o006, 0o420, 0o777, 0} {
		s.say("chmod %o by its owner: %s", mode, errno(m.chmod(owner, "0", mode)))
		for _, c := range []*person{nil, owner, group, other} {
			for _, flags := range []int{0, 1, 2} {
				g, err := m.pts(c, 0, flags)
				s.say("pts for %v, %d: %s", c, flags, errno(err))
				if err == nil {
					g.close()
				}
			}
		}
	}
	peer, err := f.peer(2) // whatever the bits say
	s.say("peer: %s", errno(err))
	peer.close()
	s.say("setgid: %s", errno(m.chmod(owner, "0", 0o2620)))
	s.stat(m, "0")
	for _, c := range []*person{owner, other} {
		s.say("touch %s", errno(m.touch(c, "0")))
		s.say("chmod 602 %s, touch %s", errno(m.chmod(nil, "0", 0o602)), errno(m.touch(c, "0")))
		s.say("chmod %s, utimens %s", errno(m.chmod(c, "0", 0o620)), errno(m.utimens(c, "0", time.Unix(5, 0), time.Time{})))
		s.say("chown %s %s %s %s", errno(m.chown(c, "0", 1000, -1)), errno(m.chown(c, "0", -1, 1000)), errno(m.chown(c, "0", -1, 7)), errno(m.chown(c, "0", 7, -1)))
	}
	s.stat(m, "0")
	s.say("search: %s", errno(m.chmod(nil, "", 0o600)))
	_, err = m.pts(owner, 0, 2)
	s.say("pts: %s", errno(err))
	_, err = m.ptmx(owner, 2)
	s.say("ptmx: %s", errno(err))
	f.close()
}

func openingScenario(s *stage) {
	m := s.mount("ptmxmode=666,mode=666")
	f, err := m.ptmx(nil, 2)
	s.say("%s", errno(err))
	s.pts(m, nil, 0, 2) // locked
	_, err = f.peer(2)
	s.say("peer: %s", errno(err))
	f.lock(false)
	a := s.pts(m, nil, 0, 2)
	f.lock(true)
	s.say("write %s", errno(a.write("x")))
	s.pts(m, nil, 0, 2)
	s.say("write %s", errno(a.write("x"))) // 10
	_, err = a.read()
	s.say("read %s", errno(err))
	f.lock(false)
	b := s.pts(m, nil, 0, 0)
	s.say("write %s, %s", errno(a.write("x")), errno(b.write("x")))
	c := s.pts(m, nil, 0, 1)
	_, err = c.read()
	s.say("read %s", errno(err))
	_, err = a.peer(2)
	s.say("peer of a pts: %s", errno(err))
	node, err := m.hold("0")
	s.say("held %s: %s, nlink %d", errno(err), errno(node.open()), node.nlink())
	f.close()
	s.pts(m, nil, 0, 2)
	s.say("held: %s, nlink %d", errno(node.open()), node.nlink())
	ptmx, err := m.hold("ptmx")
	s.say("held %s: %s, nlink %d", errno(err), errno(ptmx.open()), ptmx.nlink())
	for _, g := range []file{a, b, c} {
		g.close()
	}
	for _, flags := range []int{0, 1, 2} {
		f, err := m.ptmx(nil, flags)
		s.say("ptmx %d: %s", flags, errno(err))
		f.lock(false)
		peer, err := f.peer(2)
		s.say("peer: %s", errno(err))
		_, rerr := f.read()
		s.say("read %s, write %s", errno(rerr), errno(f.write("x")))
		peer.close()
		f.close()
	}
	s.pts(m, nil, 7, 2)
}

// timesScenario: traffic sets a time of the side's own node, to a whole second.
func timesScenario(s *stage) {
	m := s.mount("ptmxmode=666")
	f := s.open(m, nil)
	g := s.pts(m, nil, 0, 2)
	old := time.Unix(1000, 5)
	times := func(name string, before Stat) {
		x, err := m.stat(name)
		if err != nil {
			s.t.Error(err)
		}
		at := func(now, before time.Time) string {
			switch {
			case now.Equal(before):
				return "same"
			case now.Nanosecond() == 0 && now.After(before):
				return "later, a whole second"
			}
			return "else"
		}
		s.say("%s: atime %s, mtime %s, ctime %s", name, at(x.Atime, before.Atime), at(x.Mtime, before.Mtime), at(x.Ctime, before.Ctime))
	}
	age := func() (Stat, Stat) {
		for _, name := range []string{"ptmx", "0"} {
			if err := m.utimens(nil, name, old, old); err != nil {
				s.t.Error(err)
			}
		}
		a, _ := m.stat("ptmx")
		b, _ := m.stat("0")
		return a, b
	}
	x, y := age()
	s.say("write %s", errno(g.write("out")))
	times("ptmx", x)
	times("0", y)
	x, y = age()
	out, err := f.read()
	s.say("read %q %s", out, errno(err))
	times("ptmx", x)
	times("0", y)
	x, y = age()
	s.say("write %s", errno(f.write("in")))
	times("ptmx", x)
	times("0", y)
	x, y = age()
	_, err = g.read()
	s.say("read %s", errno(err)) // no line yet: nothing
	times("ptmx", x)
	times("0", y)
	// Within the eight seconds that have begun nothing is set.
	for {
		now := time.Now().Unix()
		old = time.Unix(now&^7, 7)
		x, _ = age()
		if err := f.write("in"); err != nil {
			s.t.Error(err)
		}
		if time.Now().Unix()&^7 == now&^7 {
			break
		}
	}
	times("ptmx", x)
	g.close()
	f.close()
}

func directoryTimesScenario(s *stage) {
	m := s.mount("")
	old := time.Unix(1000, 5)
	s.say("%s", errno(m.utimens(nil, "", old, old)))
	before, _ := m.stat("")
	f := s.open(m, nil)
	f.close() // 55
	after, _ := m.stat("")
	s.say("changed: %v %v, nlink %d", before.Mtime != after.Mtime, before.Ctime != after.Ctime, after.Nlink)
	x, _ := m.stat("ptmx")
	s.say("made at one time: %v %v", x.Atime.Equal(x.Mtime), x.Mtime.Equal(x.Ctime))
	f = s.open(m, nil)
	x, _ = m.stat("0")
	s.say("made at one time: %v %v", x.Atime.Equal(x.Mtime), x.Mtime.Equal(x.Ctime))
	f.close()
}

func unmountingScenario(s *stage) {
	m := s.mount("")
	f := s.open(m, nil)
	bound, err := m.bind()
	s.say("bind %s", errno(err))
	g, err := bound.pts(nil, 0, 2)
	s.say("pts %s", errno(err))
	s.say("%s %s", errno(m.umount(false)), errno(bound.umount(false)))
	f.close()
	s.say("%s %s", errno(m.umount(false)), errno(bound.umount(false)))
	g.close()
	s.say("%s %s", errno(bound.umount(false)), errno(bound.umount(true)))

	m = s.mount("ptmxmode=666")
	f = s.open(m, nil)
	s.say("%s", errno(m.umount(true))) // 56
	peer, err := f.peer(2)
	s.say("peer %s", errno(err))
	s.say("write %s", errno(peer.write("still")))
	out, err := f.read()
	s.say("read %q %s", out, errno(err))
	f.close()
	s.say("write %s", errno(peer.write("x")))
	peer.close()
}

// flagsScenario: of the flags of a mount, only nodev is in the way.
func flagsScenario(s *stage) {
	m := s.mount("ptmxmode=666,sync")
	f := s.open(m, nil)
	for _, options := range []string{
		"defaults", "ro", "nosuid,noexec", "noatime", "strictatime,noatime", "nodiratime", "nosymfollow,nodev", "nodev,dev,noexec,rw",
		"ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow",
	} {
		flags, _ := pts.SplitOptions(options)
		s.say("%s: %s", options, errno(m.flags(flags)))
		s.say("%s", m.options())
		bound, err := m.bind()
		s.say("bind %s: %s", errno(err), bound.options())
		g, err := m.pts(nil, 0, 2)
		s.say("pts: %s", errno(err))
		if err == nil {
			g.close()
		}
		g, err = m.ptmx(nil, 2)
		s.say("ptmx: %s", errno(err))
		if err == nil {
			g.close()
		}
	}
	f.close()
}

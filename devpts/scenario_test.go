package devpts

import (
	"strings"
	"testing"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// scenarios are what is held with the kernel and with ours. Numbers are rows of the list of
// behaviours that implementations commonly get wrong.
var scenarios = []struct {
	name string
	run  func(s *stage)
}{
	{"options", optionsScenario},
	{"nodes", nodesScenario},
	{"owners", ownersScenario},
	{"limits", limitsScenario},
	{"indices", indicesScenario},
	{"readdir", readdirScenario},
	{"remount", remountScenario},
	{"forbidden", forbiddenScenario},
	{"permissions", permissionsScenario},
	{"opening", openingScenario},
	{"times", timesScenario},
	{"directory times", directoryTimesScenario},
	{"unmounting", unmountingScenario},
	{"flags", flagsScenario},
}

// TestScenarios runs them on ours alone, where there is no Linux: they must run.
func TestScenarios(t *testing.T) {
	for _, x := range scenarios {
		s := &stage{t: t, w: ours{NewSystem(Config{})}}
		x.run(s)
		if s.b.Len() == 0 {
			t.Errorf("%s says nothing", x.name)
		}
	}
}

// dataRows are option strings: what is good and what it means.
var dataRows = []string{
	"", "newinstance", "newinstance,mode=620,gid=5,ptmxmode=666,max=1024",
	"mode=0", "mode=7777", "mode=17777", "mode=620,mode=600", ",,mode=620,,", ",=5,mode=620", "=",
	"mode=8", "mode=0x1", "mode=-1", "mode=", "mode", "mode=+620", "mode=0620", "mode=620\n", "mode=37777777777", "mode=77777777777",
	"mode=620,bogus", "bogus,mode=620", "bogus=1", "MODE=620", "mode=620 ", " mode=620", "mode=6_0", "mode=++6", "mode=+-6",
	"newinstance=1", "newinstance=", "ptmxmode", "ptmxmode=9", "ptmxmode=666",
	"uid=0", "uid=4294967294", "uid=4294967295", "uid=4294967296", "uid=-1", "uid=abc", "gid=", "uid", "uid=0x10", "gid=010", "uid=08", "uid=+7", "uid=1 ",
	"uid=0x", "uid=0X1F", "uid=0x+1", "uid=00", "uid=7\n", "uid=\n",
	"uid=7,gid=8", "uid=7,uid=8",
	"max=0", "max=1", "max=1048575", "max=1048576", "max=1048577", "max=-1", "max=-0", "max=0x10", "max=010", "max", "max=", "max=1=2", "max=+5", "max=2147483648",
	"rw", "sync", "sync,async", "async", "dirsync", "mand,nomand", "lazytime", "lazytime,nolazytime", "ro", "ro,sync", "ro,rw", "ro=1", "mand", "nomand",
	"source=foo", "nosuid", "noatime", "defaults",
}

func optionsScenario(s *stage) {
	for _, data := range dataRows {
		m, err := s.w.mount(data)
		if err != nil {
			s.say("%q: %s", data, errno(err))
			continue
		}
		s.say("%q: %s %s", data, m.options(), m.names())
		s.say("unmounted: %s", errno(m.umount(false)))
	}
}

func nodesScenario(s *stage) {
	m := s.mount("mode=0620,ptmxmode=0666") // 1
	f := s.open(m, nil)
	for _, name := range []string{"", "ptmx", "0", "1", "00", "+0", "-1", "tty", strings.Repeat("n", 256)} {
		s.stat(m, name)
	}
	s.say("%+v", m.statfs())
	f.close()
	s.stat(m, "0")
	s.stat(s.mount("mode=0600"), "")
	s.stat(s.mount("mode=7777,ptmxmode=7777"), "ptmx")
}

func ownersScenario(s *stage) {
	m := s.mount("ptmxmode=666")
	for _, c := range []*person{nil, {1000, 1001}, {0, 5}} {
		f := s.open(m, c)
		s.stat(m, "0")
		f.close()
	}
	m = s.mount("uid=7,ptmxmode=666,mode=620")
	s.stat(m, "ptmx")
	f := s.open(m, &person{1000, 1001})
	s.stat(m, "0")
	s.say("chown %s", errno(m.chown(nil, "0", 3, 4)))
	s.say("chmod %s", errno(m.chmod(nil, "0", 0o1604)))
	s.say("chmod %s", errno(m.chmod(nil, "", 0o700)))
	s.stat(m, "0")
	s.stat(m, "")
	f.close()
	f = s.open(m, nil)
	s.stat(m, "0") // another node
	f.close()
}

func limitsScenario(s *stage) {
	m := s.mount("max=2,ptmxmode=666")
	a, b := s.open(m, nil), s.open(m, nil)
	_, err := m.ptmx(nil, 2)
	s.say("third: %s", errno(err))
	a.close()
	c := s.open(m, nil)
	s.say("remount %s", errno(m.remount("max=1")))
	_, err = m.ptmx(nil, 2)
	s.say("above: %s", errno(err))
	c.close()
	c = s.open(m, nil) // below max by number
	b.close()
	c.close()
	m = s.mount("max=0") // 3
	s.open(m, nil).close()
}

func indicesScenario(s *stage) {
	m := s.mount("")
	a, b, c := s.open(m, nil), s.open(m, nil), s.open(m, nil)
	held := s.pts(m, nil, 2, 2)
	c.close() // 4
	s.stat(m, "2")
	d := s.open(m, nil)
	s.say("%s", m.names())
	held.close()
	e := s.open(m, nil)
	a.close()
	b.close()
	b, a = s.open(m, nil), s.open(m, nil)
	s.say("%s", m.names())
	for _, f := range []file{a, b, d, e} {
		f.close()
	}
	s.say("%s", m.names())
}

func readdirScenario(s *stage) {
	m := s.mount("")
	s.say("%s", m.names())
	files := []file{s.open(m, nil), s.open(m, nil), s.open(m, nil)}
	s.say("%s", m.names()) // 5
	files[1].close()
	s.say("%s", m.names())
	files[1] = s.open(m, nil)
	s.say("%s", m.names())
	bound, err := m.bind()
	s.say("bind %s: %s", errno(err), bound.names())
	other := s.mount("")
	s.say("another: %s", other.names())
}

func remountScenario(s *stage) {
	m := s.mount("gid=5,mode=620,ptmxmode=666,max=3")
	a := s.open(m, nil)
	s.say("chmod %s, chown %s", errno(m.chmod(nil, "ptmx", 0o640)), errno(m.chown(nil, "ptmx", 8, 9)))
	s.say("%s", errno(m.remount("mode=600"))) // 6
	s.say("%s", m.options())
	s.stat(m, "ptmx")
	s.stat(m, "0")
	b := s.open(m, nil)
	s.stat(m, "1")
	for _, data := range []string{"ptmxmode=600,bogus", "mode=8", "uid=5,uid=x", "newinstance", "", "max=7,sync", "mode=640,,"} {
		s.say("%q: %s", data, errno(m.remount(data)))
		s.say("%s", m.options())
		s.stat(m, "ptmx")
	}
	bound, err := m.bind()
	s.say("bind %s", errno(err))
	s.say("%s", errno(bound.remount("ptmxmode=444,uid=3")))
	s.say("%s", m.options())
	a.close()
	b.close()
	s.say("%s", errno(bound.umount(false)))
	s.say("%s", errno(m.umount(false)))
	s.say("%s", errno(m.umount(false)))
	s.say("%s", errno(m.remount("")))
}

func forbiddenScenario(s *stage) {
	m := s.mount("ptmxmode=666")
	f := s.open(m, nil)
	ops := []string{"create", "mkdir", "symlink", "link", "unlink", "rmdir", "rename"}
	for _, c := range []*person{nil, {1000, 1000}} { // 7
		for _, name := range []string{"new", "ptmx", "0"} {
			for op, word := range ops {
				if c != nil && word == "link" {
					continue // that depends on fs.protected_hardlinks
				}
				s.say("%v %s %s: %s", c, word, name, errno(m.refused(c, Op(op), name)))
			}
			s.say("mknod %s: %s", name, errno(m.mknod(c, name, S_IFCHR|0o600, 5<<8|2)))
		}
	}
	s.say("mknod: %s", errno(m.mknod(nil, "tty", S_IFCHR|0o600, 5<<8)))
	s.say("truncate: %s %s %s", errno(m.truncate("0")), errno(m.truncate("ptmx")), errno(m.truncate("")))
	for _, attr := range []string{"user.a", "trusted.a", "security.a"} {
		s.say("%s: %s", attr, errno(m.setxattr("0", attr)))
	}
	for _, flags := range []int{0, 1, 2} {
		_, err := m.pts(nil, 0, flags|oCreat|oExcl)
		s.say("O_EXCL %s", errno(err))
		_, err = m.pts(nil, 0, flags|oDirectory)
		s.say("O_DIRECTORY %s", errno(err))
	}
	f.close()
	s.say("%s", m.names())
}

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
	f.close()
	s.pts(m, nil, 0, 2)
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

package devpts

import (
	"strings"
	"testing"
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

package paths_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/pts"
)

// FuzzPaths asks made-up trees of each generation for any path: the way to it ends, leads to
// where it says, and what is opened can be closed.
func FuzzPaths(f *testing.F) {
	for seed, path := range []string{"/a/ptmx", "//a/../a/./pts//", "ptmx", "..", "", "/", "/a/ptmx/", strings.Repeat("/a/..", 900),
		strings.Repeat("x", 300), "/\x00", "/b/pts/0", "/a/pts/../../a/pts/ptmx", "/ptmx/../ptmx/ptmx", "pts/ptmx", "/x"} {
		f.Add(uint64(seed), path, uint8(seed), uint32(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, path string, generation uint8, flags uint32) {
		m := newModel(devpts.Generation(generation % 4))
		for _, line := range makeUp(seed, 100) {
			step(line, m)
		}
		for _, c := range []pts.Caller{nil, user{1000}} {
			p, err := m.v.Resolve(c, path)
			if err == nil && strings.HasPrefix(path, "/") {
				name := m.v.Path(p)
				again, err := m.v.Resolve(nil, name)
				if !strings.HasSuffix(name, " (deleted)") && (err != nil || m.v.Path(again) != name || again.Stat() != p.Stat()) {
					t.Errorf("%q is at %q, which is %+v, %v", path, name, again, err)
				}
			}
			if err == nil {
				_, _ = p.Instance(c)
			}
			if e, err := m.v.Open(c, path, int(flags&0x3ffff)); err == nil {
				m.ends = append(m.ends, e)
			}
		}
		m.close()
		if n := m.sys.PtyNr(); n != 0 {
			t.Errorf("%d terminals stay", n)
		}
	})
}

// makeUp makes a script.
func makeUp(seed uint64, n int) []string {
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	name := func() string { return pick("a", "a", "b", "pts", "pts", "ptmx", "ptmx", "x") }
	made := []string{"/a", "/b", "/a/pts"} // paths that may exist
	path := func() string {
		if r.IntN(2) == 0 {
			return pick(made...)
		}
		p := ""
		for range 1 + r.IntN(3) {
			p += "/" + name()
		}
		made = append(made, p)
		return p
	}
	odd := func() string {
		if r.IntN(2) == 0 {
			return pick(made...) + pick("", "", "", "/ptmx", "/ptmx", "/pts/ptmx", "/0", "/../ptmx")
		}
		p := pick("/", "/", "/", "", "@h/", "@d/")
		for i := range 1 + r.IntN(4) {
			if i > 0 {
				p += pick("/", "/", "/", "//")
			}
			p += pick(name(), name(), name(), name(), name(), "..", ".", "0", "1")
		}
		return p + pick("", "", "", "", "", "/")
	}
	confined := false
	lines := []string{"mkdir /a", "mkdir /b", "mkdir /a/pts", "mknod /a/ptmx 5:2 666", "devpts /a/pts ptmxmode=666",
		"hold h /a/ptmx", "hold d /a/pts"}
	for len(lines) < n {
		line := ""
		switch r.IntN(30) {
		case 0, 1, 2:
			line = "mkdir " + path()
		case 3, 4, 5:
			line = "mknod " + path() + " " + pick("5:2", "5:2", "5:2", "136:0", "5:0") + " " + pick("666", "666", "600")
		case 6:
			line = "file " + path()
		case 7, 8:
			line = "symlink " + pick("pts", "../a", "/a", "ptmx", "pts/ptmx", "./a", "../b", "/b/pts", "x/") + " " + path()
		case 9:
			line = "link " + path() + " " + path()
		case 10:
			line = "rm " + path()
		case 11:
			line = "mv " + path() + " " + path()
		case 12, 13:
			line = "devpts " + path() + pick("", " ptmxmode=666")
		case 14:
			line = "tmpfs " + path()
		case 15, 16:
			line = "bind " + path() + " " + path()
		case 17:
			line = pick("umount-l ", "umount-l ", "nodev ", "dev ", "nosymfollow ") + path()
		case 18:
			line = pick("hold h ", "hold d ") + path()
		case 19:
			line = pick("chmod 700 ", "chmod 777 ", "chmod 000 ", "chmod 666 ", "chown 1000:0 ") + path()
		case 20:
			line = pick("unshare", "back", "chroot "+path(), "cd "+path(), "cd @d", "close", "fsmount d ptmxmode=666")
			if confined && (line == "unshare" || line == "back") {
				continue // back is out of the new root
			}
			confined = confined || strings.HasPrefix(line, "chroot")
		case 21:
			line = "peer"
		case 22:
			line = "open @h"
		default:
			line = "open " + odd() + pick("", "", " rdwr 1000", " rdonly 1000", " nofollow", " directory", " wronly")
		}
		lines = append(lines, line)
	}
	return lines
}

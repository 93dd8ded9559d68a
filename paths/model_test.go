package paths_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/paths"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

// machine is what a script runs on. Operations return nil or an errno.
type machine interface {
	do(op string, args []string) error
	open(where string, flags, uid int) string
	peer() string // of the ptm that was opened last
	close()       // all ends
}

// openFlags are the words for flags, by Linux's values.
var openFlags = map[string]int{
	"": pty.O_RDWR, "rdwr": pty.O_RDWR, "rdonly": pty.O_RDONLY, "wronly": pty.O_WRONLY, "3": 3,
	"directory": pty.O_RDWR | paths.O_DIRECTORY, "creat": pty.O_RDWR | paths.O_CREAT,
	"excl": pty.O_RDWR | paths.O_CREAT | paths.O_EXCL, "nofollow": pty.O_RDWR | paths.O_NOFOLLOW,
	"nofollow+directory": pty.O_RDWR | paths.O_NOFOLLOW | paths.O_DIRECTORY,
}

// run runs a script and tells in which lines m does otherwise than they say.
func run(script string, m machine) []string {
	defer m.close()
	return runOpen(script, m)
}

// runOpen is run, and leaves open what is.
func runOpen(script string, m machine) (wrong []string) {
	for line := range strings.Lines(script) {
		command, want, said := strings.Cut(strings.TrimSpace(line), " = ")
		if command == "" {
			continue
		}
		if !said {
			want = "ok"
		}
		if got := step(command, m); got != want && want != "anything" {
			wrong = append(wrong, fmt.Sprintf("%s: got %s, want %s", command, got, want))
		}
	}
	return wrong
}

// step runs one line and tells what came of it.
func step(command string, m machine) string {
	f := strings.Fields(command)
	switch f[0] {
	case "open":
		f = append(f, "", "")
		uid, _ := strconv.Atoi(f[3])
		flags, ok := openFlags[f[2]]
		if !ok {
			panic(command)
		}
		return m.open(f[1], flags|pty.O_NOCTTY, uid)
	case "peer":
		return m.peer()
	case "close":
		m.close()
		return "ok"
	}
	if err := m.do(f[0], f[1:]); err != nil {
		return errnoName(err)
	}
	return "ok"
}

func errnoName(err error) string {
	var e pts.Errno
	if errors.As(err, &e) {
		return e.Name()
	}
	return err.Error()
}

// user is a caller.
type user struct{ uid int }

func (u user) PID() int   { return 1 }
func (u user) FSUID() int { return u.uid }
func (u user) FSGID() int { return u.uid }

// model is a machine in this process.
type model struct {
	sys    *devpts.System
	v      *paths.View
	before *paths.View // unshare
	inst   map[*devpts.Instance]int
	held   map[string]paths.Place
	ends   []pts.End
	last   pts.End
	keeps  []*devpts.Mount
}

func newModel(g devpts.Generation) *model {
	sys := devpts.NewSystem(devpts.Config{Generation: g})
	m := &model{sys: sys, v: paths.New(sys), inst: map[*devpts.Instance]int{}, held: map[string]paths.Place{}}
	if i := sys.Initial(); i != nil {
		m.inst[i] = 0
	}
	return m
}

func number(s string, base int) int {
	n, err := strconv.ParseInt(s, base, 32)
	if err != nil {
		panic(err)
	}
	return int(n)
}

// rdev parses MAJ:MIN.
func rdev(s string) uint64 {
	major, minor, _ := strings.Cut(s, ":")
	return uint64(number(major, 10)<<8 | number(minor, 10))
}

func (m *model) do(op string, a []string) error {
	v := m.v
	var err error
	switch op {
	case "mkdir":
		return v.Mkdir(a[0], 0o755)
	case "mknod":
		return v.Mknod(a[0], paths.S_IFCHR|uint32(number(a[2], 8)), rdev(a[1]))
	case "file":
		return v.Mknod(a[0], 0o644, 0)
	case "symlink":
		return v.Symlink(a[0], a[1])
	case "link":
		return v.Link(a[0], a[1])
	case "rm":
		return v.Remove(a[0])
	case "mv":
		return v.Rename(a[0], a[1])
	case "chmod":
		return v.Chmod(a[1], uint32(number(a[0], 8)))
	case "chown":
		uid, gid, _ := strings.Cut(a[0], ":")
		return v.Chown(a[1], number(uid, 10), number(gid, 10))
	case "tmpfs":
		return v.MountPlain(a[0])
	case "devpts", "fsmount":
		d, err := m.sys.Mount(devpts.Mounter{}, strings.Join(a[1:], ","))
		if err != nil {
			return err
		}
		m.keeps = append(m.keeps, d)
		if _, ok := m.inst[d.Instance()]; !ok {
			m.inst[d.Instance()] = m.next()
		}
		if op == "devpts" {
			if err = v.Attach(d, a[0]); err != nil {
				delete(m.inst, d.Instance())
			}
			return err
		}
		m.held[a[0]], err = v.Detached(d)
		return err
	case "bind":
		return v.Bind(a[0], a[1])
	case "umount":
		return v.Unmount(a[0])
	case "umount-l":
		return v.Detach(a[0])
	case "nodev":
		return v.SetFlags(a[0], pts.MountNoDev)
	case "nosymfollow":
		return v.SetFlags(a[0], pts.MountNoSymFollow)
	case "dev":
		return v.SetFlags(a[0], 0)
	case "unshare":
		m.before, m.v = v, v.Unshare()
	case "back":
		if m.before == nil {
			return pts.EINVAL
		}
		m.v = m.before.At(m.before.Root())
	case "chroot":
		if v, err = v.Chroot(a[0]); err == nil {
			m.v = v
		}
	case "cd":
		if name, ok := strings.CutPrefix(a[0], "@"); ok && m.held[name] != (paths.Place{}) {
			if m.held[name].Stat().Mode&paths.S_IFMT != paths.S_IFDIR {
				return pts.ENOTDIR
			}
			m.v = v.At(m.held[name])
		} else if v, err = v.Chdir(a[0]); err == nil {
			m.v = v
		}
	case "hold":
		var p paths.Place
		if p, err = v.Resolve(nil, a[1]); err == nil {
			m.held[a[0]] = p
		}
	default:
		panic(op)
	}
	return err
}

// next is the number of the next instance; the initial one is 0.
func (m *model) next() int {
	n := 1
	for _, i := range m.inst {
		n = max(n, i+1)
	}
	return n
}

func (m *model) open(where string, flags, uid int) string {
	var c pts.Caller
	if uid != 0 {
		c = user{uid}
	}
	var e pts.End
	var err error
	if name, ok := strings.CutPrefix(where, "@"); ok {
		name, rest, below := strings.Cut(name, "/")
		if _, ok := m.held[name]; !ok {
			return "not held"
		}
		if below {
			e, err = m.v.At(m.held[name]).Open(c, rest, flags)
		} else {
			e, err = m.held[name].Open(c, flags)
		}
	} else {
		e, err = m.v.Open(c, where, flags)
	}
	if err != nil {
		return errnoName(err)
	}
	m.ends = append(m.ends, e)
	o, ok := paths.Describe(e)
	if !ok {
		return "an end without description"
	}
	said := fmt.Sprintf("%d/%d", m.inst[o.Instance], o.Index)
	self := m.v.Path(o.Place)
	if !o.PTM {
		return "pts " + said + " self " + self
	}
	m.last = e
	unlock(e)
	return said + " peer " + m.peerFor(c) + " self " + self
}

func unlock(ptm pts.End) {
	if _, err := ptm.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)); err != nil {
		panic(err)
	}
}

func (m *model) peer() string {
	if m.last == nil {
		return "no ptm"
	}
	return m.peerFor(nil)
}

func (m *model) peerFor(c pts.Caller) string {
	p, err := paths.Peer(m.last)
	e, openErr := paths.OpenPeer(m.last, c, pty.O_RDWR|pty.O_NOCTTY)
	if openErr == nil {
		defer e.Close()
	}
	switch {
	case err != nil && (openErr == nil || errnoName(err) != errnoName(openErr)):
		return fmt.Sprintf("%v, but opened: %v", err, openErr)
	case openErr != nil:
		return errnoName(openErr)
	}
	return m.v.Path(p)
}

func (m *model) close() {
	for _, e := range m.ends {
		_ = e.Close()
	}
	m.ends, m.last = nil, nil
}

// TestLayouts runs each layout on the model of the Linux of today.
func TestLayouts(t *testing.T) {
	for _, l := range layouts() {
		t.Run(l.name, func(t *testing.T) {
			for _, wrong := range run(l.script, newModel(devpts.Always)) {
				t.Error(wrong)
			}
		})
	}
}

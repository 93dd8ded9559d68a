//go:build linux

package procjob

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/termios"
)

// kernel is a terminal of the kernel's.
type kernel struct {
	ptm  int
	path string
}

func newKernel(t *testing.T) *kernel {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		lacking(t, "needs /dev/ptmx:", err)
	}
	k := &kernel{ptm: fd}
	t.Cleanup(func() {
		if k.ptm >= 0 {
			_ = unix.Close(k.ptm) // ours alone
		}
	})
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	k.path = "/dev/pts/" + strconv.Itoa(n)
	return k
}

func (k *kernel) another(s *stage) terminal { return newKernel(s.T) }
func (k *kernel) open(s *stage, a *actor, flags int) string {
	return a.ask(s, fmt.Sprintf("open %s %d", k.path, flags))
}
func (k *kernel) does(s *stage, a *actor, words string) string { return a.ask(s, words) }
func (k *kernel) stops(s *stage, a *actor, words string)       { a.told(s, words) }
func (k *kernel) typed(s *stage, b string) {
	if _, err := unix.Write(k.ptm, []byte(b)); err != nil {
		s.Fatal(err)
	}
}
func (k *kernel) resize(s *stage, rows uint16) {
	if err := unix.IoctlSetWinsize(k.ptm, unix.TIOCSWINSZ, &unix.Winsize{Row: rows}); err != nil {
		s.Fatal(err)
	}
}
func (k *kernel) ask(s *stage, req string) string { return perform(k.ptm, []string{req}) }
func (k *kernel) hangup(s *stage) {
	_ = unix.Close(k.ptm) // ours alone
	k.ptm = -1
}

// virtual is a terminal of ours.
type virtual struct {
	system *System
	ptm    *pty.PTM
	ends   map[int]*pty.PTS // by the actor that opened it
}

func newVirtual(t *testing.T) *virtual {
	t.Helper()
	return newVirtualOf(t, newSystem(t))
}

func newVirtualOf(t *testing.T, system *System) *virtual {
	t.Helper()
	v := &virtual{system: system, ptm: pty.New(nil, pty.Config{}), ends: make(map[int]*pty.PTS)}
	if err := v.ptm.Unlock(); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *virtual) another(s *stage) terminal { return newVirtualOf(s.T, v.system) }
func (v *virtual) open(s *stage, a *actor, flags int) string {
	e, err := v.ptm.OpenPTS(v.system.Process(a.pid, 0, 0), flags)
	v.ends[a.pid] = e
	return errno(errors.Unwrap(err))
}
func (v *virtual) does(s *stage, a *actor, words string) string {
	p := v.system.Process(a.pid, 0, 0)
	return operate(v.ends[a.pid].End(p), p, strings.Fields(words))
}
func (v *virtual) stops(s *stage, a *actor, words string) {
	s.Helper()
	if got := v.does(s, a, words); got != "EINTR" {
		s.Errorf("%s, %s: %s, want EINTR", a.name, words, got)
	}
}
func (v *virtual) typed(s *stage, b string) {
	if _, err := v.ptm.Write([]byte(b)); err != nil {
		s.Fatal(err)
	}
}
func (v *virtual) resize(s *stage, rows uint16) {
	if err := v.ptm.SetWinsize(termios.Winsize{Row: rows}); err != nil {
		s.Fatal(err)
	}
}
func (v *virtual) ask(s *stage, req string) string {
	v.system.Settle()
	return operate(v.ptm.End(nil), nil, []string{req})
}
func (v *virtual) hangup(s *stage) {
	if err := v.ptm.Close(); err != nil {
		s.Fatal(err)
	}
}

// operate does to our terminal what perform does to the kernel's.
func operate(e pts.End, c pts.Caller, words []string) string {
	switch words[0] {
	case "read":
		b := make([]byte, 100)
		n, err := e.Read(b)
		return result(string(b[:n]), err)
	case "write":
		_, err := e.Write([]byte(words[1]))
		return errno(err)
	case "tostop":
		b := make([]byte, 36)
		if _, err := e.Ioctl(c, pts.TCGETS, b); err != nil {
			return errno(err)
		}
		binary.NativeEndian.PutUint32(b[12:], binary.NativeEndian.Uint32(b[12:])|unix.TOSTOP)
		_, err := e.Ioctl(c, pts.TCSETS, b)
		return errno(err)
	}
	req := requests[words[0]]
	b := make([]byte, req.Size)
	if len(words) > 1 && req.Dir == pts.IoctlIn {
		binary.NativeEndian.PutUint32(b, uint32(number(words[1])))
	} else if len(words) > 1 {
		binary.LittleEndian.PutUint64(b, uint64(number(words[1])))
	}
	_, err := e.Ioctl(c, req.Req, b)
	if req.Dir == pts.IoctlOut {
		return result(strconv.Itoa(int(int32(binary.NativeEndian.Uint32(b)))), err)
	}
	return errno(err)
}

package pty

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

func TestSettings(t *testing.T) {
	me, se, m, s := pairOf(t)
	tio, _ := s.Termios()
	tio.Cflag = tio.Cflag&^termios.CSIZE | termios.CS5 | termios.PARENB
	tio.Iflag |= 0x7fff0000
	if err := m.SetTermios(TCSAFLUSH, tio); err != nil {
		t.Fatal(err)
	}
	got, err := s.Termios()
	if err != nil || got.Cflag&(termios.CSIZE|termios.PARENB|termios.CREAD) != termios.CS8|termios.CREAD { // row 53
		t.Errorf("row 53: %#x, %v", got.Cflag, err)
	}
	if got.Iflag != tio.Iflag {
		t.Errorf("unknown bits: %#x", got.Iflag)
	}
	if err := s.SetTermios(3, tio); !errors.Is(err, pts.EINVAL) {
		t.Errorf("when 3: %v", err)
	}
	b := make([]byte, 36)
	termios.Struct.Put(b, &termios.Termios{Lflag: termios.ECHO})
	if _, err := se.Ioctl(nil, pts.TIOCSLCKTRMIOS, b); err != nil {
		t.Fatal(err)
	}
	set(t, s, "-echo", "-icanon")
	if got, _ := s.Termios(); got.Lflag&(termios.ECHO|termios.ICANON) != termios.ECHO {
		t.Errorf("locked: %#x", got.Lflag)
	}
	clear(b)
	if _, err := se.Ioctl(nil, pts.TIOCSLCKTRMIOS, b); err != nil {
		t.Fatal(err)
	}
	set(t, s, "raw", "opost", "-echo")
	_, _ = me.Read(make([]byte, 100))
	write(t, me, "\n")
	wantReads(t, "row 57", se, 10, `"\n" EAGAIN`)
}

func TestNull(t *testing.T) { // row 58
	me, se, _, s := pairOf(t)
	wantIoctl(t, se, pts.TIOCSETD, 99, pts.EINVAL)
	wantIoctl(t, se, pts.TIOCSETD, -1, pts.EINVAL)
	wantIoctl(t, se, pts.TIOCSETD, N_NULL, nil)
	wantReads(t, "N_NULL", se, 10, "EOPNOTSUPP")
	if _, err := se.Write([]byte("x")); err != pts.EOPNOTSUPP {
		t.Errorf("write: %v", err)
	}
	wantIoctl(t, se, pts.TCGETS, 0, pts.EINVAL)
	wantPoll(t, "N_NULL", se, 0)
	if n, _ := ioctl(se, pts.TIOCGETD, 0); n != N_NULL {
		t.Errorf("TIOCGETD %d", n)
	}
	wantIoctl(t, se, pts.TIOCSETD, N_TTY, nil)
	write(t, me, "a\n")
	wantReads(t, "N_TTY", se, 10, `"a\n" EAGAIN`)
	if _, err := s.Termios(); err != nil {
		t.Error(err)
	}
}

func TestInsertionAndSize(t *testing.T) {
	me, se, m, s := pairOf(t)
	wantIoctl(t, me, pts.TIOCSTI, 'z', nil)
	wantReads(t, "row 23", me, 10, `"z" EAGAIN`)
	wantIoctl(t, se, pts.TIOCSTI, 'x', nil)
	wantIoctl(t, se, pts.TIOCSTI, '\n', nil)
	wantReads(t, "TIOCSTI", me, 10, `"x\r\n" EAGAIN`)
	wantReads(t, "TIOCSTI", se, 10, `"x\n" EAGAIN`)

	var got []pts.Signal
	s.HandleSignals(func(sig pts.Signal) { got = append(got, sig) })
	for _, w := range []termios.Winsize{{}, {Row: 24, Col: 80}, {Row: 24, Col: 80}, {Row: 24, Col: 80, Xpixel: 1}} { // row 52
		if err := m.SetWinsize(w); err != nil {
			t.Fatal(err)
		}
	}
	if w, _ := s.Winsize(); w.Col != 80 || fmt.Sprint(got) != "[SIGWINCH SIGWINCH]" {
		t.Errorf("row 52: size %+v, signals %v", w, got)
	}
	got = nil
	write(t, me, "\x03\x1c\x1a")
	wantIoctl(t, me, pts.TIOCSIG, int(pts.SIGINT), nil)
	wantIoctl(t, me, pts.TIOCSIG, 9, pts.EINVAL)
	wantIoctl(t, se, pts.TIOCSIG, int(pts.SIGINT), pts.ENOTTY)
	if fmt.Sprint(got) != "[SIGINT SIGQUIT SIGTSTP SIGINT]" {
		t.Errorf("signals %v", got)
	}
	got = nil
	_ = m.Close()
	if fmt.Sprint(got) != "[SIGHUP]" {
		t.Errorf("signals %v", got)
	}
}

type user int

func (user) PID() int     { return 1 }
func (u user) FSUID() int { return int(u) }
func (u user) FSGID() int { return int(u) }

// admin is another user who has CAP_SYS_ADMIN, and of whom job control knows nothing.
type admin struct{ user }

func (admin) Privileged() bool { return true }

func TestPrivileges(t *testing.T) {
	me, se, m, s := pairOf(t)
	for _, req := range []uint32{pts.TIOCSTI, pts.TIOCVHANGUP, pts.TIOCSLCKTRMIOS} {
		for _, e := range []pts.End{me, se} {
			if _, err := e.Ioctl(user(1000), req, make([]byte, 64)); err != pts.EPERM {
				t.Errorf("request %#x: %v", req, err)
			}
		}
	}
	wantIoctl(t, me, pts.TIOCCONS, 0, pts.EINVAL)
	if _, err := se.Ioctl(user(1000), pts.TIOCCONS, make([]byte, 8)); err != pts.EPERM {
		t.Errorf("TIOCCONS: %v", err)
	}
	wantIoctl(t, se, pts.TIOCEXCL, 0, nil)
	_ = s.Close()
	s, err := m.OpenPTS(nil, O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	if on, _ := ioctl(s.End(nil), pts.TIOCGEXCL, 0); on != 1 { // row 60
		t.Errorf("row 60: exclusive is %d", on)
	}
	if on, _ := ioctl(me, pts.TIOCGEXCL, 0); on != 0 {
		t.Errorf("exclusive of the ptm is %d", on)
	}
	if _, err := m.OpenPTS(user(1000), O_RDWR); !errors.Is(err, pts.EBUSY) {
		t.Errorf("open: %v", err)
	}
	if x, err := m.OpenPTS(admin{1000}, O_RDWR|O_NOCTTY); err != nil {
		t.Errorf("open by another user with CAP_SYS_ADMIN: %v", err)
	} else {
		_ = x.Close()
	}
	n, err := ioctl(me, pts.TIOCGPGRP, -7)
	if n != 0 || err != nil {
		t.Errorf("row 21: %d, %v", n, err)
	}
	wantIoctl(t, me, pts.TIOCGSID, 0, pts.ENOTTY)
	wantIoctl(t, s.End(nil), pts.TIOCGPGRP, 0, pts.ENOTTY)
	wantIoctl(t, s.End(nil), pts.TIOCSPGRP, -1, pts.EINVAL)
	wantIoctl(t, s.End(nil), pts.TIOCGPTPEER, 0, pts.EIO)
	ro, err := m.OpenPTS(nil, O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ro.Write([]byte("x")); !errors.Is(err, pts.EBADF) || errors.Is(err, fs.ErrClosed) {
		t.Errorf("write of O_RDONLY: %v", err)
	}
}

// No argument makes a request panic.
func TestHostileRequests(t *testing.T) {
	for req := range ioctls {
		for size := range 70 {
			me, se, _, _ := pairOf(t)
			b := make([]byte, size)
			for i := range b {
				b[i] = 0xff
			}
			d, _ := pts.LookupIoctl(req)
			for _, e := range []pts.End{me, se} {
				_, err := e.Ioctl(nil, req, b)
				if size < d.Size && err != pts.EFAULT && err != pts.ENOTTY {
					t.Errorf("%s with %d bytes: %v", d.Name, size, err)
				}
				_, _ = e.Write([]byte("x\x7f\xff\n\t"))
				_, _ = e.Read(nil)
				_, _ = e.Write(nil)
				_ = e.Poll()
			}
		}
	}
	me, _, _, _ := pairOf(t)
	for _, req := range []uint32{0, 0x5415, 0x5499, 0xffffffff} {
		wantIoctl(t, me, req, 0, pts.ENOTTY)
	}
}

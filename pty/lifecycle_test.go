package pty

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

func TestLifecycle(t *testing.T) {
	m := New(nil, Config{Index: 7})
	me := m.End(nil)
	wantReads(t, "row 12: no pts yet", me, 10, "EAGAIN")
	wantPoll(t, "row 12", me, wait.Out)
	if _, err := m.OpenPTS(nil, O_RDWR); !errors.Is(err, pts.EIO) {
		t.Errorf("a locked pts opens: %v", err)
	}
	if n, err := ioctl(me, pts.TIOCGPTN, 0); n != 7 || err != nil {
		t.Errorf("index %d, %v", n, err)
	}
	if n, _ := ioctl(me, pts.TIOCGDEV, 0); n != 0x8807 {
		t.Errorf("device %#x", n)
	}
	write(t, me, "hi\n")
	wantReads(t, "row 11: echo", me, 10, `"hi\r\n" EAGAIN`)
	wantIoctl(t, me, pts.TIOCSPTLCK, 0, nil)
	s, err := m.OpenPTS(nil, O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	se := s.End(nil)
	wantReads(t, "row 11", se, 10, `"hi\n" EAGAIN`)

	wantIoctl(t, me, pts.TIOCSPTLCK, 5, nil)
	if on, _ := ioctl(me, pts.TIOCGPTLCK, 0); on != 1 {
		t.Errorf("locked with 5 reads %d", on)
	}
	if _, err := m.OpenPTS(nil, O_RDWR); !errors.Is(err, pts.EIO) {
		t.Errorf("row 10: %v", err)
	}
	wantReads(t, "row 10", se, 10, "EIO")
	if _, err := se.Write([]byte("x")); err != pts.EIO {
		t.Errorf("row 10: write: %v", err)
	}
	wantPoll(t, "row 10", se, wait.Out)
	wantIoctl(t, me, pts.TIOCSPTLCK, 0, nil)
	s2, err := m.OpenPTS(nil, O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	write(t, se, "out")
	if err := s2.Close(); err != nil {
		t.Fatal(err)
	}
	wantPoll(t, "one of two closed", me, wait.In|wait.Out)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantPoll(t, "row 13", me, wait.In|wait.Out|wait.Hup)
	wantReads(t, "row 13", me, 10, `"out" EIO`)
	wantPoll(t, "row 13", me, wait.Out|wait.Hup)
	write(t, me, "zz\n")
	wantReads(t, "row 14", me, 10, `"zz\r\n" EIO`)
	s, err = m.OpenPTS(nil, O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	wantPoll(t, "opened again", me, wait.Out)
	wantReads(t, "row 14", s.End(nil), 10, `"zz\n" EAGAIN`)
}

func TestPtmCloses(t *testing.T) { // row 15
	released := 0
	m := New(nil, Config{Released: func() { released++ }})
	if err := m.Unlock(); err != nil {
		t.Fatal(err)
	}
	s, err := m.OpenPTS(nil, O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	me, se := m.End(nil), s.End(nil)
	write(t, me, "in\n")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	wantPoll(t, "pts", se, wait.In|wait.Out|wait.Err|wait.Hup)
	wantReads(t, "pts", se, 10, `""`)
	if _, err := se.Write([]byte("x")); err != pts.EIO {
		t.Errorf("write: %v", err)
	}
	for req, want := range map[uint32]error{pts.TCGETS: pts.EIO, pts.TIOCGWINSZ: pts.EIO, pts.FIONREAD: pts.EIO, pts.TIOCSPGRP: pts.ENOTTY, pts.TIOCSCTTY: pts.EIO} {
		wantIoctl(t, se, req, 0, want)
	}
	if _, err := s.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read: %v", err)
	}
	if _, err := m.OpenPTS(nil, O_RDWR); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("open: %v", err)
	}
	if released != 0 {
		t.Error("the index is free while the pts is open")
	}
	if s.Close() != nil || released != 1 {
		t.Errorf("the index is released %d times", released)
	}
	for _, err := range []error{m.Close(), s.Close()} {
		if !errors.Is(err, fs.ErrClosed) || !errors.Is(err, pts.EBADF) {
			t.Errorf("closed again: %v", err)
		}
	}
	for _, e := range []pts.End{me, se} {
		wantReads(t, "closed", e, 1, "EBADF")
		wantIoctl(t, e, pts.TCGETS, 0, pts.EBADF)
	}
}

func TestVhangup(t *testing.T) {
	me, se, m, s := pairOf(t, "-echo")
	write(t, me, "in\n")
	write(t, se, "o")
	wantIoctl(t, se, pts.TIOCVHANGUP, 0, nil)
	wantPoll(t, "row 18: ptm", me, wait.In|wait.Out)
	wantPoll(t, "row 18: pts", se, wait.In|wait.Out|wait.Err|wait.Hup)
	wantReads(t, "row 18", se, 10, `""`)
	wantReads(t, "row 18", me, 10, `"o" EAGAIN`)
	write(t, me, "k\n")
	s2, err := m.OpenPTS(nil, O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	wantReads(t, "row 18: it waits for more", s2.End(nil), 10, "EAGAIN")
	write(t, me, "l\n")
	if got, _ := s2.Termios(); got != termios.Default() {
		t.Errorf("row 18: settings %+v", got)
	}
	wantReads(t, "row 18", s2.End(nil), 10, `"k\n" "l\n" EAGAIN`)
	_ = s.Close()

	wantIoctl(t, me, pts.TIOCVHANGUP, 0, nil)
	wantPoll(t, "ptm", me, wait.In|wait.Out|wait.Err|wait.Hup)
	wantReads(t, "ptm", me, 10, `""`)
	if _, err := me.Write([]byte("x")); err != pts.EIO {
		t.Errorf("write: %v", err)
	}
	wantReads(t, "pts", s2.End(nil), 10, "EAGAIN")
	write(t, s2.End(nil), "x")
}

// What is closed says so, and an error names the request.
func TestErrorsName(t *testing.T) {
	m, s := Open()
	_, err := m.Ioctl(pts.TIOCNOTTY, make([]byte, 8))
	if err == nil || err.Error() != "ioctl TIOCNOTTY ptm: inappropriate ioctl for device" {
		t.Errorf("TIOCNOTTY: %v", err)
	}
	_, err = s.Ioctl(0xfff, nil)
	if err == nil || err.Error() != "ioctl 0xfff pts: inappropriate ioctl for device" {
		t.Errorf("an unknown request: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.OpenPTS(nil, O_RDWR); !errors.Is(err, fs.ErrClosed) || !errors.Is(err, pts.EBADF) {
		t.Errorf("the pts of a ptm that is closed: %v", err)
	}
}

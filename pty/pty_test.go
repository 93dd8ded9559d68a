package pty

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// Numbers of rows are those of the list of behaviours that implementations commonly
// get wrong, each measured on Linux 6.18.

// reads is what reading without blocking gives until there is nothing, and why it
// ended.
func reads(e pts.End, size int) string {
	var all []string
	b := make([]byte, size)
	for range 20 {
		n, err := e.Read(b)
		if err != nil {
			all = append(all, err.(pts.Errno).Name())
			break
		}
		all = append(all, fmt.Sprintf("%q", b[:n]))
		if n == 0 {
			break
		}
	}
	return strings.Join(all, " ")
}

func wantReads(t *testing.T, what string, e pts.End, size int, want string) {
	t.Helper()
	if got := reads(e, size); got != want {
		t.Errorf("%s: reads %s, want %s", what, got, want)
	}
}

func wantPoll(t *testing.T, what string, e pts.End, want wait.Events) {
	t.Helper()
	if got := e.Poll() &^ (wait.RdNorm | wait.WrNorm); got != want {
		t.Errorf("%s: poll says %v, want %v", what, got, want)
	}
}

func write(t *testing.T, e pts.End, s string) {
	t.Helper()
	if n, err := e.Write([]byte(s)); n != len(s) || err != nil {
		t.Errorf("write of %q: %d, %v", s, n, err)
	}
}

// ioctl performs a request with a number or a structure of 4 bytes.
func ioctl(e pts.End, req uint32, value int) (int, error) {
	b := make([]byte, 64)
	binary.NativeEndian.PutUint64(b, uint64(value))
	_, err := e.Ioctl(nil, req, b)
	return int(int32(binary.NativeEndian.Uint32(b))), err
}

func wantIoctl(t *testing.T, e pts.End, req uint32, value int, want error) {
	t.Helper()
	if _, err := ioctl(e, req, value); err != want {
		r, _ := pts.LookupIoctl(req)
		t.Errorf("%s %d: %v, want %v", r.Name, value, err, want)
	}
}

// pairOf is both ends of a pair for tests that must not block.
func pairOf(t *testing.T, stty ...string) (pts.End, pts.End, *PTM, *PTS) {
	t.Helper()
	m, s := Open()
	set(t, s, stty...)
	return m.End(nil), s.End(nil), m, s
}

func set(t *testing.T, s *PTS, stty ...string) {
	t.Helper()
	tio, err := s.Termios()
	if err != nil {
		t.Fatal(err)
	}
	var w termios.Winsize
	if err := tio.Stty(&w, stty...); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTermios(TCSANOW, tio); err != nil {
		t.Fatal(err)
	}
}

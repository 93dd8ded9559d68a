package pty

import (
	"testing"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

func TestPacketMode(t *testing.T) {
	me, se, _, s := pairOf(t)
	wantIoctl(t, se, pts.TIOCPKT, 1, pts.ENOTTY)
	wantIoctl(t, me, pts.TIOCPKT, 1, nil)
	wantReads(t, "enabled", me, 10, "EAGAIN")
	write(t, se, "hello")
	wantReads(t, "data", me, 10, `"\x00hello" EAGAIN`)
	write(t, me, "\x13\x11")
	wantPoll(t, "row 24", me, wait.In|wait.Pri|wait.Out)
	wantReads(t, "row 24", me, 10, `"\b" EAGAIN`)
	write(t, se, "abcdef")
	wantReads(t, "row 25", me, 4, `"\x00abc" "\x00def" EAGAIN`)
	write(t, se, "abc")
	b := make([]byte, 1)
	if n, err := me.Read(b); n != 1 || b[0] != 0 || err != nil {
		t.Errorf("row 25: %d %q %v", n, b, err)
	}
	wantReads(t, "row 25", me, 10, `"\x00abc" EAGAIN`)
	for _, c := range []struct {
		stty []string
		want string
	}{
		{[]string{"-ixon"}, `"\x10" EAGAIN`}, {[]string{"ixon"}, `" " EAGAIN`},
		{[]string{"stop", "x"}, `"\x10" EAGAIN`}, {[]string{"stop", "^S"}, `" " EAGAIN`},
		{[]string{"-echo"}, `EAGAIN`}, {[]string{"extproc"}, `"@" EAGAIN`}, {[]string{"echo"}, `"@" EAGAIN`},
		{[]string{"echo"}, `"@" EAGAIN`}, // row 26
		{[]string{"-extproc"}, `"@" EAGAIN`}, {[]string{"echo"}, `EAGAIN`},
	} {
		set(t, s, c.stty...)
		wantReads(t, c.stty[0], me, 10, c.want)
	}
	write(t, se, "data")
	write(t, me, "\x03")
	wantReads(t, "^C", me, 10, `"\x03" "\x00data^C" EAGAIN`)
	wantIoctl(t, se, pts.TCFLSH, TCIOFLUSH, nil)
	wantReads(t, "flush", me, 10, `"\x03" EAGAIN`)
	write(t, se, "lost")
	wantIoctl(t, se, pts.TCFLSH, TCOFLUSH, nil)
	wantReads(t, "row 59", me, 10, `"\x02" "\x00lost" EAGAIN`)
	wantIoctl(t, me, pts.TCFLSH, TCIOFLUSH, nil)
	wantReads(t, "the ptm's flush", me, 10, `EAGAIN`)
	wantIoctl(t, se, pts.TCFLSH, TCIFLUSH, nil)
	wantIoctl(t, me, pts.TIOCPKT, 1, nil)
	wantReads(t, "enabled while enabled", me, 10, `"\x01" EAGAIN`)
	wantIoctl(t, se, pts.TCFLSH, TCIFLUSH, nil)
	wantIoctl(t, me, pts.TIOCPKT, 0, nil)
	wantReads(t, "disabled", me, 10, `EAGAIN`)
	wantIoctl(t, me, pts.TIOCPKT, 1, nil)
	wantReads(t, "enabled again", me, 10, `EAGAIN`)
}

func TestFlowControl(t *testing.T) {
	me, se, _, s := pairOf(t)
	again := func(what string) {
		t.Helper()
		if _, err := se.Write([]byte("x")); err != pts.EAGAIN {
			t.Errorf("%s: write: %v", what, err)
		}
		wantPoll(t, what, se, 0)
	}
	write(t, me, "\x13")
	again("^S")
	wantIoctl(t, se, pts.TCXONC, TCOON, nil)
	again("TCOON after ^S")
	write(t, me, "\x11")
	write(t, se, "abc")
	wantReads(t, "^Q", me, 10, `"abc" EAGAIN`)
	wantIoctl(t, se, pts.TCXONC, TCOOFF, nil)
	write(t, me, "\x11")
	again("row 38")
	wantIoctl(t, se, pts.TCXONC, TCIOFF, nil)
	wantReads(t, "TCIOFF under TCOOFF", me, 10, `EAGAIN`)
	wantIoctl(t, se, pts.TCXONC, TCOON, nil)
	wantIoctl(t, se, pts.TCXONC, TCIOFF, nil)
	wantIoctl(t, se, pts.TCXONC, TCION, nil)
	wantReads(t, "TCIOFF, TCION", me, 10, `"\x13\x11" EAGAIN`)
	set(t, s, "-ixon")
	wantIoctl(t, me, pts.TCXONC, TCIOFF, nil)
	wantIoctl(t, me, pts.TCXONC, TCION, nil)
	write(t, me, "\n")
	wantReads(t, "of the ptm", se, 10, `"\x13\x11\n" EAGAIN`)
	wantIoctl(t, me, pts.TCXONC, TCOOFF, nil)
	if _, err := me.Write([]byte("x")); err != pts.EAGAIN {
		t.Errorf("TCOOFF on the ptm: write: %v", err)
	}
	wantIoctl(t, me, pts.TCXONC, 4, pts.EINVAL)
	wantIoctl(t, se, pts.TCFLSH, 3, pts.EINVAL)
	set(t, s, "ixon")
	wantIoctl(t, me, pts.TCXONC, TCOON, nil)
	write(t, me, "\x13")
	again("^S")
	set(t, s, "-ixon")
	write(t, se, "x")
}

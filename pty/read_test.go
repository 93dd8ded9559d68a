package pty

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

func TestReadsByVmin(t *testing.T) {
	me, se, _, s := pairOf(t, "raw", "-echo", "min", "0", "time", "0")
	wantReads(t, "row 47", se, 10, `""`)
	set(t, s, "min", "0", "time", "5")
	wantReads(t, "VMIN 0, VTIME 5", se, 10, `EAGAIN`)
	set(t, s, "min", "3", "time", "0")
	write(t, me, "ab")
	wantPoll(t, "row 48", se, wait.Out)
	if n, _ := ioctl(se, pts.FIONREAD, 0); n != 2 {
		t.Errorf("row 48: FIONREAD %d", n)
	}
	wantReads(t, "row 48", se, 10, `"ab" EAGAIN`)
	set(t, s, "min", "3", "time", "5")
	write(t, me, "a")
	wantPoll(t, "VTIME", se, wait.In|wait.Out)
	wantReads(t, "VTIME", se, 10, `"a" EAGAIN`)
	set(t, s, "min", "100", "time", "0")
	write(t, me, strings.Repeat("x", 150))
	if n, err := se.Read(make([]byte, 200)); n != 64 || err != nil { // the kernel's pieces
		t.Errorf("VMIN 100: %d, %v", n, err)
	}
}

func TestEndsOfFile(t *testing.T) {
	me, se, _, _ := pairOf(t)
	write(t, me, "\x04\x04")
	if n, _ := ioctl(se, pts.FIONREAD, 0); n != 0 {
		t.Errorf("row 44: FIONREAD %d", n)
	}
	wantPoll(t, "row 44", se, wait.In|wait.Out)
	for range 2 {
		wantReads(t, "row 44", se, 10, `""`)
	}
	wantReads(t, "row 44", se, 10, `EAGAIN`)
	write(t, me, "hello\x04")
	wantReads(t, "row 43", se, 5, `"hello" EAGAIN`)
}

func TestPendingLineThrottles(t *testing.T) { // row 42
	me, se, _, _ := pairOf(t, "-echo")
	write(t, me, "first\n")
	total := 0
	for {
		n, err := me.Write([]byte(strings.Repeat("y", 1024)))
		total += n
		if err != nil {
			break
		}
	}
	wantPoll(t, "full", me, 0)
	if total < 12<<10 || total > 16<<10 {
		t.Errorf("%d bytes are taken", total)
	}
	if n, _ := ioctl(se, pts.FIONREAD, 0); n != 6 {
		t.Errorf("FIONREAD %d", n)
	}
	wantReads(t, "row 42", se, 100, `"first\n" EAGAIN`)
	wantPoll(t, "read", me, wait.Out)
	write(t, me, "\n")
	if n, err := se.Read(make([]byte, 5000)); n != 4096 || err != nil {
		t.Errorf("the long line: %d, %v", n, err)
	}
}

func TestCapacity(t *testing.T) {
	me, se, _, _ := pairOf(t, "raw", "-echo")
	for what, ends := range map[string][2]pts.End{"ptm to pts": {me, se}, "pts to ptm": {se, me}} {
		total, got := 0, 0
		for {
			n, err := ends[0].Write([]byte(strings.Repeat("y", 1000)))
			total += n
			if err != nil {
				break
			}
		}
		if total < 12<<10 || total > 16<<10 {
			t.Errorf("%s: %d bytes are taken", what, total)
		}
		if n, _ := ioctl(ends[1], pts.FIONREAD, 0); n != 4095 {
			t.Errorf("%s: FIONREAD %d", what, n)
		}
		wantPoll(t, what, ends[0], 0)
		b := make([]byte, 10000)
		for {
			n, err := ends[1].Read(b)
			if err != nil {
				break
			}
			if n > 4095 {
				t.Errorf("%s: a read of %d", what, n)
			}
			got += n
		}
		if got != total {
			t.Errorf("%s: %d of %d bytes come", what, got, total)
		}
	}
}

func TestLongLineEchoes(t *testing.T) { // row 40
	me, se, _, _ := pairOf(t, "imaxbel")
	write(t, me, strings.Repeat("x", 6000)+"\n")
	echo, b := 0, make([]byte, 8000)
	for {
		n, err := me.Read(b)
		if err != nil {
			break
		}
		echo += n
		if strings.Contains(string(b[:n]), "\a") {
			t.Error("row 40: a bell")
		}
	}
	if n, err := se.Read(b); echo != 6002 || n != 4096 || err != nil {
		t.Errorf("row 40: %d bytes of echo, %d of input, %v", echo, n, err)
	}
}

// A line that waits does not get ahead of what refuses a read.
func TestRefusedWithALineThere(t *testing.T) {
	read := func(r interface{ Read([]byte) (int, error) }) error {
		_, err := r.Read(make([]byte, 100))
		return err
	}
	for name, c := range map[string]struct {
		try  func(t *testing.T, m *PTM, s *PTS) error
		want error
	}{
		"nothing": {func(_ *testing.T, _ *PTM, s *PTS) error { return read(s) }, nil},
		"closed": {func(t *testing.T, m *PTM, s *PTS) error {
			if _, err := m.OpenPTS(nil, O_RDWR); err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
			return read(s)
		}, fs.ErrClosed},
		"only for writing": {func(t *testing.T, m *PTM, _ *PTS) error {
			w, err := m.OpenPTS(nil, O_WRONLY)
			if err != nil {
				t.Fatal(err)
			}
			return read(w)
		}, pts.EBADF},
		"too late": {func(t *testing.T, _ *PTM, s *PTS) error {
			if err := s.SetReadDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			return read(s)
		}, os.ErrDeadlineExceeded},
		"hung up": {func(_ *testing.T, m *PTM, s *PTS) error {
			if _, err := ioctl(s.End(nil), pts.TIOCVHANGUP, 0); err != nil {
				return err
			}
			again, err := m.OpenPTS(nil, O_RDWR)
			if err != nil {
				return err
			}
			_, _ = m.Write([]byte("another\n"))
			return errors.Join(read(s), read(again.End(nil)))
		}, io.EOF},
		"an open that failed": {func(_ *testing.T, m *PTM, s *PTS) error {
			if _, err := ioctl(m.End(nil), pts.TIOCSPTLCK, 1); err != nil {
				return err
			}
			_, _ = m.OpenPTS(nil, O_RDWR)
			return read(s)
		}, pts.EIO},
		"another's turn": {func(_ *testing.T, _ *PTM, s *PTS) error {
			s.p.s.reading = true
			return read(s.End(nil))
		}, pts.EAGAIN},
		"the background": {func(t *testing.T, _ *PTM, _ *PTS) error {
			st := newStage(t)
			if _, err := st.m.Write([]byte("a line\n")); err != nil {
				t.Fatal(err)
			}
			return read(st.s.End(st.bg))
		}, pts.ERESTARTSYS},
	} {
		m, s := Open()
		if _, err := m.Write([]byte("a line\n")); err != nil {
			t.Fatal(err)
		}
		if err := c.try(t, m, s); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

package pty

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// A read is one blocking read under way, and when it ended.
type result struct {
	data string
	err  error
	at   time.Duration
}

// reading starts a read of size bytes; the result comes when it is over.
func reading(f io.Reader, size int) <-chan result {
	c, start := make(chan result, 1), time.Now()
	go func() {
		b := make([]byte, size)
		n, err := f.Read(b)
		c <- result{string(b[:n]), err, time.Since(start)}
	}()
	return c
}

func wantResult(t *testing.T, what string, c <-chan result, data string, err error, at time.Duration) {
	t.Helper()
	got := <-c
	if got.data != data || !errors.Is(got.err, err) || got.at != at {
		t.Errorf("%s: %q, %v after %v, want %q, %v after %v", what, got.data, got.err, got.at, data, err, at)
	}
}

func send(t *testing.T, f io.Writer, s string) {
	t.Helper()
	if _, err := f.Write([]byte(s)); err != nil {
		t.Errorf("write of %q: %v", s, err)
	}
}

// Each row was measured on Linux 6.18, with seconds/10 for our seconds/10.
func TestVminAndVtime(t *testing.T) {
	for name, reader := range waysToRead {
		t.Run(name, func(t *testing.T) { testVminAndVtime(t, reader) })
	}
}

func testVminAndVtime(t *testing.T, reader func(*PTS) io.Reader) {
	const tick = time.Second / 10
	for _, c := range []struct {
		name      string
		min, time string
		size      int
		bytes     []string // one each 3 ticks
		want      string
		err       error
		at        time.Duration // in ticks
	}{
		{"A: VMIN is reached", "2", "5", 10, []string{"a", "b"}, "ab", nil, 6},
		{"A: silence", "5", "2", 10, []string{"a", "b"}, "a", nil, 5},
		{"A: silence counts from the last byte", "5", "5", 10, []string{"a", "b"}, "ab", nil, 11},
		{"A: the size is reached", "5", "5", 2, []string{"a", "b"}, "ab", nil, 6},
		{"B: VMIN is reached", "3", "0", 10, []string{"a", "b", "c"}, "abc", nil, 9},
		{"B: all of a burst", "3", "0", 10, []string{"abcdef"}, "abcdef", nil, 3},
		{"B: the size is reached", "5", "0", 2, []string{"a", "b"}, "ab", nil, 6},
		{"C: data", "0", "5", 10, []string{"a"}, "a", nil, 3},
		{"C: none", "0", "2", 10, nil, "", io.EOF, 2},
		{"D", "0", "0", 10, nil, "", io.EOF, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, _, m, s := pairOf(t, "raw", "-echo", "min", c.min, "time", c.time)
			done := reading(reader(s), c.size)
			for _, b := range c.bytes {
				time.Sleep(3 * tick)
				send(t, m, b)
			}
			wantResult(t, c.name, done, c.want, c.err, c.at*tick)
		})
	}
}

func TestBlockedReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, se, m, s := pairOf(t)
		// A line wakes a reader, half of one does not.
		line := reading(s, 10)
		send(t, m, "ab")
		synctest.Wait()
		select {
		case r := <-line:
			t.Errorf("half a line is read: %+v", r)
		default:
		}
		wantReads(t, "while another waits", se, 10, "EAGAIN")
		send(t, m, "c\n")
		wantResult(t, "line", line, "abc\n", nil, 0)

		// Of two readers one is served at a time.
		first := reading(s, 10)
		synctest.Wait()
		second := reading(s, 10)
		synctest.Wait()
		send(t, m, "1\n")
		wantResult(t, "first", first, "1\n", nil, 0)
		send(t, m, "2\n")
		wantResult(t, "second", second, "2\n", nil, 0)

		// Another mode takes effect for who waits already.
		line = reading(s, 10)
		synctest.Wait()
		send(t, m, "ab")
		set(t, s, "-icanon", "min", "5")
		wantResult(t, "switched", line, "ab", nil, 0)
		set(t, s, "icanon", "eof", "^D")

		// Deadlines.
		if err := s.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		wantResult(t, "deadline", reading(s, 10), "", os.ErrDeadlineExceeded, time.Second)
		wantResult(t, "after it", reading(s, 10), "", os.ErrDeadlineExceeded, 0)
		_ = s.SetReadDeadline(time.Time{})

		line = reading(s, 10)
		synctest.Wait()
		_ = s.SetDeadline(time.Now())
		wantResult(t, "deadline now", line, "", os.ErrDeadlineExceeded, 0)
		_ = s.SetDeadline(time.Time{})

		// Closing.
		line = reading(s, 10)
		synctest.Wait()
		_ = s.Close()
		wantResult(t, "closed", line, "", fs.ErrClosed, 0)
		out := make([]byte, 100)
		n, _ := m.End(nil).Read(out)
		if string(out[:n]) == "" {
			t.Error("no echo")
		}
		wantResult(t, "no pts left", reading(m, 10), "", pts.EIO, 0)
	})
	synctest.Test(t, func(t *testing.T) {
		_, _, m, s := pairOf(t)
		blocked := reading(s, 10)
		echo := reading(m, 10)
		synctest.Wait()
		_ = m.Close()
		wantResult(t, "row 15: blocked", blocked, "", pts.EIO, 0)
		wantResult(t, "the ptm's", echo, "", fs.ErrClosed, 0)
		wantResult(t, "row 15", reading(s, 10), "", io.EOF, 0)
	})
	synctest.Test(t, func(t *testing.T) {
		_, _, m, s := pairOf(t)
		blocked := reading(m, 10)
		synctest.Wait()
		_ = s.Close()
		wantResult(t, "the ptm's, when the last pts closes", blocked, "", pts.EIO, 0)
	})
}

func TestBlockedWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, m, s := pairOf(t, "raw")
		writes := make(chan result, 1)
		write := func() {
			b := make([]byte, 20000)
			n, err := s.Write(b)
			writes <- result{err: err, at: time.Duration(n)}
		}
		go write()
		synctest.Wait()
		if m.Poll()&wait.In == 0 || s.Poll()&wait.Out != 0 {
			t.Errorf("while a write waits: ptm %v, pts %v", m.Poll(), s.Poll())
		}
		total, b := 0, make([]byte, 3000)
		for total < 20000 {
			n, err := m.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
		if r := <-writes; r.at != 20000 || r.err != nil {
			t.Errorf("%d bytes, %v", r.at, r.err)
		}
		go write()
		synctest.Wait()
		_ = s.SetWriteDeadline(time.Now().Add(time.Second))
		if r := <-writes; r.at == 0 || !errors.Is(r.err, os.ErrDeadlineExceeded) {
			t.Errorf("deadline: %d bytes, %v", r.at, r.err)
		}
		_ = s.SetWriteDeadline(time.Time{})
		go write()
		synctest.Wait()
		_ = m.Close()
		if r := <-writes; !errors.Is(r.err, pts.EIO) {
			t.Errorf("hung up: %d bytes, %v", r.at, r.err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // output that ^S stopped
		_, _, m, s := pairOf(t)
		send(t, m, "\x13")
		done := make(chan error)
		go func() {
			_, err := s.Write([]byte("x"))
			done <- err
		}()
		synctest.Wait()
		send(t, m, "\x11")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A writer that waits for ^Q goes on with it, although the ptm has much to read.
func TestStartWakesWithLittleRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, m, s := pairOf(t, "-echo")
		send(t, s, strings.Repeat("x", 9000))
		send(t, m, "\x13")
		wrote := make(chan error, 1)
		go func() {
			_, err := s.Write([]byte("y"))
			wrote <- err
		}()
		synctest.Wait()
		send(t, m, "\x11")
		if err := <-wrote; err != nil {
			t.Error(err)
		}
		_, _ = s.Close(), m.Close()
	})
}

func TestNotify(t *testing.T) {
	me, se, m, s := pairOf(t)
	var got wait.Events
	stop := me.Notify(wait.In, func(e wait.Events) { got |= e })
	write(t, se, "x")
	if got&wait.In == 0 {
		t.Errorf("output: %v", got)
	}
	stop()
	got = 0
	stop = se.Notify(wait.In|wait.Out, func(e wait.Events) { got |= e })
	defer stop()
	write(t, me, "x\n")
	if got&wait.In == 0 {
		t.Errorf("a line: %v", got)
	}
	got = 0
	_ = m.Close()
	if got&wait.Hup == 0 {
		t.Errorf("the end of the ptm: %v", got)
	}
	_ = s.Close()
}

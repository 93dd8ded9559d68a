package pty

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ptsns/ptsns/pts"
)

// startedOf is an end whose reads and writes are started, and waited for.
func startedOf(e pts.End) io.ReadWriter { return startedEnd{e.(pts.Starter)} }

type startedEnd struct{ pts.Starter }

func (e startedEnd) Read(b []byte) (int, error) {
	n, err := await(func(done func(int, error)) { e.StartRead(nil, b, done) })
	if n == 0 && err == nil && len(b) > 0 {
		err = io.EOF
	}
	return n, err
}

func (e startedEnd) Write(b []byte) (int, error) {
	return await(func(done func(int, error)) { e.StartWrite(nil, b, done) })
}

func await(start func(done func(int, error))) (int, error) {
	type result struct {
		n   int
		err error
	}
	over := make(chan result, 2) // one too many would be seen
	start(func(n int, err error) { over <- result{n, err} })
	r := <-over
	if len(over) > 0 {
		panic("done was called twice")
	}
	return r.n, r.err
}

var waysToRead = map[string]func(*PTS) io.Reader{
	"blocked": func(s *PTS) io.Reader { return s },
	"started": func(s *PTS) io.Reader { return startedOf(s.End(nil)) },
}

// begun is a started read or write, and what became of it.
type begun struct {
	pts.Pending
	b    []byte
	n    int
	err  error
	over bool
}

func (x *begun) done(n int, err error) {
	if x.over {
		panic("done was called twice")
	}
	x.n, x.err, x.over = n, err, true
}

func startRead(e pts.End, c pts.Caller, size int) *begun {
	x := &begun{b: make([]byte, size)}
	x.Pending = e.(pts.Starter).StartRead(c, x.b, x.done)
	return x
}

func startWrite(e pts.End, s string) *begun {
	x := &begun{b: []byte(s)}
	x.Pending = e.(pts.Starter).StartWrite(nil, x.b, x.done)
	return x
}

func (x *begun) want(t *testing.T, what, data string, err error) {
	t.Helper()
	if !x.over || string(x.b[:x.n]) != data || x.err != err {
		t.Errorf("%s: over %v, %q, %v; want %q, %v", what, x.over, x.b[:x.n], x.err, data, err)
	}
}

func (x *begun) waits(t *testing.T, what string) {
	t.Helper()
	if x.over {
		t.Errorf("%s: is over: %q, %v", what, x.b[:x.n], x.err)
	}
}

func TestStartedReads(t *testing.T) {
	me, se, m, s := pairOf(t)
	write(t, me, "now\n")
	startRead(se, nil, 10).want(t, "what is there", "now\n", nil)
	first, second := startRead(se, nil, 10), startRead(se, nil, 10)
	write(t, me, "ab")
	first.waits(t, "half a line")
	wantReads(t, "while another waits", se, 10, "EAGAIN")
	write(t, me, "c\n")
	first.want(t, "a line", "abc\n", nil)
	second.waits(t, "the second")
	write(t, me, "2\n3\n")
	second.want(t, "the second", "2\n", nil)
	wantReads(t, "the rest", se, 10, `"3\n" EAGAIN`)

	x := startRead(se, nil, 10)
	write(t, me, "part")
	x.Interrupt()
	x.want(t, "interrupted", "", pts.EINTR)
	x.Interrupt()
	write(t, me, "\n")
	wantReads(t, "after it", se, 10, `"part\n" EAGAIN`)

	set(t, s, "raw", "-echo", "min", "5", "time", "0")
	x = startRead(se, nil, 10)
	write(t, me, "ab")
	x.waits(t, "VMIN")
	x.Interrupt()
	x.want(t, "interrupted after two", "ab", nil)
	x = startRead(se, nil, 10)
	set(t, s, "cooked")
	write(t, me, "cd\n")
	x.waits(t, "another mode does not change VMIN")
	write(t, me, "e\n")
	x.want(t, "another mode", "cd\ne\n", nil)

	x = startRead(se, nil, 0)
	x.want(t, "nothing", "", nil)
	wantReads(t, "echo", me, 99, `"now\r\nabc\r\n2\r\n3\r\npart\r\n" EAGAIN`)
	x, echo := startRead(se, nil, 10), startRead(me, nil, 10)
	_ = m.Close()
	x.want(t, "row 15", "", pts.EIO)
	echo.want(t, "of the closed", "", pts.EBADF)
	startRead(se, nil, 10).want(t, "later", "", nil)
	y := startRead(me, nil, 10)
	y.want(t, "of the closed, later", "", pts.EBADF)
}

func TestStartedWrites(t *testing.T) {
	me, se, m, s := pairOf(t, "raw")
	long := strings.Repeat("x", 20000)
	first, second := startWrite(se, long), startWrite(se, "yz")
	first.waits(t, "more than there is room for")
	b := make([]byte, 5000)
	got := ""
	for !second.over {
		n, err := me.Read(b)
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(got), err)
		}
		got += string(b[:n])
	}
	first.want(t, "the first", long, nil)
	for strings.HasSuffix(got, "x") {
		n, _ := me.Read(b)
		got += string(b[:n])
	}
	if got != long+"yz" {
		t.Errorf("%d bytes, want %d and yz", len(got), len(long))
	}

	x := startWrite(se, long)
	x.Interrupt()
	if !x.over || x.n == 0 || x.n == len(long) || x.err != nil {
		t.Errorf("interrupted: %d bytes, %v", x.n, x.err)
	}
	x = startWrite(se, "more")
	x.Interrupt()
	x.want(t, "interrupted at once", "", pts.EINTR)
	x = startWrite(se, long)
	_ = m.Close()
	x.want(t, "hung up", "", pts.EIO)
	_ = s.Close()

	me, se, _, _ = pairOf(t)
	write(t, me, "\x13")
	x = startWrite(se, "x")
	x.waits(t, "^S")
	write(t, me, "\x11")
	x.want(t, "^Q", "x", nil)
}

// A read that is started in the background is refused and its group stopped; one that
// waits when its process comes into the background goes on, as on Linux.
func TestStartedInBackground(t *testing.T) {
	st := newStage(t)
	e := st.s.End(nil)
	x := startRead(e, st.bg, 10)
	x.want(t, "in the background", "", pts.ERESTARTSYS)
	if got := st.happened(); got != "bg stopped by SIGTTIN" {
		t.Errorf("%q happened", got)
	}
	x = startRead(e, st.leader, 10)
	if _, err := ioctl(st.s.End(st.leader), pts.TIOCSPGRP, st.bg.Group()); err != nil {
		t.Fatal(err)
	}
	write(t, st.m.End(nil), "line\n")
	x.want(t, "from the foreground", "line\n", nil)
}

// Nobody waits for what was started.
func TestStartedHasNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	var all []*begun
	for range 100 {
		_, se, m, s := pairOf(t, "raw", "min", "1", "time", "0")
		all = append(all, startRead(se, nil, 1))
		defer m.Close()
		defer s.Close()
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	for _, x := range all {
		x.waits(t, "a read")
	}
}

// The time of VTIME ends a read that was started, and is nobody else's.
func TestStartedTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, se, m, s := pairOf(t, "raw", "-echo", "min", "2", "time", "5")
		x := startRead(se, nil, 10)
		send(t, m, "a")
		x.waits(t, "VMIN")
		x.Interrupt()
		x.want(t, "interrupted", "a", nil)
		y := startRead(se, nil, 10)
		set(t, s, "min", "1")
		send(t, m, "b")
		if !y.over { // it began with VMIN 2
			send(t, m, "c")
		}
		if !y.over {
			t.Error("the second read waits for ever")
		}
	})
}

// A started read of the ptm takes what several reads would: whoever starts it pays for
// each much more than for a call.
func TestStartedReadTakesAll(t *testing.T) {
	me, se, _, _ := pairOf(t, "raw", "-echo")
	data := strings.Repeat("0123456789", 1000)
	write(t, se, data)
	startRead(me, nil, 16<<10).want(t, "all at once", data, nil)
	write(t, se, data)
	startRead(me, nil, 5000).want(t, "as much as asked for", data[:5000], nil)
	startRead(me, nil, 5001).want(t, "the rest", data[5000:], nil)
	if _, err := ioctl(me, pts.TIOCPKT, 1); err != nil {
		t.Fatal(err)
	}
	write(t, se, data)
	startRead(me, nil, 16<<10).want(t, "a packet", "\x00"+data, nil)
}

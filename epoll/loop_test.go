//go:build linux

package epoll

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/wait"
)

// TestMain fails the run if it leaves descriptors behind. A loop that was not closed has
// two, and one that was has ended.
func TestMain(m *testing.M) {
	r, w, err := os.Pipe() // starts Go's own poller
	if err != nil {
		panic(err)
	}
	r.Close()
	w.Close()
	before := descriptors()
	code := m.Run()
	if after := descriptors(); code == 0 && after > before {
		fmt.Fprintf(os.Stderr, "%d descriptors are open, %d were before\n", after, before)
		code = 1
	}
	os.Exit(code)
}

func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(list)
}

func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func newPipe(t *testing.T) (r, w int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Close(fds[0])
		_ = unix.Close(fds[1])
	})
	return fds[0], fds[1]
}

func put(t *testing.T, fd int, s string) {
	t.Helper()
	if _, err := unix.Write(fd, []byte(s)); err != nil {
		t.Fatal(err)
	}
}

// quiesce returns when the loop has seen all that had happened when it was called.
func quiesce(t *testing.T, l *Loop) {
	t.Helper()
	r, w := newPipe(t)
	seen := make(chan struct{})
	forget, err := l.Add(r, wait.In, func(wait.Events) { close(seen) })
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "x")
	<-seen
	forget()
}

func TestEdges(t *testing.T) {
	l := newLoop(t)
	r, w := newPipe(t)
	put(t, w, "a")
	calls := make(chan wait.Events, 10)
	forget, err := l.Add(r, wait.In, func(e wait.Events) { calls <- e })
	if err != nil {
		t.Fatal(err)
	}
	if e := <-calls; e != wait.In {
		t.Errorf("at first %v, want IN", e)
	}
	quiesce(t, l)
	if len(calls) != 0 {
		t.Error("a call without an edge")
	}
	put(t, w, "b") // the first is unread
	if e := <-calls; e != wait.In {
		t.Errorf("at new data %v, want IN", e)
	}
	forget()
	forget()
	put(t, w, "c")
	quiesce(t, l)
	if len(calls) != 0 {
		t.Error("a call after it was forgotten")
	}
	if forget, err = l.Add(r, wait.In, func(e wait.Events) { calls <- e }); err != nil {
		t.Fatalf("adding again what was forgotten: %v", err)
	}
	<-calls
	devNull, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Dup3(devNull, w, unix.O_CLOEXEC) // closes the pipe, and keeps the number
	_ = unix.Close(devNull)
	if e := <-calls; e&wait.Hup == 0 {
		t.Errorf("at the end %v, want HUP", e)
	}
	forget()
}

// TestLevel checks that a level is called for until it is over, and that others have
// their turns meanwhile.
func TestLevel(t *testing.T) {
	l := newLoop(t)
	r, w := newPipe(t)
	otherR, otherW := newPipe(t)
	put(t, w, "abc")
	var order []string
	done := make(chan struct{})
	one := make([]byte, 1)
	forgetOther, err := l.Add(otherR, wait.In, func(wait.Events) { order = append(order, "other") })
	if err != nil {
		t.Fatal(err)
	}
	forget, err := l.AddEager(r, wait.In, func() bool {
		if len(order) == 0 {
			_, _ = unix.Write(otherW, one) // there is room
		}
		if _, err := unix.Read(r, one); err != nil {
			return false
		}
		order = append(order, string(one))
		if one[0] == 'c' {
			close(done)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	<-done
	quiesce(t, l)
	forget()
	forgetOther()
	if got := strings.Join(order, " "); got != "a other b c" && got != "a b other c" {
		t.Errorf("the order of calls is %q", got)
	}
}

// TestEagerStarvesNobody has an eager callback that always finds something.
func TestEagerStarvesNobody(t *testing.T) {
	l := newLoop(t)
	r, w := newPipe(t)
	put(t, w, "x")
	forget, err := l.AddEager(r, wait.In, func() bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		quiesce(t, l)
	}
	forget()
	quiesce(t, l)
	if l.eager.Load() != nil {
		t.Error("called unasked after it was forgotten")
	}
}

// TestForgetInCallback removes a registration whose event is in the same batch.
func TestForgetInCallback(t *testing.T) {
	l := newLoop(t)
	r, w := newPipe(t)
	hold, release := newPipe(t)
	inside, goOn := make(chan struct{}), make(chan struct{})
	if _, err := l.Add(hold, wait.In, func(wait.Events) {
		close(inside)
		<-goOn
	}); err != nil {
		t.Fatal(err)
	}
	called := false
	forget, err := l.Add(r, wait.In, func(wait.Events) { called = true })
	if err != nil {
		t.Fatal(err)
	}
	put(t, release, "x")
	<-inside
	put(t, w, "x")
	forget()
	close(goOn)
	quiesce(t, l)
	if called {
		t.Error("called after it was forgotten")
	}
}

func TestErrors(t *testing.T) {
	l := newLoop(t)
	r, _ := newPipe(t)
	nothing := func(wait.Events) {}
	forget, err := l.Add(r, wait.In, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Add(r, wait.In, nothing); !errors.Is(err, unix.EEXIST) {
		t.Errorf("adding twice: %v, want EEXIST", err)
	}
	if _, err := l.Add(-1, wait.In, nothing); !errors.Is(err, unix.EBADF) {
		t.Errorf("adding no descriptor: %v, want EBADF", err)
	}
	forget()
	if n := len(l.callbacks); n != 0 {
		t.Errorf("%d callbacks are left", n)
	}
}

func TestClosed(t *testing.T) {
	l, err := NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	r, w := newPipe(t)
	forget, err := l.Add(r, wait.In, func(wait.Events) { t.Error("called after the end") })
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, w, "x")
	if _, err := l.Add(w, wait.Out, func(wait.Events) {}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("adding to a closed loop: %v, want ErrClosed", err)
	}
	forget() // must not touch a stranger's descriptor that has the number now
}

// TestManyAtOnce adds, uses and forgets from many goroutines.
// What is posted is done once, in order, on the loop, also from a callback, and not after
// the end.
func TestPost(t *testing.T) {
	l, err := NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	var got []int // the loop's alone until done
	done := make(chan struct{})
	for i := range 100 {
		l.Post(func() {
			got = append(got, i)
			if i == 99 {
				l.Post(func() { close(done) })
			}
		})
	}
	<-done
	for i, n := range got {
		if i != n {
			t.Fatalf("%v", got)
		}
	}
	if len(got) != 100 {
		t.Errorf("%d of 100 were done", len(got))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Post(func() { t.Error("done after the end") })
}

func TestManyAtOnce(t *testing.T) {
	l := newLoop(t)
	done := make(chan error)
	for range 8 {
		go func() { done <- churn(l) }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := len(l.callbacks); n != 0 {
		t.Errorf("%d callbacks are left", n)
	}
}

func churn(l *Loop) error {
	for range 200 {
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
			return err
		}
		called := make(chan struct{})
		forget, err := l.Add(fds[0], wait.In, func(wait.Events) { close(called) })
		if err != nil {
			return err
		}
		if _, err := unix.Write(fds[1], []byte("x")); err != nil {
			return err
		}
		<-called
		forget()
		_ = unix.Close(fds[0])
		_ = unix.Close(fds[1])
	}
	return nil
}

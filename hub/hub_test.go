package hub

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ptsns/ptsns/pts"
)

func newHub() *Hub { return New(Options{Ended: func() {}}) }

// next reads one chunk and fails the test on an error.
func next(t *testing.T, v *Viewer) (string, uint64) {
	t.Helper()
	buf := make([]byte, 4<<20)
	n, lost, err := v.Next(t.Context(), buf)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return string(buf[:n]), lost
}

func join(t *testing.T, term *Terminal, o ViewerOptions) *Viewer {
	t.Helper()
	v, err := term.Join(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTappedTerminalShowsWhatItsOpenerReads(t *testing.T) {
	end := newFakeEnd()
	term := newHub().Tap(end, 3, Opener{PID: 7, Comm: "sshd"})
	one, two := join(t, term, ViewerOptions{}), join(t, term, ViewerOptions{ReadOnly: true})
	end.say("hello")

	buf := make([]byte, 16)
	n, err := term.Read(buf)
	if got := string(buf[:n]); got != "hello" || err != nil {
		t.Fatalf("opener read %q, %v", got, err)
	}
	for _, v := range []*Viewer{one, two} {
		if got, lost := next(t, v); got != "hello" || lost != 0 {
			t.Errorf("viewer got %q, lost %d; want \"hello\", 0", got, lost)
		}
	}
	if err := one.Write(t.Context(), []byte("ls\n")); err != nil {
		t.Fatal(err)
	}
	if err := two.Write(t.Context(), []byte("no")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a read-only viewer typed: %v", err)
	}
	if got := end.input(); got != "ls\n" {
		t.Errorf("typed %q, want \"ls\\n\"", got)
	}
	if got, want := term.Counts(), (Counts{In: 3, Out: 5, Viewers: 2}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func TestTappedTerminalIsNotReadByTheHub(t *testing.T) {
	end := newFakeEnd()
	term := newHub().Tap(end, 0, Opener{})
	join(t, term, ViewerOptions{})
	end.say("for the opener")
	if end.unread() != 1 {
		t.Error("the hub took what the opener has not read")
	}
}

func TestPacketStatusIsNotOutput(t *testing.T) {
	end := newFakeEnd()
	term := newHub().Tap(end, 0, Opener{})
	v := join(t, term, ViewerOptions{})
	on := []byte{1, 0, 0, 0}
	if _, err := term.Ioctl(nil, pts.TIOCPKT, on); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	for _, packet := range []string{"\x08", "\x00data", "\x00", "\x00 more"} {
		end.say(packet)
		n, _ := term.Read(buf)
		if got := string(buf[:n]); got != packet {
			t.Fatalf("opener read %q, want %q", got, packet)
		}
	}
	if got, _ := next(t, v); got != "data more" {
		t.Errorf("viewer got %q, want \"data more\"", got)
	}
}

func TestViewerThatDoesNotReadLosesItsOldestBytes(t *testing.T) {
	end := newFakeEnd()
	term := newHub().Tap(end, 0, Opener{})
	slow, quick := join(t, term, ViewerOptions{}), join(t, term, ViewerOptions{})
	buf := make([]byte, 300<<10)
	var want strings.Builder
	for i := range 10 {
		chunk := strings.Repeat(string(rune('a'+i)), len(buf))
		end.say(chunk)
		if n, err := term.Read(buf); n != len(buf) || err != nil {
			t.Fatalf("the opener was held up: read %d, %v", n, err)
		}
		if got, lost := next(t, quick); got != chunk || lost != 0 {
			t.Fatalf("the quick viewer missed something: %d bytes, lost %d", len(got), lost)
		}
		want.WriteString(chunk)
	}
	all := want.String()
	got, lost := next(t, slow)
	if len(got) != DefaultHistory || got != all[len(all)-DefaultHistory:] {
		t.Errorf("the slow viewer got %d bytes; want the last %d", len(got), DefaultHistory)
	}
	if want := uint64(len(all) - DefaultHistory); lost != want {
		t.Errorf("it was told that it lost %d, want %d", lost, want)
	}
	if got, lost := func() (string, uint64) { end.say("x"); term.Read(buf); return next(t, slow) }(); got != "x" || lost != 0 {
		t.Errorf("then it got %q, lost %d; want \"x\", 0", got, lost)
	}
}

func TestOneReadLargerThanAViewerKeeps(t *testing.T) {
	end := newFakeEnd()
	term := newHub().Tap(end, 0, Opener{})
	v := join(t, term, ViewerOptions{})
	big := strings.Repeat("0123456789", DefaultHistory/5)
	end.say(big)
	if n, err := term.Read(make([]byte, len(big))); n != len(big) || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	got, lost := next(t, v)
	if got != big[len(big)-DefaultHistory:] || lost != uint64(len(big)-DefaultHistory) {
		t.Errorf("got %d bytes, lost %d", len(got), lost)
	}
}

func TestOwnerMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := newFakeEnd()
		term, owner := newHub().Own(end, 0, Opener{}, true, Who{})
		chunk := strings.Repeat("0123456789abcdef", 4<<10) // 64 KiB, one read
		const chunks = 40
		for range chunks {
			end.say(chunk)
		}
		synctest.Wait()
		if left := end.unread(); left < chunks-ownerLimit/len(chunk)-2 {
			t.Errorf("the hub read %d chunks ahead of its owner", chunks-left)
		}
		var got bytes.Buffer
		buf := make([]byte, 10000)
		for got.Len() < chunks*len(chunk) {
			n, lost, err := owner.Next(t.Context(), buf)
			if err != nil || lost != 0 {
				t.Fatalf("after %d bytes: lost %d, %v", got.Len(), lost, err)
			}
			got.Write(buf[:n])
		}
		if got.String() != strings.Repeat(chunk, chunks) {
			t.Error("the owner got other bytes than the program wrote")
		}
		_ = term.Close()
	})
}

func TestOwnerThatLeavesNoLongerHoldsTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := newFakeEnd()
		term, owner := newHub().Own(end, 0, Opener{}, true, Who{})
		for range 40 {
			end.say(strings.Repeat("x", pumpRead))
		}
		synctest.Wait()
		if end.unread() == 0 {
			t.Fatal("the owner set no pace")
		}
		owner.Close()
		synctest.Wait()
		if left := end.unread(); left != 0 {
			t.Errorf("%d chunks are still unread", left)
		}
		_ = term.Close()
	})
}

func TestOwnedTerminalEndsWithItsOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		h := New(Options{Ended: func() { ended++ }})
		end := newFakeEnd()
		term, owner := h.Own(end, 0, Opener{}, true, Who{})
		end.say("last words")
		term.Finish()
		if h.Lookup(0) == nil {
			t.Fatal("ended while a process still holds the terminal")
		}
		end.hangUp()
		<-term.Done()
		if got, _ := next(t, owner); got != "last words" {
			t.Errorf("got %q", got)
		}
		if _, _, err := owner.Next(t.Context(), make([]byte, 1)); err != io.EOF {
			t.Errorf("then %v, want EOF", err)
		}
		if h.Len() != 0 || ended != 1 || !end.closed {
			t.Errorf("hub has %d terminals, ended called %d times, ptm closed: %v", h.Len(), ended, end.closed)
		}
		if _, err := term.Join(ViewerOptions{}); !errors.Is(err, ErrEnded) {
			t.Errorf("joined an ended terminal: %v", err)
		}
	})
}

func TestEndedProgramsTerminalIsClosedWhenOthersHoldItAndAreQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := newFakeEnd()
		term, owner := newHub().Own(end, 0, Opener{}, true, Who{})
		term.Finish()
		for range 5 { // a background process goes on printing, more often than the patience
			later := make(chan struct{})
			go func() { <-time.After(quiet / 2); close(later) }()
			<-later
			end.say(".")
			if got, _ := next(t, owner); got != "." {
				t.Fatalf("got %q", got)
			}
		}
		select {
		case <-term.Done():
			t.Fatal("closed under a process that was printing")
		default:
		}
		<-term.Done()
	})
}

func TestTypingWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := newFakeEnd()
		end.room = 2
		term := newHub().Tap(end, 0, Opener{})
		v := join(t, term, ViewerOptions{})
		done := make(chan error, 1)
		go func() { done <- v.Write(t.Context(), []byte("abcd")) }()
		synctest.Wait()
		if got := end.input(); got != "ab" {
			t.Errorf("typed %q while there was room for two", got)
		}
		end.allow(10)
		if err := <-done; err != nil || end.input() != "abcd" {
			t.Errorf("typed %q, %v", end.input(), err)
		}

		end.allow(0)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- v.Write(ctx, []byte("x")) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("after cancel: %v", err)
		}

		go func() { done <- v.Write(t.Context(), []byte("x")) }()
		synctest.Wait()
		_ = term.Close()
		if err := <-done; !errors.Is(err, ErrEnded) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestSizeIsTheLatestViewersOnOwnedTerminals(t *testing.T) {
	end := newFakeEnd()
	term, owner := newHub().Own(end, 0, Opener{}, true, Who{})
	defer term.Close()
	check := func(rows, cols uint16) {
		t.Helper()
		if r, c := term.Size(); r != rows || c != cols {
			t.Errorf("size %dx%d, want %dx%d", r, c, rows, cols)
		}
	}
	owner.Resize(24, 80)
	check(24, 80)
	v := join(t, term, ViewerOptions{Rows: 50, Cols: 132})
	check(50, 132)
	join(t, term, ViewerOptions{Rows: 1, Cols: 1, ReadOnly: true})
	check(50, 132)
	owner.Resize(30, 90)
	check(30, 90)
	v.Resize(50, 132)
	check(50, 132)

	tapped := newHub().Tap(newFakeEnd(), 0, Opener{})
	join(t, tapped, ViewerOptions{Rows: 5, Cols: 5})
	if r, c := tapped.Size(); r != 0 || c != 0 {
		t.Errorf("a viewer resized a terminal that sshd opened: %dx%d", r, c)
	}
}

func TestEndInput(t *testing.T) {
	for _, tt := range []struct{ name, typed, want string }{
		{"nothing typed", "", "\x04"},
		{"after a line", "a\n", "a\n\x04"},
		{"within a line", "a", "a\x04\x04"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := newFakeEnd()
				term, owner := newHub().Own(end, 0, Opener{}, true, Who{})
				if err := owner.Write(t.Context(), []byte(tt.typed)); err != nil {
					t.Fatal(err)
				}
				owner.EndInput()
				synctest.Wait()
				if got := end.input(); got != tt.want {
					t.Errorf("typed %q, want %q", got, tt.want)
				}
				_ = term.Close()
			})
		})
	}
}

func TestEndInputIsTypedAgainForAProgramThatLeavesCanonicalMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := newFakeEnd()
		term, owner := newHub().Own(end, 0, Opener{}, true, Who{})
		say := func(n int, want int) {
			t.Helper()
			for range n {
				end.say("$ ")
				synctest.Wait()
			}
			if got, want := end.input(), strings.Repeat("\x04", want); got != want {
				t.Errorf("typed %q, want %q", got, want)
			}
		}
		say(3, 0)
		owner.EndInput()
		synctest.Wait()
		say(3, 1)
		end.setCanonical(false)
		say(1, 2)
		end.setCanonical(true)
		say(3, 2)
		end.setCanonical(false)
		say(100, 1+maxRetypes)
		_ = term.Close()
	})
}

func TestEndedTerminalAnswersEBADF(t *testing.T) {
	term := newHub().Tap(newFakeEnd(), 0, Opener{})
	if err := term.Close(); err != nil {
		t.Fatal(err)
	}
	if err := term.Close(); err != pts.EBADF {
		t.Errorf("second Close: %v, want EBADF", err)
	}
	if _, err := term.Read(make([]byte, 1)); err != pts.EBADF {
		t.Errorf("Read: %v, want EBADF", err)
	}
	on := binary.LittleEndian.AppendUint32(nil, 1)
	_, _ = term.Ioctl(nil, pts.TIOCPKT, on)
}

// TestManyAtOnce has readers, viewers that come and go, writers and the end all at once.
// The race detector and the hang are the assertion; viewers check the order.
func TestManyAtOnce(t *testing.T) {
	end := newFakeEnd()
	h := newHub()
	term, owner := h.Own(end, 0, Opener{}, true, Who{})
	const lines = 20000
	errs := make(chan error, 16)
	go func() {
		for i := range lines {
			end.say(string([]byte{byte(i)}))
		}
		end.hangUp()
		term.Finish()
		errs <- nil
	}()
	for range 4 {
		go func() {
			buf := make([]byte, 64)
			for {
				v, err := term.Join(ViewerOptions{})
				if err != nil {
					errs <- nil
					return
				}
				for range 10 {
					if _, _, err := v.Next(context.Background(), buf); err != nil {
						break
					}
				}
				_ = v.Write(context.Background(), []byte("k"))
				v.Close()
			}
		}()
	}
	buf := make([]byte, 777)
	seen := 0
	for {
		n, lost, err := owner.Next(t.Context(), buf)
		if err == io.EOF {
			break
		}
		if err != nil || lost != 0 {
			t.Fatalf("after %d bytes: lost %d, %v", seen, lost, err)
		}
		for _, b := range buf[:n] {
			if b != byte(seen) {
				t.Fatalf("byte %d is %d", seen, b)
			}
			seen++
		}
	}
	if seen != lines {
		t.Errorf("owner saw %d bytes of %d", seen, lines)
	}
	for range 5 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

package hub

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

// opens types s as the opener.
func opens(t *testing.T, term *Terminal, s string) {
	t.Helper()
	if n, err := term.Write([]byte(s)); n != len(s) || err != nil {
		t.Errorf("the opener types %q: %d, %v", s, n, err)
	}
}

// What the opener types while a viewer has the input for itself is dropped, and not kept
// for later.
func TestStealingFromTheOpener(t *testing.T) {
	end, term := sized(t, newHub())
	opens(t, term, "a")
	thief := join(t, term, ViewerOptions{Steal: true})
	opens(t, term, "rm -rf\r")
	opens(t, term, "\x1b[24;80R\x04") // an answer to a report, and an end of file
	if err := thief.Write(t.Context(), []byte("b")); err != nil {
		t.Error(err)
	}
	thief.Close()
	opens(t, term, "c")
	if got := end.input(); got != "abc" {
		t.Errorf("the program gets %q", got)
	}
	if c := term.Counts(); c.In != 3 || c.Dropped != 16 {
		t.Errorf("in %d, dropped %d", c.In, c.Dropped)
	}
}

// The opener does not wait for a program that does not read while its input is dropped: it is
// told that there is room, also if it has waited for that before.
func TestStealingFromAnOpenerThatWaits(t *testing.T) {
	end, term := sized(t, newHub())
	end.allow(0)
	if n, err := term.Write([]byte("x")); n != 0 || !pts.IsAgain(err) {
		t.Fatalf("no room: %d, %v", n, err)
	}
	var told wait.Events
	var accepted int
	stop := term.Notify(wait.In|wait.Out, func(e wait.Events) {
		told |= e
		n, _ := term.Write([]byte("pent up"))
		accepted += n
	})
	reader := term.Notify(wait.In, func(e wait.Events) { t.Errorf("who reads is told %v", e) })
	if got := term.Poll(); got&forWriters != 0 {
		t.Fatalf("there is room: %v", got)
	}
	thief := join(t, term, ViewerOptions{Steal: true})
	if told != forWriters || accepted != len("pent up") {
		t.Errorf("the opener is told %v and types %d bytes", told, accepted)
	}
	if got := term.Poll(); got&forWriters != forWriters {
		t.Errorf("the opener finds %v", got)
	}
	stop()
	reader()
	thief.Close()
	if got := term.Poll(); got&wait.Out != 0 {
		t.Errorf("with the thief gone the opener finds %v", got)
	}
	if n, err := term.Write([]byte("x")); n != 0 || !pts.IsAgain(err) {
		t.Errorf("with the thief gone: %d, %v", n, err)
	}
	end.allow(100)
	if got := end.input(); got != "" {
		t.Errorf("typed later: %q", got)
	}
}

// A terminal that has ended takes nothing, whoever had its input.
func TestOpenerTypesAfterTheEnd(t *testing.T) {
	_, term := sized(t, newHub())
	join(t, term, ViewerOptions{Steal: true})
	if err := term.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := term.Write([]byte("x")); n != 0 || !errors.Is(err, pts.EBADF) {
		t.Errorf("%d, %v", n, err)
	}
}

// Dropped input is on no record.
func TestDroppedInputIsNotRecorded(t *testing.T) {
	_, term := sized(t, newHub())
	r := &tape{input: true}
	if _, err := term.Record(r); err != nil {
		t.Fatal(err)
	}
	opens(t, term, "one")
	join(t, term, ViewerOptions{Steal: true})
	opens(t, term, "two")
	if got := strings.Join(r.lines, " "); !strings.Contains(got, "one") || strings.Contains(got, "two") {
		t.Errorf("on record: %q", got)
	}
}

// Who is sent away before it could take the input takes it from nobody.
func TestKickedThief(t *testing.T) {
	h := newHub()
	end, term := sized(t, h)
	v := join(t, term, ViewerOptions{})
	if !h.Kick(v.ID()) {
		t.Fatal("no such viewer")
	}
	term.steal(v)
	opens(t, term, "a")
	if got := end.input(); got != "a" {
		t.Errorf("the program gets %q", got)
	}
}

// The end of somebody's input is not typed again while another has the input for itself.
func TestStealingFromAnEndOfInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := newFakeEnd()
		term, owner := newHub().Own(end, 0, Opener{}, true, Who{})
		defer term.Close()
		end.setCanonical(false)
		owner.EndInput()
		synctest.Wait()
		thief := join(t, term, ViewerOptions{Steal: true})
		end.say("$ ")
		synctest.Wait()
		if got := end.input(); got != "\x04" {
			t.Errorf("typed %q", got)
		}
		thief.Close()
		end.say("$ ")
		synctest.Wait()
		if got := end.input(); got != "\x04\x04" {
			t.Errorf("with the thief gone, typed %q", got)
		}
	})
}

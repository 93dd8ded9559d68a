package hub

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ptsns/ptsns/pts"
)

func TestSizing(t *testing.T) {
	for _, tt := range []struct {
		sizing                        Sizing
		joined, typed, resized, alone [2]uint16
	}{
		{SizeLatest, [2]uint16{30, 70}, [2]uint16{20, 100}, [2]uint16{31, 71}, [2]uint16{20, 100}},
		{SizeLargest, [2]uint16{30, 100}, [2]uint16{30, 100}, [2]uint16{31, 100}, [2]uint16{20, 100}},
		{SizeSmallest, [2]uint16{20, 70}, [2]uint16{20, 70}, [2]uint16{20, 71}, [2]uint16{20, 100}},
		{SizeFixed, [2]uint16{24, 80}, [2]uint16{24, 80}, [2]uint16{24, 80}, [2]uint16{24, 80}},
	} {
		t.Run(string(tt.sizing), func(t *testing.T) {
			end := newFakeEnd()
			end.winsize = [8]byte{24, 0, 80, 0}
			term, _ := newHub().Own(end, 0, Opener{}, false, Who{})
			defer term.Close()
			term.SetSizing(tt.sizing)
			check := func(when string, want [2]uint16) {
				t.Helper()
				if r, c := term.Size(); [2]uint16{r, c} != want {
					t.Errorf("%s: %dx%d, want %dx%d", when, r, c, want[0], want[1])
				}
			}
			one := join(t, term, ViewerOptions{Rows: 20, Cols: 100})
			join(t, term, ViewerOptions{Rows: 1, Cols: 1, ReadOnly: true})
			join(t, term, ViewerOptions{}) // without a window
			two := join(t, term, ViewerOptions{Rows: 30, Cols: 70})
			check("two have joined", tt.joined)
			if err := one.Write(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
			check("the first types", tt.typed)
			two.Resize(31, 71)
			check("the second resizes", tt.resized)
			before := end.resizes()
			two.Resize(31, 71)
			if end.resizes() != before {
				t.Error("a size that it has was set again")
			}
			two.Close()
			check("the second leaves", tt.alone)
			one.Close()
			check("nobody is left", tt.alone)
			term.SetSize(7, 77)
			join(t, term, ViewerOptions{Rows: 20, Cols: 100})
			check("it was given a size", [2]uint16{7, 77})
		})
	}
	if _, err := ParseSizing("huge"); err == nil {
		t.Error("a sizing that is none was taken")
	}
}

// A viewer who sees frames gets another when its window changes, though nothing is put out
// and the terminal's size stays.
func TestFrameFollowsTheWindow(t *testing.T) {
	end, term := sized(t, newHub())
	end.say("hello")
	read(t, term)
	v := join(t, term, ViewerOptions{Rows: 40, Cols: 100})
	v.Resize(30, 90)
	next := func(limit time.Duration) (n int) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		n, _, _ = v.Next(ctx, make([]byte, 64<<10)) // what it was is of no interest
		return n
	}
	if next(10*time.Second) == 0 {
		t.Fatal("nothing was painted")
	}
	v.Resize(10, 40)
	if next(10*time.Second) == 0 {
		t.Error("nothing was painted for a smaller window")
	}
}

// A size that changes and comes back while a viewer does not look leaves output for the
// other size, which its window must not get.
func TestTheSizeWasAnotherMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, newHub())
		w := watch(t, term, ViewerOptions{Rows: 24, Cols: 80})
		for !strings.HasPrefix(w.screen.Text(), "$") {
			end.say("$ ")
			read(t, term)
			first, _ := next(t, w.Viewer)
			_, _ = w.screen.Write([]byte(first)) // never fails
		}
		resize := func(rows, cols uint16) {
			if _, err := term.Ioctl(nil, pts.TIOCSWINSZ, []byte{byte(rows), 0, byte(cols), 0, 0, 0, 0, 0}); err != nil {
				t.Fatal(err)
			}
		}
		resize(40, 120)
		end.say("\x1b[1;1H" + strings.Repeat("x", 120) + "\x1b[2;1Hsecond")
		read(t, term)
		resize(24, 80)
		wait := run(t, w)
		synctest.Wait()
		end.say("\x1b[3;1Hmore")
		read(t, term)
		_ = term.Close()
		wait()
		w.shows(t, term.Text())
	})
}

// Frames that were painted for one viewer serve others, but not when only the size has
// changed since.
func TestFramesOfTheFormerSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, newHub())
		end.say("$ ")
		read(t, term)
		var all []*watcher
		var waits []func()
		for range 2 {
			w := watch(t, term, ViewerOptions{Rows: 40, Cols: 120})
			all, waits = append(all, w), append(waits, run(t, w))
		}
		rest := func() {
			<-time.After(time.Second)
			synctest.Wait()
		}
		rest()
		end.say("\a") // which changes nothing that a frame shows
		read(t, term)
		rest()
		if _, err := term.Ioctl(nil, pts.TIOCSWINSZ, []byte{30, 0, 80, 0, 0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		rest()
		for _, w := range all {
			w.showsAll(t, term)
		}
		_ = term.Close()
		for _, wait := range waits {
			wait()
		}
	})
}

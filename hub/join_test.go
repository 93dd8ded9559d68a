package hub

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/screen"
)

// sized is a tapped terminal of 24 by 80.
func sized(t *testing.T, h *Hub) (*fakeEnd, *Terminal) {
	end := newFakeEnd()
	end.winsize = [8]byte{24, 0, 80, 0}
	term := h.Tap(end, 0, Opener{})
	t.Cleanup(func() { _ = term.Close() })
	return end, term
}

// run shows a watcher everything until the terminal ends, under synctest.
func run(t *testing.T, w *watcher) (wait func()) {
	done := make(chan error, 1)
	go func() { done <- w.until(context.Background()) }()
	return func() {
		t.Helper()
		if err := <-done; err != io.EOF {
			t.Errorf("the viewer ended with %v", err)
		}
	}
}

func TestWhoJoinsSeesTheScreenAndWhatScrolledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, newHub())
		for i := range 100 {
			end.say(fmt.Sprintf("line %d\r\n", i))
		}
		end.say("\x1b]2;the title\x07\x1b[?2004h\x1b[31mprompt")
		read(t, term)
		all := watch(t, term, ViewerOptions{Rows: 24, Cols: 80})
		some := watch(t, term, ViewerOptions{Rows: 24, Cols: 80, NoHistory: true})
		waitAll, waitSome := run(t, all), run(t, some)
		synctest.Wait()
		end.say(" $ typed")
		read(t, term)
		_ = term.Close()
		waitAll()
		waitSome()
		if diff := cmp.Diff(term.Snapshot().Lines, all.screen.Snapshot().Lines); diff != "" {
			t.Errorf("(-terminal +viewer):\n%s", diff)
		}
		all.shows(t, term.Text())
		some.shows(t, term.Text())
		got := all.screen.Snapshot()
		if got.Title != "the title" || !strings.Contains(strings.Join(got.Modes, " "), "2004") && !strings.Contains(strings.Join(got.Modes, " "), "bracketed") {
			t.Errorf("title %q, modes %q", got.Title, got.Modes)
		}
		if n, want := len(all.screen.History()), 100-23; n != want {
			t.Errorf("%d lines of history, want %d", n, want)
		}
		if n := len(some.screen.History()); n != 0 {
			t.Errorf("%d lines of history that nobody asked for", n)
		}
	})
}

// A viewer whose window is of another size sees frames; one whose window has become that
// of the terminal is back in step.
func TestWindowsOfOtherSizes(t *testing.T) {
	for _, size := range [][2]uint16{{24, 80}, {10, 40}, {50, 200}, {24, 79}, {1, 1}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end, term := sized(t, newHub())
				end.say("\x1b[H\x1b[2Jtop\r\n\r\nhere\x1b[24;70Hcorner\x1b[3;5H")
				read(t, term)
				w := watch(t, term, ViewerOptions{Rows: size[0], Cols: size[1]})
				wait := run(t, w)
				for i := range 50 {
					end.say(fmt.Sprintf("\x1b[4;1Hcount %d\x1b[3;5H", i))
					read(t, term)
					if i%7 == 0 {
						synctest.Wait()
					}
				}
				_ = term.Close()
				wait()
				w.showsAll(t, term)
			})
		})
	}
}

func TestAViewersWindowComesToFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, newHub())
		end.say("$ ")
		read(t, term)
		w := watch(t, term, ViewerOptions{Rows: 10, Cols: 20})
		wait := run(t, w)
		synctest.Wait()
		w.screen.Resize(24, 80)
		w.Resize(24, 80)
		synctest.Wait()
		end.say("\x1b[24;1Hbottom")
		read(t, term)
		_ = term.Close()
		wait()
		w.shows(t, term.Text())
	})
}

// One that does not read is told how much went by and painted what there is then.
func TestASlowViewerWithAWindowIsPaintedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, New(Options{Ended: func() {}, History: 64 << 10}))
		w := watch(t, term, ViewerOptions{Rows: 24, Cols: 80})
		first, _ := next(t, w.Viewer)
		_, _ = w.screen.Write([]byte(first)) // never fails
		end.say("start")
		total := 5
		for i := range 20000 {
			s := fmt.Sprintf("line %d of a flood\r\n", i)
			total += len(s)
			end.say(s)
		}
		read(t, term)
		end.say("the end")
		read(t, term)
		_ = term.Close()
		run(t, w)()
		if w.lost != uint64(total+len("the end")) {
			t.Errorf("told of %d bytes lost, %d were put out", w.lost, total+len("the end"))
		}
		if w.got > 64<<10 {
			t.Errorf("got %d bytes", w.got)
		}
		w.shows(t, term.Text())
		if got := term.Counts().Lost; got != w.lost {
			t.Errorf("the terminal counts %d lost, the viewer %d", got, w.lost)
		}
	})
}

// TestTheScreenIsTheSameHoweverItIsFed puts random output through terminals that keep
// little, with and without somebody looking in between, and compares with a screen that
// took everything.
func TestTheScreenIsTheSameHoweverItIsFed(t *testing.T) {
	for seed := range uint64(25) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		end, term := sized(t, New(Options{Ended: func() {}, History: 16 << 10}))
		want := screen.New(24, 80, screen.Options{HistoryBytes: 16 << 10})
		say := func(s string) {
			end.say(s)
			_, _ = want.Write([]byte(s))
			read(t, term)
		}
		for range 40 {
			switch rnd.IntN(8) {
			case 0:
				say("\x1b[" + fmt.Sprint(rnd.IntN(30)) + ";" + fmt.Sprint(rnd.IntN(90)) + "H\x1b[3" + fmt.Sprint(rnd.IntN(8)) + "m")
			case 1:
				say("\x1b[?1049" + string("hl"[rnd.IntN(2)]))
			case 2:
				say("\x1b[5;10r\x1b[7;1H")
			case 3:
				say("\x1b[r")
			case 4:
				term.Text()
			case 6:
				for range rnd.IntN(40) {
					say(strings.Repeat("a stair\n", rnd.IntN(100)))
				}
			case 5:
				for range rnd.IntN(40) {
					say(strings.Repeat("unbroken ", rnd.IntN(100)))
				}
			default:
				for range rnd.IntN(40) {
					say(strings.Repeat(fmt.Sprintf("plain é漢 %d\r\n", rnd.IntN(1e6)), rnd.IntN(60)))
				}
			}
		}
		if diff := cmp.Diff(want.Snapshot(), term.Snapshot(), cmp.FilterPath(func(p cmp.Path) bool {
			return p.Last().String() == ".History"
		}, cmp.Ignore())); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		all, got := want.History(), term.History()
		if len(got) > len(all) || len(got) > 0 && !cmp.Equal(all[len(all)-len(got):], got) {
			t.Fatalf("seed %d: the history is not the end of what went by: %d lines of %d", seed, len(got), len(all))
		}
	}
}

// A hundred viewers of all kinds come to the same end; none is waited for.
func TestAHundredViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, newHub())
		var all []*watcher
		var waits []func()
		for i := range 100 {
			w := watch(t, term, ViewerOptions{Rows: 24, Cols: 80 + uint16(i%3), ReadOnly: i%2 == 0})
			all = append(all, w)
			waits = append(waits, run(t, w))
		}
		start := time.Now()
		for i := range 300 {
			end.say(strings.Repeat(fmt.Sprintf("%d and so on\r\n", i), 100))
			read(t, term)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the opener waited for %v", d)
		}
		end.say("that is all")
		read(t, term)
		_ = term.Close()
		for i, w := range all {
			waits[i]()
			w.showsAll(t, term)
		}
		if n := len(term.Viewers()); n != 100 {
			t.Errorf("%d viewers", n)
		}
		for _, w := range all {
			w.Close()
		}
	})
}

func TestTitle(t *testing.T) {
	end, term := sized(t, newHub())
	end.say("no title\r\n")
	read(t, term)
	if got := term.Title(); got != "" || term.screen != nil {
		t.Errorf("title %q, and a screen for that: %v", got, term.screen != nil)
	}
	end.say("\x1b]0;one\x07")
	read(t, term)
	if got := term.Title(); got != "one" {
		t.Errorf("title %q", got)
	}
}

// Those who fall behind together are painted the same, though that is no longer the end
// of what is kept: who reads slowest does not make the program wait for painting.
func TestThoseWhoFallBehindArePaintedTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, New(Options{Ended: func() {}, History: 16 << 10}))
		total := 0
		flood := func() {
			for i := range 4000 {
				s := fmt.Sprintf("line %d of a flood\r\n", i)
				total += len(s)
				end.say(s)
			}
			read(t, term)
		}
		var all []*watcher
		for range 3 {
			all = append(all, watch(t, term, ViewerOptions{Rows: 24, Cols: 80, NoHistory: true}))
		}
		for _, w := range all { // now, so that they rest equally long
			_, _ = next(t, w.Viewer) // the blank screen
		}
		flood()
		first := total
		paints := make([]string, len(all))
		for i, w := range all {
			if paint, lost := next(t, w.Viewer); paint != "" || lost != uint64(first) {
				t.Errorf("viewer %d: got %q and was told of %d bytes lost, want %d", i, paint, lost, first)
			}
			paints[i], _ = next(t, w.Viewer)
			if paints[i] != paints[0] {
				t.Errorf("viewer %d was painted %q, the first %q", i, paints[i], paints[0])
			}
			if i == 1 { // the others have rested by then, the third is painted what the first was
				flood()
			}
		}
		_ = term.Close()
		for i, w := range all {
			_, _ = w.screen.Write([]byte(paints[i])) // never fails
			run(t, w)()
			w.showsAll(t, term)
			if got := first + int(w.lost); got != total {
				t.Errorf("viewer %d: told of %d bytes lost, %d were put out", i, got, total)
			}
		}
	})
}

// One that falls behind again and again is painted now and then, and when the output ends.
func TestWhoFallsBehindIsNotPaintedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, New(Options{Ended: func() {}, History: 16 << 10}))
		w := watch(t, term, ViewerOptions{Rows: 24, Cols: 80, NoHistory: true})
		began, paints := time.Now(), 0
		for time.Since(began) < time.Second && paints < 100 {
			end.say(strings.Repeat("a line of a flood\r\n", 2000))
			read(t, term)
			paint, lost := next(t, w.Viewer)
			_, _ = w.screen.Write([]byte(paint)) // never fails
			if lost > 0 {
				paints++
			}
		}
		if paints > 11 {
			t.Errorf("painted %d times in a second", paints)
		}
		end.say("the end")
		read(t, term)
		wait := run(t, w)
		synctest.Wait()
		<-time.After(2 * lossTime)
		synctest.Wait()
		w.shows(t, term.Text())
		_ = term.Close()
		wait()
	})
}

// What a viewer's terminal showed before goes where it can be read again, and nothing is
// painted over it.
func TestJoiningCoversNothing(t *testing.T) {
	for _, o := range []ViewerOptions{{Rows: 24, Cols: 80}, {Rows: 24, Cols: 80, NoHistory: true}, {Rows: 10, Cols: 40},
		{Rows: 40, Cols: 90, ReadOnly: true}} {
		synctest.Test(t, func(t *testing.T) {
			end, term := sized(t, newHub())
			end.say("$ ")
			read(t, term)
			w := watch(t, term, o)
			w.screen = screen.New(int(o.Rows), int(o.Cols), screen.Options{HistoryBytes: 1 << 20})
			_, _ = w.screen.Write([]byte("mine\r\n$ join\r\n")) // never fails
			_ = term.Close()
			run(t, w)()
			if diff := cmp.Diff([]string{"mine", "$ join"}, w.screen.History()); diff != "" {
				t.Errorf("%+v: the scrollback (-want +got):\n%s", o, diff)
			}
			w.showsAll(t, term)
		})
	}
}

//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/screen"
)

// flood is a program that prints at full speed: for each word on its input so many
// megabytes, of which it tells the seconds that they took. Then it prints what marks the
// end, and tells that it did.
const flood = `
import os, sys, time
kind, megabytes, told = sys.argv[1], float(sys.argv[2]), sys.argv[3]
text = {
  "lines": "".join("%d: a line of plain text, as a compiler or a log has them\n" % i for i in range(1000)),
  "colours": "".join("\033[1;3%dm%d\033[0m: \033[4%dma line\033[m with \033[38;5;%dmcolours\033[0m\n" % (i%8, i, i%8, i%256) for i in range(1000)),
  "screens": "".join("\033[H" + "".join("\033[%dH\033[7m%3d%%\033[m %-60d\033[K" % (row+1, (i+row)%100, i*row) for row in range(24)) for i in range(50)),
}[kind].encode()
for turn, line in enumerate(sys.stdin):
    began, left = time.monotonic(), megabytes * 1e6
    while left > 0: left -= os.write(1, text)
    took = time.monotonic() - began
    os.write(1, b"\033[H\033[2Jturn %d is over" % turn)
    name = "%s/%d" % (told, turn)
    with open(name + ".new", "w") as f: f.write("%f" % took)
    os.rename(name + ".new", name)
`

var floodKinds = []string{"lines", "colours", "screens"}

// flooded is a terminal on which flood runs, and who looks on.
type flooded struct {
	tb       testing.TB
	client   *control.Client
	index    int
	dir      string // where the program tells how long it took
	turns    int
	look     bool // who joins has a screen
	watchers []*streamWatcher
}

// newFlooded starts flood on the terminal of a new namespace, tapped or not.
func newFlooded(t testing.TB, r *runtimeDir, kind string, megabytes float64, tapped bool) *flooded {
	t.Helper()
	f := &flooded{tb: t, dir: sharedDir(t)}
	argv := []string{"python3", "-c", flood, kind, fmt.Sprint(megabytes), f.dir}
	if tapped {
		argv = append([]string{"python3", "-c", spawn}, argv...)
		f.index = 1
	}
	r.must(append([]string{"run", "-d", "--name", "vs1", "--size=fixed", "--"}, argv...)...)
	if tapped {
		r.awaitTerminal("vs1", 1)
	}
	client, err := control.Dial(context.Background(), filepath.Join(r.path, "vs1", "socket"))
	if err != nil {
		t.Fatal(err)
	}
	f.client = client
	t.Cleanup(func() {
		f.leave(0)
		_ = client.Close() // nothing is asked any more
	})
	return f
}

// spawn is an opener: it runs its arguments on a terminal that it opens, and takes what
// that puts out.
const spawn = `
import fcntl, os, pty, struct, sys, termios
pid, ptm = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(ptm, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
try:
    while os.read(ptm, 65536): pass
except OSError: pass # EIO, when the program has ended
`

// awaitTerminal waits until there is a terminal of that index and size.
func (r *runtimeDir) awaitTerminal(name string, index int) {
	r.t.Helper()
	for end := time.Now().Add(deadline); ; { // each look is a command, which takes its time
		if term, ok := r.terminal(name, index); ok && term.Rows == 24 && term.Cols == 80 {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("no terminal %s/%d of 24 by 80: %+v", name, index, r.state(name))
		}
	}
}

// join has so many look on, each with the window that sizes gives it in turn.
func (f *flooded) join(n int, sizes ...[2]uint16) {
	f.tb.Helper()
	for len(f.watchers) < n {
		size := sizes[len(f.watchers)%len(sizes)]
		o := control.AttachOptions{Rows: size[0], Cols: size[1], NoHistory: true, ReadOnly: f.look && len(f.watchers)%10 == 9}
		f.watchers = append(f.watchers, watchStream(f.tb, f.client, f.index, o, f.look))
	}
}

// leave leaves n of those who look on.
func (f *flooded) leave(n int) {
	for _, w := range f.watchers[n:] {
		w.close()
	}
	f.watchers = f.watchers[:n]
}

// turn has the program print, and returns how many seconds that took.
func (f *flooded) turn() float64 {
	f.tb.Helper()
	if err := f.client.Type(context.Background(), f.index, []byte("go\n")); err != nil {
		f.tb.Fatal(err)
	}
	took := told(f.tb, filepath.Join(f.dir, strconv.Itoa(f.turns)))
	f.turns++
	seconds, err := strconv.ParseFloat(took, 64)
	if err != nil {
		f.tb.Fatal(err)
	}
	return seconds
}

// streamWatcher is who joined with a stream: what he gets he shows on a screen, if he has one.
type streamWatcher struct {
	stream     *control.Stream
	rows, cols uint16
	running    sync.WaitGroup

	mu     sync.Mutex
	screen *screen.Screen // guarded by mu; nil when nobody looks
	lost   uint64         // guarded by mu
	err    error          // guarded by mu; why it ended
	grew   chan struct{}  // one slot
}

func watchStream(t testing.TB, client *control.Client, index int, o control.AttachOptions, look bool) *streamWatcher {
	t.Helper()
	o.Who = hub.Who{Door: "api", Name: "watcher"}
	stream, err := client.Attach(context.Background(), index, o)
	if err != nil {
		t.Fatal(err)
	}
	w := &streamWatcher{stream: stream, rows: o.Rows, cols: o.Cols, grew: make(chan struct{}, 1)}
	if look {
		w.screen = screen.New(int(o.Rows), int(o.Cols), screen.Options{HistoryBytes: -1})
	}
	w.running.Go(w.watch) // ends with the stream
	return w
}

func (w *streamWatcher) close() {
	_ = w.stream.Close() // it may have ended
	w.running.Wait()
}

func (w *streamWatcher) watch() {
	for {
		e, err := w.stream.Next()
		w.mu.Lock()
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			w.err = err
		case e.Kind == control.Lost:
			w.lost += e.Lost
		case e.Kind == control.Output && w.screen != nil:
			_, _ = w.screen.Write(e.Output) // never fails
		}
		w.mu.Unlock()
		select {
		case w.grew <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// TestManyViewers has a hundred of all kinds look on while a program prints at full
// speed. Then each sees what the terminal has, and has been told what it missed.
func TestManyViewers(t *testing.T) {
	need(t, "fuse", "python3")
	for _, tapped := range []bool{false, true} {
		for _, kind := range floodKinds {
			t.Run(fmt.Sprintf("%s/tapped=%v", kind, tapped), func(t *testing.T) {
				r := newRuntime(t)
				const megabytes = 4
				f := newFlooded(t, r, kind, megabytes, tapped)
				f.look = true
				f.join(100, [2]uint16{24, 80}, [2]uint16{24, 80}, [2]uint16{10, 40}, [2]uint16{50, 132})
				for range 2 {
					f.turn()
				}
				f.awaitInStep()
				var told uint64
				for _, w := range f.watchers {
					w.mu.Lock()
					told += w.lost
					w.mu.Unlock()
				}
				term, _ := r.terminal("vs1", f.index)
				if len(term.Viewers) != 100 || term.BytesLost != told {
					t.Errorf("%d viewers, %d bytes lost; they were told of %d", len(term.Viewers), term.BytesLost, told)
				}
				t.Logf("%d of %d bytes missed", told, 100*term.BytesOut)
			})
		}
	}
}

// awaitInStep waits until everybody sees what the terminal has: where the window is of
// another size, as one sees it that joins now.
func (f *flooded) awaitInStep() {
	f.tb.Helper()
	awaitScreen(f.tb, f.client, f.index, fmt.Sprintf("turn %d is over", f.turns-1))
	truth, err := f.client.Screen(context.Background(), f.index, false)
	if err != nil {
		f.tb.Fatal(err)
	}
	for i, w := range f.watchers {
		w.await(f.tb, func(seen screen.Snapshot) string {
			if seen.Rows == truth.Screen.Rows && seen.Cols == truth.Screen.Cols {
				if diff := inStep(f.tb, f.client, f.index, seen, i%10 == 9); diff != "" {
					return diff
				}
				return ""
			}
			return frameOf(truth.Screen, seen)
		})
	}
}

// await waits until differs finds nothing wrong with what is seen.
func (w *streamWatcher) await(t testing.TB, differs func(screen.Snapshot) string) {
	t.Helper()
	hang := time.NewTimer(deadline)
	defer hang.Stop()
	for {
		w.mu.Lock()
		diff, err := differs(w.screen.Snapshot()), w.err
		w.mu.Unlock()
		if diff == "" {
			return
		}
		select {
		case <-w.grew:
		case <-hang.C:
			t.Fatalf("a viewer of %dx%d, %v:\n%s\n%s", w.rows, w.cols, err, w.screen.Text(), diff)
		}
	}
}

// BenchmarkViewers compares how fast a program prints while a hundred look on with how
// fast it does with one, by the program's own clock, in turns; it tells the median of
// the ratios. All look on from this process, with windows of the terminal's size, or of
// ten other sizes.
func BenchmarkViewers(b *testing.B) {
	same := [][2]uint16{{24, 80}}
	var others [][2]uint16
	for i := range uint16(10) {
		others = append(others, [2]uint16{10 + 3*i, 60 + 5*i})
	}
	for _, kind := range floodKinds {
		b.Run(kind+"/owned", func(b *testing.B) { benchmarkViewers(b, kind, false, same) })
		b.Run(kind+"/tapped", func(b *testing.B) { benchmarkViewers(b, kind, true, same) })
		b.Run(kind+"/frames", func(b *testing.B) { benchmarkViewers(b, kind, false, others) })
	}
}

func benchmarkViewers(b *testing.B, kind string, tapped bool, sizes [][2]uint16) {
	const megabytes = 24
	f := newFlooded(b, newRuntime(b), kind, megabytes, tapped)
	f.join(1, sizes...)
	f.turn() // warm
	var ratios, speeds []float64
	for b.Loop() {
		one := f.turn()
		f.join(100, sizes...)
		hundred := f.turn()
		f.leave(1)
		ratios = append(ratios, one/hundred)
		speeds = append(speeds, megabytes/hundred)
	}
	b.ReportMetric(middle(ratios), "ratio")
	b.ReportMetric(middle(speeds), "MB/s")
}

func middle(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

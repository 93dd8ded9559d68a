package hub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// floods are programs that print at full speed: what each prints again and again.
var floods = []struct{ name, text string }{
	{"lines", func() string {
		var b strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&b, "%d: a line of plain text, as a compiler or a log has them\r\n", i)
		}
		return b.String()
	}()},
	{"colours", func() string {
		var b strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&b, "\x1b[1;3%dm%d\x1b[0m: \x1b[4%dma line\x1b[m with \x1b[38;5;%dmcolours\x1b[0m\r\n", i%8, i, i%8, i%256)
		}
		return b.String()
	}()},
	{"screens", func() string {
		var b strings.Builder
		for i := range 50 {
			b.WriteString("\x1b[H")
			for row := range 24 {
				fmt.Fprintf(&b, "\x1b[%dH\x1b[7m%3d%%\x1b[m %-60d\x1b[K", row+1, (i+row)%100, i*row)
			}
		}
		return b.String()
	}()},
}

// floodEnd is a ptm with no end of output.
type floodEnd struct {
	*fakeEnd
	text string
	at   int
}

func (e *floodEnd) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

// BenchmarkViewers compares how fast a program gets rid of its output while a hundred
// look on with how fast it does with one, in turns, and tells the median of the ratios.
// The output costs nothing to make, so all that it costs is the hub's.
func BenchmarkViewers(b *testing.B) {
	for _, flood := range floods {
		b.Run(flood.name, func(b *testing.B) {
			var ratios, speeds []float64
			for b.Loop() {
				one, hundred := floodSpeed(b, flood.text, 1), floodSpeed(b, flood.text, 100)
				ratios = append(ratios, hundred/one)
				speeds = append(speeds, hundred)
			}
			b.ReportMetric(middle(ratios), "ratio")
			b.ReportMetric(middle(speeds), "MB/s")
		})
	}
}

// floodSpeed is how many megabytes a second a tapped terminal's opener reads while so
// many viewers look on.
func floodSpeed(b *testing.B, text string, viewers int) float64 {
	end := &floodEnd{fakeEnd: newFakeEnd(), text: text}
	end.winsize = [8]byte{24, 0, 80, 0}
	term := newHub().Tap(end, 0, Opener{})
	var running sync.WaitGroup
	for i := range viewers {
		v, err := term.Join(ViewerOptions{Rows: 24, Cols: 80, ReadOnly: i%10 == 9})
		if err != nil {
			b.Fatal(err)
		}
		running.Go(func() { // ends with the terminal
			defer v.Close()
			buf := make([]byte, 32<<10)
			for {
				if _, _, err := v.Next(context.Background(), buf); err != nil {
					return
				}
			}
		})
	}
	const (
		warm = 200 * time.Millisecond
		long = time.Second // that each viewer has its turn some times
	)
	buf := make([]byte, 64<<10)
	pass := func(d time.Duration) float64 {
		began, bytes := time.Now(), 0
		for time.Since(began) < d {
			n, _ := term.Read(buf) // never fails
			bytes += n
		}
		return float64(bytes) / 1e6 / time.Since(began).Seconds()
	}
	pass(warm)
	speed := pass(long)
	_ = term.Close()
	running.Wait()
	return speed
}

func middle(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

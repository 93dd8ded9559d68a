//go:build linux

package bench

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// measureEcho is the median time from the write of a byte until a reader that waits has
// its echo, as a terminal emulator, sshd or tmux waits while somebody types.
func measureEcho(s slice) (us float64, err error) { return s.echoes(awaitEchoes) }

// measureTurns is the same with one thread that writes and only then reads, so that
// the echo may be there before anybody waits for it.
func measureTurns(s slice) (us float64, err error) { return s.echoes(takeTurns) }

// echoes opens a pair that echoes and returns the median of the trips that run reports
// after the warm-up.
func (s slice) echoes(run func(echoer, report) error) (us float64, err error) {
	ptm, pts, err := s.contender.Open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unix.Close(pts), unix.Close(ptm)) }()
	if err := changeTermios(pts, rawEcho); err != nil {
		return 0, err
	}
	flush := func() error { return unix.IoctlSetInt(pts, unix.TCFLSH, unix.TCIFLUSH) }
	return s.trips(flush, func(trip report) error { return run(echoer{descriptor(ptm), 1, true}, trip) })
}

// echoer is a ptm whose pts echoes.
type echoer struct {
	io.ReadWriter
	times   int  // how many trips takeTurns measures at once
	threads bool // who waits in it is a thread and no goroutine
}

// report takes trips of so many bytes together, each of which took d, and tells whether
// to go on.
type report func(bytes int, d time.Duration) bool

// awaitEchoes has a reader that waits for each echo.
func awaitEchoes(e echoer, trip report) error {
	turns := make(chan bool)
	trips := make(chan time.Duration)
	failed := make(chan error, 1)
	var started atomic.Int64 // nanoseconds after epoch
	epoch := time.Now()
	go func() { // ends with turns
		if e.threads {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
		}
		buf := make([]byte, 16)
		for <-turns {
			if err := e.readEcho(buf); err != nil {
				failed <- err
				return
			}
			trips <- time.Since(epoch) - time.Duration(started.Load())
		}
	}()
	defer close(turns)
	typed := []byte{'x'}
	turns <- true
	for {
		if !e.threads {
			runtime.Gosched() // until it waits
		}
		started.Store(int64(time.Since(epoch)))
		if _, err := e.Write(typed); err != nil {
			return err
		}
		select {
		case d := <-trips:
			if !trip(1, d) {
				return nil
			}
			turns <- true // it is about to wait again
		case err := <-failed:
			return err
		}
	}
}

// takeTurns writes and then reads.
func takeTurns(e echoer, trip report) error {
	typed, buf := []byte{'x'}, make([]byte, 16)
	for {
		start := time.Now()
		for range e.times {
			if _, err := e.Write(typed); err != nil {
				return err
			}
			if err := e.readEcho(buf); err != nil {
				return err
			}
		}
		if !trip(e.times, time.Since(start)/time.Duration(e.times)) {
			return nil
		}
	}
}

func (e echoer) readEcho(buf []byte) error {
	n, err := e.Read(buf)
	if err == nil && (n != 1 || buf[0] != 'x') {
		err = fmt.Errorf("the echo of \"x\" is %q", buf[:n])
	}
	return err
}

// trips is the median of the trips that run reports after the warm-up. flush empties the
// pts, which is not read from: its 4095 bytes must not fill up.
func (s slice) trips(flush func() error, run func(report) error) (us float64, err error) {
	var trips []time.Duration
	var flushErr error
	measured, enough := time.Now().Add(s.warm()), time.Now().Add(s.warm()+s.time)
	sent := 0
	err = run(func(bytes int, d time.Duration) bool {
		if sent += bytes; sent >= 1024 {
			flushErr, sent = flush(), 0
		}
		now := time.Now()
		if now.After(measured) {
			trips = append(trips, d)
		}
		return flushErr == nil && (now.Before(enough) || len(trips) == 0)
	})
	if err = errors.Join(err, flushErr); err != nil {
		return 0, err
	}
	slices.Sort(trips)
	return float64(trips[len(trips)/2].Nanoseconds()) / 1000, nil
}

// measureOpenClose is how many pairs can be opened and closed in a second.
func measureOpenClose(s slice) (perSecond float64, err error) {
	return s.repeat(func() error {
		ptm, pts, err := s.contender.Open()
		if err != nil {
			return err
		}
		return errors.Join(unix.Close(pts), unix.Close(ptm))
	})
}

// repeat is how often f can be done in a second.
func (s slice) repeat(f func() error) (perSecond float64, err error) {
	start, measured := time.Now(), false
	for n := 0; ; n++ {
		if err := f(); err != nil {
			return 0, err
		}
		past := time.Since(start)
		if measured && past >= s.time {
			return float64(n) / past.Seconds(), nil
		}
		if !measured && past >= s.warm() {
			start, measured, n = time.Now(), true, 0
		}
	}
}

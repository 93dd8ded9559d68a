//go:build linux

package bench

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// measureEcho is the median time from the write of a byte until a reader that waits has
// its echo, as a terminal emulator, sshd or tmux waits while somebody types.
func measureEcho(s slice) (us float64, err error) {
	return s.echoes(func(ptm int, trip func(time.Duration) bool) error {
		turns := make(chan bool)
		trips := make(chan time.Duration)
		failed := make(chan error, 1)
		var started atomic.Int64 // nanoseconds after epoch
		epoch := time.Now()
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for <-turns {
				if err := readEcho(ptm); err != nil {
					failed <- err
					return
				}
				trips <- time.Since(epoch) - time.Duration(started.Load())
			}
		}()
		defer close(turns)
		turns <- true
		for {
			started.Store(int64(time.Since(epoch)))
			if err := writeByte(ptm); err != nil {
				return err
			}
			select {
			case d := <-trips:
				if !trip(d) {
					return nil
				}
				turns <- true // it is about to wait again
			case err := <-failed:
				return err
			}
		}
	})
}

// measureTurns is the same with one thread that writes and only then reads, so that
// the echo may be there before anybody waits for it.
func measureTurns(s slice) (us float64, err error) {
	return s.echoes(func(ptm int, trip func(time.Duration) bool) error {
		for {
			start := time.Now()
			if err := writeByte(ptm); err != nil {
				return err
			}
			if err := readEcho(ptm); err != nil {
				return err
			}
			if !trip(time.Since(start)) {
				return nil
			}
		}
	})
}

// echoes opens a pair that echoes and returns the median of the trips that run reports
// after the warm-up; the callback tells whether to go on.
func (s slice) echoes(run func(ptm int, trip func(time.Duration) bool) error) (us float64, err error) {
	ptm, pts, err := s.contender.Open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unix.Close(pts), unix.Close(ptm)) }()
	if err := changeTermios(pts, rawEcho); err != nil {
		return 0, err
	}
	flush := func() error { return unix.IoctlSetInt(pts, unix.TCFLSH, unix.TCIFLUSH) }
	return s.trips(1, flush, func(trip func(time.Duration) bool) error { return run(ptm, trip) })
}

// trips is the median of the trips that run reports after the warm-up, after so many
// bytes each; the callback tells whether to go on. flush empties the pts, which is not
// read from: its 4095 bytes must not fill up.
func (s slice) trips(bytes int, flush func() error, run func(trip func(time.Duration) bool) error) (us float64, err error) {
	var trips []time.Duration
	var flushErr error
	measured, enough := time.Now().Add(s.warm()), time.Now().Add(s.warm()+s.time)
	sent := 0
	err = run(func(d time.Duration) bool {
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

func writeByte(ptm int) error {
	n, err := retry(func() (int, error) { return unix.Write(ptm, []byte{'x'}) })
	if err != nil || n != 1 {
		return fmt.Errorf("wrote %d bytes of 1: %w", n, err)
	}
	return nil
}

func readEcho(ptm int) error {
	var b [16]byte
	n, err := retry(func() (int, error) { return unix.Read(ptm, b[:]) })
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if n != 1 || b[0] != 'x' {
		return fmt.Errorf("the echo of \"x\" is %q", b[:n])
	}
	return nil
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

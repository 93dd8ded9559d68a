//go:build linux

package bench

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// measureEcho is the median time of a byte's way to the line discipline and back.
func measureEcho(s slice) (us float64, err error) {
	ptm, pts, err := s.contender.Open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unix.Close(pts), unix.Close(ptm)) }()
	if err := changeTermios(pts, rawEcho); err != nil {
		return 0, err
	}
	var trips []time.Duration
	enough := time.Now().Add(s.warm() + s.time)
	measured := time.Now().Add(s.warm())
	p, q := []byte{'x'}, make([]byte, 16)
	for sent := 1; ; sent++ {
		start := time.Now()
		if err := writeAll(ptm, p); err != nil {
			return 0, err
		}
		n, err := retry(func() (int, error) { return unix.Read(ptm, q) })
		if err != nil {
			return 0, fmt.Errorf("read: %w", err)
		}
		if n != 1 || q[0] != p[0] {
			return 0, fmt.Errorf("the echo of %q is %q", p, q[:n])
		}
		end := time.Now()
		if start.After(measured) {
			trips = append(trips, end.Sub(start))
		}
		if end.After(enough) && len(trips) > 0 {
			break
		}
		// The pts is not read from: its 4095 bytes must not fill up.
		if sent%1024 == 0 {
			if err := unix.IoctlSetInt(pts, unix.TCFLSH, unix.TCIFLUSH); err != nil {
				return 0, fmt.Errorf("flush: %w", err)
			}
		}
	}
	slices.Sort(trips)
	return float64(trips[len(trips)/2].Nanoseconds()) / 1000, nil
}

// measureOpenClose is how many pairs can be opened and closed in a second.
func measureOpenClose(s slice) (perSecond float64, err error) {
	start, measured := time.Now(), false
	for n := 0; ; n++ {
		ptm, pts, err := s.contender.Open()
		if err != nil {
			return 0, err
		}
		if err := errors.Join(unix.Close(pts), unix.Close(ptm)); err != nil {
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

//go:build linux

package bench

import (
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/termios"
)

// Virtual is the contender whose pairs are those of package pty, in this process.
type Virtual struct{}

// Name says which contender it is.
func (Virtual) Name() string { return "virtual" }

func virtualRaw(s slice) (float64, error)   { return s.virtualOutput(raw, block()) }
func virtualLines(s slice) (float64, error) { return s.virtualOutput(rawOutputLines, lines(lineSize)) }

func virtualCanon(s slice) (float64, error)     { return s.virtualInput(canon, false) }
func virtualCanonEcho(s slice) (float64, error) { return s.virtualInput(canonEcho, true) }

// openVirtual opens a pair and sets its termios.
func openVirtual(change func(*termios.Termios)) (ptm *pty.PTM, pts *pty.PTS, err error) {
	ptm, pts = pty.Open()
	t, err := pts.Termios()
	if err == nil {
		change(&t)
		err = pts.SetTermios(pty.TCSANOW, t)
	}
	if err != nil {
		return nil, nil, errors.Join(err, pts.Close(), ptm.Close())
	}
	return ptm, pts, nil
}

// virtualOutput measures pts to ptm: a goroutine writes p again and again.
func (s slice) virtualOutput(change func(*termios.Termios), p []byte) (float64, error) {
	ptm, pts, err := openVirtual(change)
	if err != nil {
		return 0, err
	}
	var writer sync.WaitGroup
	writer.Go(func() { _ = writeUntil(pts, p, new(atomic.Bool)) }) // ends with the ptm
	r, err := readFor(ptm, blockSize, s.warm(), s.time)
	err = errors.Join(err, ptm.Close())
	writer.Wait()
	if err := errors.Join(err, pts.Close()); err != nil {
		return 0, err
	}
	return r.mbps(), nil
}

// virtualInput measures ptm to pts: a goroutine writes lines, and one reads their echo.
func (s slice) virtualInput(change func(*termios.Termios), echo bool) (float64, error) {
	ptm, pts, err := openVirtual(change)
	if err != nil {
		return 0, err
	}
	var others sync.WaitGroup
	others.Go(func() { _ = writeUntil(ptm, lines(blockSize), new(atomic.Bool)) }) // ends with the ptm
	if echo {
		others.Go(func() { drain(ptm) })
	}
	r, err := readFor(pts, 4096, s.warm(), s.time)
	err = errors.Join(err, ptm.Close())
	others.Wait()
	if err := errors.Join(err, pts.Close()); err != nil {
		return 0, err
	}
	return r.mbps(), nil
}

// Many turns are measured at once, as a look at the clock takes as long as one.
func virtualEcho(s slice) (us float64, err error)  { return s.virtualEchoes(1, awaitEchoes) }
func virtualTurns(s slice) (us float64, err error) { return s.virtualEchoes(64, takeTurns) }

// virtualEchoes is echoes of a virtual pair.
func (s slice) virtualEchoes(times int, run func(echoer, report) error) (us float64, err error) {
	ptm, pts, err := openVirtual(rawEcho)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, pts.Close(), ptm.Close()) }()
	queue := binary.LittleEndian.AppendUint64(nil, unix.TCIFLUSH)
	flush := func() error { _, err := pts.Ioctl(unix.TCFLSH, queue); return err }
	return s.trips(flush, func(trip report) error { return run(echoer{ptm, times, false}, trip) })
}

func virtualOpenClose(s slice) (perSecond float64, err error) {
	return s.repeat(func() error {
		ptm, pts := pty.Open()
		return errors.Join(pts.Close(), ptm.Close())
	})
}

// virtualIdle is what the heap grows by for each pair.
func virtualIdle(slice) (perPair float64, err error) {
	ends := make([]io.Closer, 0, 2*idlePairs)
	before := heap()
	for range idlePairs {
		ptm, pts := pty.Open()
		ends = append(ends, ptm, pts)
	}
	perPair = float64(heap()-before) / idlePairs
	for _, end := range ends {
		err = errors.Join(err, end.Close())
	}
	return perPair, err
}

// heap is how much memory of the heap is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // empties what pools had kept through the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

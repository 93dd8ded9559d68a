//go:build linux

package bench

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	blockSize = 64 << 10
	lineSize  = 80
	warmUp    = 8 // the part of a slice's time that runs before it unmeasured
)

// slice is one measurement of one contender.
type slice struct {
	contender Contender
	time      time.Duration
	peer      []string
	server    *serverMemory // nil without a server
}

// warm is how long the work runs before it is measured.
func (s slice) warm() time.Duration { return s.time / warmUp }

// stage is an open pair with a peer at work on its pts.
type stage struct {
	ptm  int
	peer *peer
}

// set opens a pair, sets its termios and gives the pts to a peer.
func (s slice) set(change func(*unix.Termios), j job) (_ *stage, err error) {
	ptm, pts, err := s.contender.Open()
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(pts), "pts")
	defer file.Close() // the peer has its own
	if err = changeTermios(pts, change); err == nil {
		var p *peer
		if p, err = startPeer(s.peer, j, s.warm(), s.time, file); err == nil {
			return &stage{ptm: ptm, peer: p}, nil
		}
	}
	_ = unix.Close(ptm) // the failure before it is the one to tell
	return nil, err
}

// strike ends the peer and closes the ptm.
func (st *stage) strike() error {
	return errors.Join(st.peer.end(), unix.Close(st.ptm))
}

func changeTermios(pts int, change func(*unix.Termios)) error {
	t, err := unix.IoctlGetTermios(pts, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("get termios: %w", err)
	}
	change(t)
	if err := unix.IoctlSetTermios(pts, unix.TCSETS, t); err != nil {
		return fmt.Errorf("set termios: %w", err)
	}
	return nil
}

// The termios of the figures, as changes to a fresh pair's.
func raw(t *unix.Termios) {
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
}

func rawOutputLines(t *unix.Termios) { raw(t); t.Oflag = unix.OPOST | unix.ONLCR }
func rawEcho(t *unix.Termios)        { raw(t); t.Lflag = unix.ECHO }
func canon(t *unix.Termios)          { t.Lflag &^= unix.ECHO }
func canonEcho(t *unix.Termios)      { t.Lflag |= unix.ECHO }

// rate is how much came through a descriptor in which time.
type rate struct {
	bytes int64
	time  time.Duration
}

func (r rate) mbps() float64 { return float64(r.bytes) / 1e6 / r.time.Seconds() }

// readFor reads from fd for warm unmeasured and then for at least d.
func readFor(fd int, size int, warm, d time.Duration) (rate, error) {
	p := make([]byte, size)
	var r rate
	start, measured := time.Now(), false
	for {
		n, err := retry(func() (int, error) { return unix.Read(fd, p) })
		if err == nil && n == 0 {
			err = errors.New("end of file")
		}
		if err != nil {
			return r, fmt.Errorf("read: %w", err)
		}
		r.bytes += int64(n)
		r.time = time.Since(start)
		if measured && r.time >= d {
			return r, nil
		}
		if !measured && r.time >= warm {
			start, measured, r.bytes = time.Now(), true, 0
		}
	}
}

// writeAll writes all of p to fd.
func writeAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := retry(func() (int, error) { return unix.Write(fd, p) })
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		p = p[n:]
	}
	return nil
}

// lines is a block of whole lines, as long as fits into size.
func lines(size int) []byte {
	p := make([]byte, size/lineSize*lineSize)
	for i := range p {
		p[i] = 'a' + byte(i%26)
		if i%lineSize == lineSize-1 {
			p[i] = '\n'
		}
	}
	return p
}

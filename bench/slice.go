//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/termios"
)

const (
	blockSize = 64 << 10
	lineSize  = 80
	warmUp    = 8 // the part of a slice's time that runs before it unmeasured
)

// slice is one measurement of one contender.
type slice struct {
	contender opener // nil for pairs of this process
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
func (s slice) set(change func(*termios.Termios), j job) (_ *stage, err error) {
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

func changeTermios(pts int, change func(*termios.Termios)) error {
	u, err := unix.IoctlGetTermios(pts, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("get termios: %w", err)
	}
	t := termios.Termios{Iflag: u.Iflag, Oflag: u.Oflag, Cflag: u.Cflag, Lflag: u.Lflag, Cc: u.Cc}
	change(&t)
	u.Iflag, u.Oflag, u.Cflag, u.Lflag, u.Cc = t.Iflag, t.Oflag, t.Cflag, t.Lflag, t.Cc
	if err := unix.IoctlSetTermios(pts, unix.TCSETS, u); err != nil {
		return fmt.Errorf("set termios: %w", err)
	}
	return nil
}

// The termios of the figures, as changes to a fresh pair's.
func raw(t *termios.Termios) {
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cc[termios.VMIN], t.Cc[termios.VTIME] = 1, 0
}

func rawOutputLines(t *termios.Termios) { raw(t); t.Oflag = termios.OPOST | termios.ONLCR }
func rawEcho(t *termios.Termios)        { raw(t); t.Lflag = termios.ECHO }
func canon(t *termios.Termios)          { t.Lflag &^= termios.ECHO }
func canonEcho(t *termios.Termios)      { t.Lflag |= termios.ECHO }

// rate is how much came through a descriptor in which time.
type rate struct {
	bytes int64
	time  time.Duration
}

func (r rate) mbps() float64 { return float64(r.bytes) / 1e6 / r.time.Seconds() }

// descriptor reads and writes with plain system calls.
type descriptor int

func (fd descriptor) Read(p []byte) (int, error) {
	n, err := retry(func() (int, error) { return unix.Read(int(fd), p) })
	if err == nil && n == 0 {
		return 0, io.EOF
	}
	return n, err
}

// Write writes all of p.
func (fd descriptor) Write(p []byte) (int, error) {
	for written := 0; written < len(p); {
		n, err := retry(func() (int, error) { return unix.Write(int(fd), p[written:]) })
		if err != nil {
			return written, err
		}
		written += n
	}
	return len(p), nil
}

// readFor reads from f for warm unmeasured and then for at least d.
func readFor(f io.Reader, size int, warm, d time.Duration) (rate, error) {
	p := make([]byte, size)
	var r rate
	start, measured := time.Now(), false
	for {
		n, err := f.Read(p)
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

// writeUntil writes p to f again and again until an error, such as the close of an
// end, or until enough is set after a write.
func writeUntil(f io.Writer, p []byte, enough *atomic.Bool) error {
	for !enough.Load() {
		if _, err := f.Write(p); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// drain reads what there is until an error, such as the close of the other end.
func drain(f io.Reader) {
	p := make([]byte, blockSize)
	for {
		if _, err := f.Read(p); err != nil {
			return
		}
	}
}

// block is what the raw figures write.
func block() []byte { return bytes.Repeat([]byte{'x'}, blockSize) }

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

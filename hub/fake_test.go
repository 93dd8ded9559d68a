package hub

import (
	"encoding/binary"
	"sync"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// fakeEnd is a ptm whose other side the test holds: say puts output, typed collects input.
type fakeEnd struct {
	queue wait.Queue

	mu      sync.Mutex
	reads   [][]byte // one read each, so that packets keep their edges
	typed   []byte
	room    int // bytes Write still takes; < 0 is no limit
	hungUp  bool
	closed  bool
	termios [36]byte
	winsize [8]byte
	packet  bool
	sized   int // how often the size was set
}

func newFakeEnd() *fakeEnd {
	e := &fakeEnd{room: -1}
	binary.LittleEndian.PutUint32(e.termios[12:], termios.ICANON|termios.ECHO)
	e.termios[17+termios.VEOF] = 4
	return e
}

func (e *fakeEnd) say(s string) {
	e.mu.Lock()
	e.reads = append(e.reads, []byte(s))
	e.mu.Unlock()
	e.queue.Wake(wait.In)
}

// hangUp is the close of the last pts.
func (e *fakeEnd) hangUp() {
	e.mu.Lock()
	e.hungUp = true
	e.mu.Unlock()
	e.queue.Wake(wait.Hup)
}

func (e *fakeEnd) setCanonical(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	lflag := uint32(termios.ECHO)
	if on {
		lflag |= termios.ICANON
	}
	binary.LittleEndian.PutUint32(e.termios[12:], lflag)
}

func (e *fakeEnd) setEcho(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	lflag := uint32(termios.ICANON)
	if on {
		lflag |= termios.ECHO
	}
	binary.LittleEndian.PutUint32(e.termios[12:], lflag)
}

func (e *fakeEnd) resizes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sized
}

// allow lets Write take n more bytes.
func (e *fakeEnd) allow(n int) {
	e.mu.Lock()
	e.room = n
	e.mu.Unlock()
	e.queue.Wake(wait.Out)
}

func (e *fakeEnd) input() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return string(e.typed)
}

func (e *fakeEnd) unread() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.reads)
}

func (e *fakeEnd) Read(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return 0, pts.EBADF
	case len(e.reads) > 0:
		n := copy(p, e.reads[0])
		if e.reads[0] = e.reads[0][n:]; len(e.reads[0]) == 0 {
			e.reads = e.reads[1:]
		}
		return n, nil
	case e.hungUp:
		return 0, pts.EIO
	}
	return 0, pts.EAGAIN
}

func (e *fakeEnd) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return 0, pts.EBADF
	}
	n := len(p)
	if e.room >= 0 {
		if n = min(n, e.room); n == 0 {
			return 0, pts.EAGAIN
		}
		e.room -= n
	}
	e.typed = append(e.typed, p[:n]...)
	return n, nil
}

func (e *fakeEnd) Ioctl(_ pts.Caller, req uint32, arg []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch req {
	case pts.TCGETS:
		copy(arg, e.termios[:])
	case pts.TIOCSWINSZ:
		copy(e.winsize[:], arg)
		e.sized++
	case pts.TIOCGWINSZ:
		copy(arg, e.winsize[:])
	case pts.TIOCPKT:
		e.packet = binary.LittleEndian.Uint32(arg) != 0
	default:
		return 0, pts.ENOTTY
	}
	return 0, nil
}

func (e *fakeEnd) Poll() wait.Events {
	e.mu.Lock()
	defer e.mu.Unlock()
	var ev wait.Events
	if len(e.reads) > 0 {
		ev |= wait.In
	}
	if e.room != 0 {
		ev |= wait.Out
	}
	if e.hungUp {
		ev |= wait.Hup
	}
	return ev
}

func (e *fakeEnd) Notify(mask wait.Events, f func(wait.Events)) (stop func()) {
	return e.queue.Notify(mask, f)
}

func (e *fakeEnd) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return pts.EBADF
	}
	e.closed = true
	return nil
}

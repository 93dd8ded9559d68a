package hub

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/screen"
	"github.com/ptsns/ptsns/wait"
)

// forWriters is what tells writers, and nobody else, that they may go on.
const forWriters = wait.Out | wait.WrNorm

// Terminal is one open terminal. It implements pts.End for the door through which a
// tapped one was opened.
type Terminal struct {
	hub     *Hub      // immutable
	end     pts.End   // immutable
	index   int       // immutable
	serial  uint64    // immutable
	owned   bool      // immutable: the hub reads it
	created time.Time // immutable

	in, out        atomic.Uint64
	dropped        atomic.Uint64          // what the opener typed while sole had the input
	sole           atomic.Pointer[Viewer] // took the input for itself; nil when nobody did. Set with mu held
	room           wait.Queue             // tells the opener that a write waits for nothing now
	watching       atomic.Int32           // viewers
	inputRecorders atomic.Int32           // recorders that want input
	done           chan struct{}          // closed when the terminal has ended

	fitting  sync.Mutex // held while the size is asked for or set; before mu
	painting sync.Mutex // held while the screen is used; before fitting and mu

	screen  *screen.Screen // guarded by painting; nil until somebody wants to see it
	title   string         // guarded by painting; what it was when last asked for
	painted []painted      // guarded by painting; a moment ago, while many look on
	fed     uint64         // how much output the screen has taken; changes with painting and mu held

	mu         sync.Mutex
	plain      uint64                // guarded by mu, like all below: output before it, that the screen has not taken, is plain
	broken     uint64                // from here on, up to plain, it is printable ASCII alone
	log        outputLog             //
	asleep     []sleeper             // wait for output, or for the end
	viewers    map[*Viewer]struct{}  //
	lost       uint64                // bytes that viewers missed
	recorders  map[Recorder]struct{} //
	typing     int                   // writes that recorders have not been given yet
	sizing     Sizing                //
	rows, cols uint16                // the size as far as we know
	resizes    uint64                // how often it changed
	sizes      []sizeMark            // the sizes that the screen has not had yet
	packet     bool                  // reads begin with a packet mode status
	ended      bool                  //
	exit       *int                  // the program's, when it has ended
	opener     Opener                //
	owner      *Viewer               // nil when nobody's pace counts
	pump       pump                  // only for owned terminals
	input      endOfInput            // only for owned terminals
}

func newTerminal(h *Hub, end pts.End, index int, opener Opener) *Terminal {
	t := &Terminal{hub: h, end: end, index: index, serial: h.opened.Add(1), opener: opener, created: time.Now(), sizing: SizeLatest,
		done: make(chan struct{}), viewers: make(map[*Viewer]struct{})}
	t.log.max = h.logBytes
	t.rows, t.cols = t.Size()
	return t
}

// Index is the terminal's number in its instance.
func (t *Terminal) Index() int { return t.index }

// Serial is the terminal's number in its hub, from 1 on, which no other ever has: an index is
// used again.
func (t *Terminal) Serial() uint64 { return t.serial }

// Opener is the process that opened the terminal, as it was then.
func (t *Terminal) Opener() Opener {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opener
}

// SetOpener tells more about the opener than Tap knew.
func (t *Terminal) SetOpener(o Opener) {
	t.mu.Lock()
	t.opener = o
	t.mu.Unlock()
}

// Owned tells whether ptsns opened the terminal.
func (t *Terminal) Owned() bool { return t.owned }

// Created is when the terminal was opened.
func (t *Terminal) Created() time.Time { return t.created }

// Done is closed when the terminal has ended.
func (t *Terminal) Done() <-chan struct{} { return t.done }

// Counts tells what has passed through so far.
func (t *Terminal) Counts() Counts {
	t.mu.Lock()
	n, lost := len(t.viewers), t.lost
	t.mu.Unlock()
	return Counts{In: t.in.Load(), Out: t.out.Load(), Lost: lost, Dropped: t.dropped.Load(), Viewers: n}
}

// Read is the opener's: what it gets, the viewers see.
func (t *Terminal) Read(p []byte) (int, error) {
	n, err := t.end.Read(p)
	t.noteRead(p[:max(n, 0)])
	return n, err
}

// noteRead is told what the opener has read.
func (t *Terminal) noteRead(p []byte) {
	if len(p) == 0 {
		return
	}
	t.out.Add(uint64(len(p)))
	t.mu.Lock()
	t.show(p)
	t.mu.Unlock()
}

// Write is the opener's: input, unless a viewer has that for itself. Then it is taken and
// dropped, at once also where there is no room, so that the opener neither hangs nor types
// it later.
func (t *Terminal) Write(p []byte) (int, error) {
	if t.drops() {
		t.dropped.Add(uint64(len(p)))
		return len(p), nil
	}
	return t.put(p)
}

// drops tells whether what the opener writes is dropped.
func (t *Terminal) drops() bool { return t.sole.Load() != nil && !t.over() }

// put writes input of whoever may type, as far as there is room.
func (t *Terminal) put(p []byte) (int, error) {
	note := t.beginWrite()
	n, err := t.end.Write(p)
	t.noteWrite(p[:max(n, 0)], note)
	return n, err
}

// noteWrite is told what was taken of a write, and what beginWrite said before it.
func (t *Terminal) noteWrite(taken []byte, note func(taken []byte)) {
	t.in.Add(uint64(len(taken)))
	if note != nil {
		note(taken)
	}
}

// Ioctl passes the opener's request on, and learns from it whether reads are packets, and
// the size. None of them is input: what TIOCSTI puts into a ptm is read from it again.
func (t *Terminal) Ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	n, err := t.end.Ioctl(c, req, arg)
	if err == nil && req == pts.TIOCPKT {
		t.mu.Lock()
		t.packet = binary.LittleEndian.Uint32(arg) != 0
		t.mu.Unlock()
	}
	if err == nil && req == pts.TIOCSWINSZ {
		t.noteSize()
	}
	return n, err
}

// Poll tells the opener's readiness now.
func (t *Terminal) Poll() wait.Events {
	if t.sole.Load() != nil {
		return t.end.Poll() | forWriters // Write takes everything
	}
	return t.end.Poll()
}

// Notify calls f whenever the opener's readiness may have changed. On the goroutine of who
// takes the input for itself it is told forWriters, and nothing else.
func (t *Terminal) Notify(mask wait.Events, f func(wait.Events)) (stop func()) {
	stopEnd, stopRoom := t.end.Notify(mask, f), t.room.Notify(mask, f)
	return func() {
		stopEnd()
		stopRoom()
	}
}

// over tells whether the terminal has ended.
func (t *Terminal) over() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// Close ends the terminal: its ptm is closed and its viewers get the end after what
// they have not read yet.
func (t *Terminal) Close() error {
	t.mu.Lock()
	if t.ended {
		t.mu.Unlock()
		return pts.EBADF
	}
	t.ended = true
	t.pump.stopLocked()
	if t.typing == 0 {
		t.endRecordsLocked()
	}
	t.wakeLocked()
	t.mu.Unlock()
	err := t.end.Close()
	t.hub.remove(t)
	close(t.done)
	t.hub.events.Add(EventEnded, t.index, "")
	t.hub.o.Ended()
	return err
}

// Foreground is the foreground process group in our pid namespace, 0 when there is none.
func (t *Terminal) Foreground() int {
	var b [4]byte
	if _, err := t.end.Ioctl(nil, pts.TIOCGPGRP, b[:]); err != nil {
		return 0
	}
	return int(int32(binary.LittleEndian.Uint32(b[:])))
}

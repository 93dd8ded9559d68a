package hub

import (
	"sync"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/wait"
)

const (
	pumpRead = 64 << 10 // bytes a pump asks for at once
	// pumpTurns is how many reads a notification makes before it leaves the rest to a
	// goroutine, so that one busy terminal does not keep the others waiting.
	pumpTurns = 2
	// quiet is how long an ended program's terminal may go without output while some
	// other process holds it open, before it is closed under that process.
	quiet = 100 * time.Millisecond
)

var pumpBuffers = sync.Pool{New: func() any { b := make([]byte, pumpRead); return &b }}

// pump reads an owned terminal whenever there is something and hands it to the
// viewers. At most one goroutine does so at a time.
type pump struct {
	stop      func()      // ends the notification
	running   bool        // somebody is in the pump's loop
	again     bool        // there was a notification meanwhile
	held      bool        // waits for the owner to read
	finishing bool        // the program has ended; close when the output is out
	timer     *time.Timer // while finishing and quiet
	seen      uint64      // bytes out when the timer was set
}

func (p *pump) stopLocked() {
	if p.stop != nil {
		p.stop()
	}
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (t *Terminal) startPump() {
	stop := t.end.Notify(wait.In|wait.Hup|wait.Err, func(wait.Events) { t.runPump(pumpTurns) })
	t.mu.Lock()
	t.pump.stop = stop
	t.mu.Unlock()
	t.runPump(pumpTurns)
}

// runPump reads until there is nothing left, the owner has enough, or turns are used
// up and a goroutine goes on; turns < 0 is without end.
func (t *Terminal) runPump(turns int) {
	t.mu.Lock()
	if t.pump.running || t.ended {
		t.pump.again = true
		t.mu.Unlock()
		return
	}
	t.pump.running = true
	t.mu.Unlock()

	buf := pumpBuffers.Get().(*[]byte)
	defer pumpBuffers.Put(buf)
	for {
		if turns == 0 {
			t.mu.Lock()
			t.pump.running = false
			t.mu.Unlock()
			go t.runPump(-1)
			return
		}
		turns--
		more, end := t.pumpOnce(*buf)
		if end {
			_ = t.Close() // already ended is as well
			return
		}
		if !more {
			return
		}
	}
}

// pumpOnce makes one read. It tells whether to go on, and whether the terminal is to
// be closed; when neither, the pump no longer runs.
func (t *Terminal) pumpOnce(buf []byte) (more, end bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pump.again = false
	if t.owner != nil && t.owner.fullLocked() {
		t.pump.held, t.pump.running = true, false
		return false, false
	}
	t.pump.held = false
	t.mu.Unlock()
	n, err := t.end.Read(buf[:min(len(buf), t.log.max/4)])
	t.mu.Lock()
	if n > 0 {
		t.out.Add(uint64(n))
		t.show(buf[:n])
		t.input.outputLocked(t)
		return true, false
	}
	if t.pump.again {
		return true, false
	}
	t.pump.running = false
	if t.ended {
		return false, false
	}
	if t.pump.finishing {
		if !pts.IsAgain(err) {
			return false, true
		}
		t.awaitQuietLocked()
	}
	return false, false
}

// release goes on reading after the owner has read, or left.
func (t *Terminal) release() {
	t.mu.Lock()
	held := t.pump.held
	t.pump.held = false
	t.mu.Unlock()
	if held {
		t.runPump(pumpTurns)
	}
}

// Finish says that the program of an owned terminal has ended: the terminal is closed
// once its output is read. What other processes, which still hold it open, write is
// waited for until they are quiet.
func (t *Terminal) Finish() {
	t.mu.Lock()
	t.pump.finishing = true
	t.mu.Unlock()
	t.runPump(pumpTurns)
}

func (t *Terminal) awaitQuietLocked() {
	if t.pump.timer != nil {
		return
	}
	t.pump.seen = t.out.Load()
	t.pump.timer = time.AfterFunc(quiet, func() {
		t.mu.Lock()
		t.pump.timer = nil
		over := !t.ended && t.out.Load() == t.pump.seen && !t.pump.held && !t.pump.running
		if !over && !t.ended {
			t.awaitQuietLocked()
		}
		t.mu.Unlock()
		if over {
			_ = t.Close() // already ended is as well
		}
	})
}

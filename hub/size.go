package hub

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// Sizing says which viewers' windows decide the size of a terminal that ptsns opened.
// Those who may only read never do.
type Sizing string

const (
	SizeLatest   Sizing = "latest"   // of who last joined, resized or typed
	SizeLargest  Sizing = "largest"  // the most rows and the most columns that any has
	SizeSmallest Sizing = "smallest" // the least, so that everybody sees all
	SizeFixed    Sizing = "fixed"    // none: it stays as it was opened
)

// ParseSizing reads one of the words above; "" is SizeLatest.
func ParseSizing(s string) (Sizing, error) {
	switch z := Sizing(s); z {
	case "":
		return SizeLatest, nil
	case SizeLatest, SizeLargest, SizeSmallest, SizeFixed:
		return z, nil
	}
	return "", fmt.Errorf("size %q: want latest, largest, smallest or fixed", s)
}

// SetSizing says which windows count from now on.
func (t *Terminal) SetSizing(s Sizing) {
	t.fit(func() { t.sizing = s })
}

// fit gives an owned terminal the size that its viewers' windows ask for, if it has
// another, after change, which is called with mu held. A viewer's window and the size
// that follows it change in one step: else the one would look like of another size.
func (t *Terminal) fit(change func()) {
	t.fitting.Lock() // so that the last to decide is the last to set it
	defer t.fitting.Unlock()
	t.mu.Lock()
	if change != nil {
		change()
	}
	rows, cols := t.wantedLocked()
	due := rows != 0 && cols != 0 && (rows != t.rows || cols != t.cols) && !t.ended
	if due {
		t.noteSizeLocked(rows, cols)
	}
	t.mu.Unlock()
	if due {
		t.setSize(rows, cols)
	}
}

// wantedLocked is the size that the terminal should have, 0, 0 when there is no reason
// for any.
func (t *Terminal) wantedLocked() (rows, cols uint16) {
	if !t.owned || t.sizing == SizeFixed {
		return 0, 0
	}
	var latest uint64
	for v := range t.viewers {
		if v.readOnly || v.rows == 0 || v.cols == 0 {
			continue
		}
		switch {
		case t.sizing == SizeLargest:
			rows, cols = max(rows, v.rows), max(cols, v.cols)
		case t.sizing == SizeSmallest && rows != 0:
			rows, cols = min(rows, v.rows), min(cols, v.cols)
		case t.sizing == SizeSmallest || v.active >= latest:
			rows, cols, latest = v.rows, v.cols, v.active
		}
	}
	return rows, cols
}

// SetSize gives the terminal a size, which then is fixed for one that ptsns opened. The
// foreground group learns of a change by SIGWINCH.
func (t *Terminal) SetSize(rows, cols uint16) {
	t.fitting.Lock()
	defer t.fitting.Unlock()
	t.mu.Lock()
	t.sizing = SizeFixed
	t.noteSizeLocked(rows, cols)
	t.mu.Unlock()
	t.setSize(rows, cols)
}

// Size asks for the window size, 0, 0 when it cannot be told.
func (t *Terminal) Size() (rows, cols uint16) {
	rows, cols, _ = t.askSize() // 0, 0 then
	return rows, cols
}

func (t *Terminal) askSize() (rows, cols uint16, err error) {
	var b [8]byte
	if _, err := t.end.Ioctl(nil, pts.TIOCGWINSZ, b[:]); err != nil {
		return 0, 0, err
	}
	return binary.LittleEndian.Uint16(b[:]), binary.LittleEndian.Uint16(b[2:]), nil
}

func (t *Terminal) setSize(rows, cols uint16) {
	var b [8]byte
	binary.LittleEndian.PutUint16(b[:], rows)
	binary.LittleEndian.PutUint16(b[2:], cols)
	_, _ = t.end.Ioctl(nil, pts.TIOCSWINSZ, b[:]) // fails only once the terminal has ended
}

// sizeMark says that the terminal had another size from some output on.
type sizeMark struct {
	at         uint64
	rows, cols uint16
}

// effective is the size that programs take a terminal to have.
func effective(rows, cols uint16) (uint16, uint16) {
	if rows == 0 || cols == 0 {
		return 24, 80
	}
	return rows, cols
}

// sizeLocked is the size of the terminal as far as we know, never 0.
func (t *Terminal) sizeLocked() (rows, cols uint16) { return effective(t.rows, t.cols) }

// noteSize finds out whether a program inside changed the size.
func (t *Terminal) noteSize() {
	t.fitting.Lock()
	defer t.fitting.Unlock()
	rows, cols, err := t.askSize()
	if err != nil {
		return // it has ended: the size stays
	}
	t.mu.Lock()
	t.noteSizeLocked(rows, cols)
	t.mu.Unlock()
}

// noteSizeLocked notes the terminal's size from now on.
func (t *Terminal) noteSizeLocked(rows, cols uint16) {
	if t.rows == rows && t.cols == cols {
		return
	}
	if len(t.sizes) == 0 && t.screen == nil && t.log.end > 0 {
		t.sizes = append(t.sizes, sizeMark{0, t.rows, t.cols})
	}
	t.rows, t.cols = rows, cols
	t.resizes++
	if n := len(t.sizes); n > 0 && t.sizes[n-1].at == t.log.end {
		t.sizes = t.sizes[:n-1]
	} else if n >= sizesKept {
		t.sizes = append(t.sizes[:0], t.sizes[1:]...)
	}
	t.sizes = append(t.sizes, sizeMark{t.log.end, rows, cols})
	if len(t.recorders) > 0 {
		now := time.Now()
		for r := range t.recorders {
			r.Resize(now, int(rows), int(cols))
		}
	}
	t.wakeLocked()
}

// sizesKept is how many changes of size are remembered for output that the screen has
// not taken. A program that changes it more often gets some of it wrong.
const sizesKept = 64

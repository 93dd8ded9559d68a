package hub

import (
	"context"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

// endOfInput is the end of a non-terminal's input on an owned terminal, where an end of
// file is a character that somebody types.
type endOfInput struct {
	partial bool // the last byte typed did not end a line
	retry   bool // VEOF was typed for canonical input, and the program may leave that
}

// noteInput remembers whether what was typed ends a line.
func (t *Terminal) noteInput(p []byte) {
	if len(p) == 0 {
		return
	}
	t.mu.Lock()
	t.input.partial = p[len(p)-1] != '\n'
	t.mu.Unlock()
}

// EndInput types the end of file, as the terminal's settings have it: VEOF, twice after
// an unfinished line, whose first one only ends the line. A program that leaves
// canonical mode turns a VEOF it has not read yet into a NUL byte; it gets another one
// when it has, so that a shell with line editing ends as well. It does not wait.
func (v *Viewer) EndInput() {
	if v.readOnly || !v.t.owned {
		return
	}
	t := v.t
	canonical, veof, ok := t.inputMode()
	if !ok || veof == 0 {
		return
	}
	keys := []byte{veof}
	t.mu.Lock()
	if canonical && t.input.partial {
		keys = append(keys, veof)
	}
	t.input.retry = canonical
	t.mu.Unlock()
	go func() {
		_ = t.typeAll(context.Background(), keys) // only fails when the terminal has ended
	}()
}

// outputLocked is told of each output of an owned terminal: a program that has left
// canonical mode, and then shows a prompt, has lost the VEOF.
func (e *endOfInput) outputLocked(t *Terminal) {
	if !e.retry {
		return
	}
	canonical, veof, ok := t.inputMode()
	if !ok || canonical {
		return
	}
	e.retry = false
	go func() {
		_ = t.typeAll(context.Background(), []byte{veof}) // only fails when the terminal has ended
	}()
}

// inputMode reads ICANON and VEOF from the terminal's settings.
func (t *Terminal) inputMode() (canonical bool, veof byte, ok bool) {
	const lflagOffset, ccOffset = 12, 17
	var b [36]byte
	if _, err := t.end.Ioctl(nil, pts.TCGETS, b[:]); err != nil {
		return false, 0, false
	}
	lflag := binary.LittleEndian.Uint32(b[lflagOffset:])
	return lflag&unix.ICANON != 0, b[ccOffset+unix.VEOF], true
}

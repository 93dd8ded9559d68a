package hub

import (
	"context"

	"github.com/ptsns/ptsns/termios"
)

// maxRetypes bounds how often VEOF is typed again, for a program that reads it as
// something else.
const maxRetypes = 8

// endOfInput is the end of a non-terminal's input on an owned terminal, where an end of
// file is a character that somebody types.
type endOfInput struct {
	partial bool    // the last byte typed did not end a line
	typing  bool    // VEOF is being typed
	retypes int     // how often it may be typed again
	by      *Viewer // whose input ended; while another has the input for itself it is not
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
// an unfinished line, whose first one only ends the line. It does not wait. Who may not
// type ends nothing.
//
// A program that leaves canonical mode turns a VEOF that it has not read into a NUL byte,
// and which mode a byte meets is not known when it is typed: the kernel processes it a
// moment later. So a program that is not in canonical mode gets another VEOF each time it
// shows something, a prompt say, for a while.
func (v *Viewer) EndInput() {
	if !v.t.owned || v.mayType() != nil {
		return
	}
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	v.t.input.retypes, v.t.input.by = maxRetypes, v
	v.t.input.typeLocked(v.t)
}

// outputLocked is told of each output of an owned terminal.
func (e *endOfInput) outputLocked(t *Terminal) {
	if e.retypes == 0 || e.typing || t.taken(e.by) {
		return
	}
	if canonical, _, ok := t.inputMode(); ok && !canonical {
		e.retypes--
		e.typeLocked(t)
	}
}

func (e *endOfInput) typeLocked(t *Terminal) {
	if e.typing {
		return
	}
	e.typing = true
	go t.typeEOF(e.partial)
}

func (t *Terminal) typeEOF(partial bool) {
	seen := t.out.Load()
	canonical, veof, ok := t.inputMode()
	if ok && veof != 0 {
		keys := []byte{veof}
		if canonical && partial {
			keys = append(keys, veof)
		}
		_, _ = t.typeAll(context.Background(), keys, nil) // only fails when the terminal has ended
	}
	t.mu.Lock()
	t.input.typing, t.input.partial = false, false
	if t.out.Load() != seen {
		t.input.outputLocked(t) // the prompt came meanwhile
	}
	t.mu.Unlock()
}

// inputMode reads ICANON and VEOF from the terminal's settings.
func (t *Terminal) inputMode() (canonical bool, veof byte, ok bool) {
	lflag, cc, err := t.settings()
	return lflag&termios.ICANON != 0, cc[termios.VEOF], err == nil
}

package main

import "bytes"

// alternate follows whether output has left a terminal on its alternate screen. Leaving that
// brings a cursor back, in some terminals also where they were not on it: so only who is
// there may. The zero value is on the main screen.
type alternate struct {
	on bool

	at     place
	number int  // of the mode that is being read
	named  bool // one of the modes was this screen
}

// place is where in a sequence an alternate is.
type place int

const (
	inText place = iota
	inEscape
	inSequence
	inModes // CSI ? ...
)

// note takes a piece of output, which may begin and end anywhere.
func (a *alternate) note(p []byte) {
	for len(p) > 0 {
		if a.at == inText {
			i := bytes.IndexByte(p, 0x1b)
			if i < 0 {
				return
			}
			p = p[i:]
		}
		a.take(p[0])
		p = p[1:]
	}
}

func (a *alternate) take(c byte) {
	switch {
	case c == 0x1b:
		a.at = inEscape
	case a.at == inEscape && c == '[':
		a.at = inSequence
	case a.at == inEscape && c == 'c': // RIS
		a.on, a.at = false, inText
	case a.at == inSequence && c == '?':
		a.at, a.number, a.named = inModes, 0, false
	case a.at == inModes && '0' <= c && c <= '9':
		a.number = min(a.number*10+int(c-'0'), 9999)
	case a.at == inModes && (c == ';' || c == 'h' || c == 'l'):
		a.named = a.named || a.number == 47 || a.number == 1047 || a.number == 1049
		if a.number = 0; c == ';' {
			return
		}
		if a.named {
			a.on = c == 'h'
		}
		a.at = inText
	default:
		a.at = inText
	}
}

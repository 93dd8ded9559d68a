package termios

import "encoding/binary"

// Form is one of the structures in which settings cross an ioctl.
type Form uint8

const (
	Struct  Form = iota // struct termios: TCGETS, TCSETS, TIOCGLCKTRMIOS
	Struct2             // struct termios2, which has speeds: TCGETS2, TCSETS2
	Termio              // struct termio of System V: TCGETA, TCSETA
)

// forms are the layouts: four flag words, the line, the characters, and where there
// are any the two speeds.
var forms = [...]struct {
	size   int // bytes, with what pads the end
	word   int // bytes of a flag word
	cc     int // characters
	speeds bool
}{
	Struct:  {size: 36, word: 4, cc: NCCS},
	Struct2: {size: 44, word: 4, cc: NCCS, speeds: true},
	Termio:  {size: 18, word: 2, cc: 8},
}

// WinsizeSize is the size of struct winsize in bytes.
const WinsizeSize = 8

// Size is the size of the structure in bytes.
func (f Form) Size() int { return forms[f].size }

// Put writes t to b, in this machine's byte order, and tells how many bytes that
// took: 0, and nothing is written, when b is shorter than the structure.
func (f Form) Put(b []byte, t *Termios) int {
	l := &forms[f]
	if len(b) < l.size {
		return 0
	}
	b = b[:l.size]
	clear(b[l.size-2:]) // a structure may end with padding
	at := 0
	for _, flag := range [...]uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		if l.word == 2 {
			binary.NativeEndian.PutUint16(b[at:], uint16(flag))
		} else {
			binary.NativeEndian.PutUint32(b[at:], flag)
		}
		at += l.word
	}
	b[at] = t.Line
	at += 1 + copy(b[at+1:], t.Cc[:l.cc])
	if l.speeds {
		binary.NativeEndian.PutUint32(b[at:], t.Ispeed)
		binary.NativeEndian.PutUint32(b[at+4:], t.Ospeed)
	}
	return l.size
}

// Take reads t from b, as an ioctl that sets does: what the structure does not
// carry, such as the upper half of a flag word of Termio, stays as it is in t, and
// Change makes of that what a terminal has then. It reports false, and t is as it
// was, when b is shorter than the structure.
func (f Form) Take(b []byte, t *Termios) bool {
	l := &forms[f]
	if len(b) < l.size {
		return false
	}
	at := 0
	for _, flag := range [...]*uint32{&t.Iflag, &t.Oflag, &t.Cflag, &t.Lflag} {
		if l.word == 2 {
			*flag = *flag&^0xffff | uint32(binary.NativeEndian.Uint16(b[at:]))
		} else {
			*flag = binary.NativeEndian.Uint32(b[at:])
		}
		at += l.word
	}
	t.Line = b[at]
	at += 1 + copy(t.Cc[:l.cc], b[at+1:])
	if l.speeds {
		t.Ispeed = binary.NativeEndian.Uint32(b[at:])
		t.Ospeed = binary.NativeEndian.Uint32(b[at+4:])
	}
	return true
}

// Put writes w to b, in this machine's byte order, and tells how many bytes that
// took: 0 when b is shorter than WinsizeSize.
func (w Winsize) Put(b []byte) int {
	if len(b) < WinsizeSize {
		return 0
	}
	for i, v := range [...]uint16{w.Row, w.Col, w.Xpixel, w.Ypixel} {
		binary.NativeEndian.PutUint16(b[2*i:], v)
	}
	return WinsizeSize
}

// Take reads w from b. It reports false, and w is as it was, when b is shorter than
// WinsizeSize.
func (w *Winsize) Take(b []byte) bool {
	if len(b) < WinsizeSize {
		return false
	}
	for i, v := range [...]*uint16{&w.Row, &w.Col, &w.Xpixel, &w.Ypixel} {
		*v = binary.NativeEndian.Uint16(b[2*i:])
	}
	return true
}

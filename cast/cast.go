// Package cast writes, reads and verifies recordings of terminals in the asciicast
// formats v3 and v2 (https://docs.asciinema.org/manual/asciicast/v3/), which the
// asciinema player shows. It is no recorder: whoever has the output gives it to a
// Writer. It is no terminal emulator either: Filter makes a recording harmless to the
// terminal that shows it, and that terminal does the rest.
//
// A recorder is a queue and a goroutine that empties it into a Writer; one that has bounds, and
// costs nothing while a terminal is idle, is package recorder:
//
//	w, err := cast.Create(path, cast.Header{Rows: 24, Cols: 80, Term: "xterm-256color", Start: time.Now()}, cast.Options{})
//	...
//	for {
//		select {
//		case p, ok := <-output:
//			if !ok {
//				w.Exit(time.Now(), status)
//				return w.Close()
//			}
//			w.Output(p.at, p.bytes)
//		case <-second.C:
//			if err := w.Flush(); err != nil {
//				report(err) // once; the Writer takes and drops what comes
//			}
//		}
//	}
//
// # The chain
//
// Unless Options.NoChain is set, each line L of a recording is followed by a link. The
// head of the chain is a SHA-256, at first that of "ptsns asciicast chain 1\n"; after
// each line it is that of the 32 bytes of the head before and of the line, with its
// newline. A link holds the first half of it, in base64; the seal at the end holds
// all of it, in hexadecimal. Links and seal are no part of what is hashed, and their
// every byte is known beforehand. In v3 they are comments:
//
//	#=HQvFrdEyJ8C8kUr7fV+bEg
//	#=end 1d0bc5add13227c0bc914afb7d5f9b12...
//
// v2 has no comments, and players refuse a line that is not an array of three. There
// they are events of the code "#", at the time of the line before; players leave out
// codes that they do not know:
//
//	[1.5, "#", "=HQvFrdEyJ8C8kUr7fV+bEg"]
//
// What this shows: that a line was changed, taken out, put in or moved, and which one;
// that the end was cut off. What it does not show: the work of somebody who computes
// the chain anew from the line they changed on. There is no key, and a key would lie
// on the machine whose recordings it vouches for. Against that, keep the Writer's Head
// elsewhere, at the end or now and then: Verify tells whether the recording still
// comes by it. A recording without its seal is one whose recorder died, or was cut
// there: nobody can tell which.
//
// There are no locks in this package, but for that of a pool of buffers, and no
// goroutines. Nothing here blocks but on the files that it is given.
package cast

import (
	"errors"
	"time"
)

// Version is a generation of the asciicast format.
type Version int

// The versions that are read and written.
const (
	V2 Version = 2
	V3 Version = 3
)

// Header is what a recording says of itself. All but the size may be missing.
type Header struct {
	Version    Version // set by the Reader; the Writer's comes from its Options
	Rows, Cols int     // a terminal without a size (0) is recorded as 24 by 80
	Term       string  // the terminal's type, as in TERM
	// Start is the time 0 of the events; in the file it is cut to the second. When it
	// is zero the first event's time is 0, and the file does not tell when that was.
	Start     time.Time
	IdleLimit time.Duration // how long players should wait for an event at most; 0: as long as it took
	Command   string        // what was run
	Title     string
	Env       map[string]string
}

// Code is the kind of an event.
type Code byte

// The codes of asciicast; others are not read.
const (
	Output Code = 'o' // the terminal's output
	Input  Code = 'i' // what was typed
	Resize Code = 'r' // "COLSxROWS"
	Marker Code = 'm' // a name for this place, or ""
	Exit   Code = 'x' // the program's exit status, a number (v3; in v2, which does not name it, players leave it out)
)

// codeChain is the code of the chain's lines in v2. It is nobody else's.
const codeChain = '#'

var (
	// ErrFull means that a recording has reached its greatest size. It is sealed.
	ErrFull = errors.New("the recording has reached its size limit")
	// ErrFormat is what is no recording, or not one that this package reads.
	ErrFormat = errors.New("not an asciicast v2 or v3 recording")
	// ErrTooLong means that a line is longer than any that is read, 1 MiB.
	ErrTooLong = errors.New("line longer than 1 MiB")
	// ErrChanged means that a line is not the one that was written.
	ErrChanged = errors.New("changed")
	// ErrUnsealed means that a recording ends without its seal.
	ErrUnsealed = errors.New("ends without its seal")
	// ErrNoChain means that there is no chain to verify.
	ErrNoChain = errors.New("carries no chain")
	// ErrOtherHead means that a recording does not come by the head that was kept.
	ErrOtherHead = errors.New("does not come by the head that was kept: it was made anew, or is another one")
)

// maxLine is the longest line that is read or written, with its newline.
const maxLine = 1 << 20

// maxData is how many bytes of output or input one event has at most. Escaped they
// are six times as many, far from maxLine.
const maxData = 32 << 10

// maxTime is the greatest time of an event. Sums and products of such times and of
// speeds stay in a time.Duration.
const maxTime = 50 * 365 * 24 * time.Hour

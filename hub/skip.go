package hub

import (
	"bytes"
	"unicode/utf8"

	"github.com/ptsns/ptsns/screen"
)

// longLine is how far the end of a line is looked for, in bytes.
const longLine = 16 << 10

// skipLocked has the oldest quarter of the log pass the screen by, if nothing can be seen
// of it any more: it and all after it is plain, and what comes after it fills the screen.
// A program that prints at full speed costs no more than that look at its output.
// painting and mu are held.
func (t *Terminal) skipLocked() bool {
	t.readyScreenLocked()
	if len(t.sizes) > 0 || !t.screen.Skippable() || !t.plainLocked() {
		return false
	}
	to, ok := t.lineAfterLocked(t.fed + uint64(t.log.max/4))
	switch {
	case ok && t.enoughLocked(to, "\r\n"):
		t.screen.Skip()
	case ok && t.enoughLocked(to, "\n"):
		ok = t.screen.SkipLines(t.piecesLocked(t.fed, to)...)
	default:
		if to, ok = t.wrapAfterLocked(uint64(t.log.max / 4)); ok {
			t.screen.Skip()
		}
	}
	if ok {
		t.fed = to
	}
	return ok
}

// piecesLocked is the output between two places.
func (t *Terminal) piecesLocked(from, to uint64) (pieces [][]byte) {
	for from < to {
		p := t.log.piece(from)
		p = p[:min(uint64(len(p)), to-from)]
		pieces = append(pieces, p)
		from += uint64(len(p))
	}
	return pieces
}

// enoughLocked tells whether the lines from at on, which end so, are enough.
func (t *Terminal) enoughLocked(at uint64, end string) bool {
	for lines := 0; at < t.log.end; {
		p := t.log.piece(at)
		p = p[:min(len(p), feedPiece)]
		if lines += bytes.Count(p, []byte(end)); t.screen.Enough(lines) {
			return true
		}
		at += uint64(len(p))
	}
	return false
}

// wrapAfterLocked finds a line that begins, since the one before was full, after n bytes
// of output that has no line feeds.
func (t *Terminal) wrapAfterLocked(n uint64) (uint64, bool) {
	first, ok := t.screen.ToWrap()
	rows, cols := t.screen.Size()
	to := t.fed + n + uint64(cols) - n%uint64(cols) + uint64(first)
	enough := to + uint64(2*rows*cols)
	if !ok || enough > t.log.end {
		return 0, false
	}
	if t.broken > t.fed {
		return 0, false
	}
	return to, true
}

// plainLocked tells whether all output that the screen has not taken is plain. Each byte
// is looked at once, or twice where lines end.
func (t *Terminal) plainLocked() bool {
	for t.plain = max(t.plain, t.fed); t.plain < t.log.end; {
		p := t.log.piece(t.plain)
		p = p[:min(len(p), feedPiece)]
		if screen.Unbroken(p) {
			t.plain += uint64(len(p))
			continue
		}
		n := screen.Plain(p)
		t.plain += uint64(n)
		t.broken = t.plain
		if n == len(p) {
			continue
		}
		var c [utf8.UTFMax]byte // a character over the edge of the piece, perhaps
		k := t.log.copy(c[:], t.plain)
		n = screen.Plain(c[:k])
		t.plain += uint64(n)
		t.broken = t.plain
		if n == 0 {
			return !utf8.FullRune(c[:k]) // its end is still to come
		}
	}
	return true
}

// lineAfterLocked finds the first line that begins after at. A line that does not end
// soon is taken for one that does not end.
func (t *Terminal) lineAfterLocked(at uint64) (uint64, bool) {
	for end := min(at+longLine, t.log.end); at < end; {
		p := t.log.piece(at)
		p = p[:min(uint64(len(p)), end-at)]
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			return at + uint64(i) + 1, true
		}
		at += uint64(len(p))
	}
	return 0, false
}

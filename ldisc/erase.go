package ldisc

import tm "github.com/ptsns/ptsns/termios"

// erase acts on VERASE, VWERASE or VKILL: it takes characters off the line that is
// being typed, never off a complete one, and echoes what makes them vanish.
func (d *NTTY) erase(key byte) {
	if d.head == d.canon {
		return
	}
	d.secret = d.secret || d.hidden()
	one := key == d.t.Cc[tm.VERASE]
	words := !one && key == d.t.Cc[tm.VWERASE]
	if !one && !words && d.killAtOnce() {
		return
	}
	inWord := false
	for d.head&mask != d.canon&mask {
		// The character, which may have several bytes.
		at := d.head
		var c byte
		for {
			at--
			c = d.in.b[at&mask]
			if !d.continuation(c) || at&mask == d.canon&mask {
				break
			}
		}
		if d.continuation(c) {
			break // its first byte is missing: it stays
		}
		if words {
			if word(c) {
				inWord = true
			} else if inWord {
				break
			}
		}
		size := d.head - at
		d.head = at
		if d.lflag(tm.ECHO) {
			d.echoErased(c, size, one)
		}
		if one {
			break
		}
	}
	if d.head == d.canon && d.lflag(tm.ECHO) {
		d.finishErasing()
	}
}

// killAtOnce drops the line in one go, unless its characters must be seen to go.
func (d *NTTY) killAtOnce() bool {
	const visibly = tm.ECHO | tm.ECHOK | tm.ECHOKE | tm.ECHOE
	if d.t.Lflag&visibly == visibly {
		return false
	}
	d.head = d.canon
	if d.lflag(tm.ECHO) {
		d.finishErasing()
		d.echoChar(d.t.Cc[tm.VKILL])
		if d.lflag(tm.ECHOK) {
			d.echoRaw('\n')
		}
	}
	return true
}

// echoErased echoes that a character of size bytes, now behind the head, is gone. c
// is its first byte.
func (d *NTTY) echoErased(c byte, size uint32, one bool) {
	switch {
	case d.lflag(tm.ECHOPRT):
		if !d.erasing {
			d.echoRaw('\\')
			d.erasing = true
		}
		d.echoChar(c)
		for i := uint32(1); i < size; i++ {
			d.echoRaw(d.in.b[(d.head+i)&mask])
			d.echoOp(opBack)
		}
	case one && !d.lflag(tm.ECHOE):
		d.echoChar(d.t.Cc[tm.VERASE])
	case c == '\t':
		d.echoTabErased()
	default:
		if control(c) && !d.lflag(tm.ECHOCTL) {
			return
		}
		if control(c) {
			d.echoRubout()
		}
		d.echoRubout()
	}
}

func (d *NTTY) echoRubout() {
	d.echoRaw('\b')
	d.echoRaw(' ')
	d.echoRaw('\b')
}

// echoTabErased counts the columns between the tab and the one before it, or the
// start of the line; how many of the tab's own there were is known when it is echoed.
func (d *NTTY) echoTabErased() {
	columns, afterTab := 0, false
	for at := d.head; at&mask != d.canon&mask; {
		at--
		c := d.in.b[at&mask]
		if c == '\t' {
			afterTab = true
			break
		}
		if control(c) {
			if d.lflag(tm.ECHOCTL) {
				columns += 2
			}
		} else if !d.continuation(c) {
			columns++
		}
	}
	d.echoTab(columns, afterTab)
}

// finishErasing closes what ECHOPRT has opened.
func (d *NTTY) finishErasing() {
	if d.erasing {
		d.echoRaw('/')
		d.erasing = false
	}
}

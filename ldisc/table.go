package ldisc

import (
	"sync/atomic"

	tm "github.com/ptsns/ptsns/termios"
)

// Classes of bytes.
const (
	classMapped uint8 = 1 << iota // means something under these settings
	classSlow                     // goes through one at a time
	classLine                     // a newline that only ends a line
	classHazard                   // takes back or holds the echo of the bytes before it
)

// table is what settings make of each byte. It is immutable.
type table struct {
	key   tableKey
	class [256]uint8
	raw   bool // bytes are stored as they come
	spans bool // ordinary bytes may be handled in spans
	swar  bool // what is slow is below 0x20 or 0x7f
	plain bool // output: at most NL is changed
}

// tableKey is the part of the settings that a table depends on.
type tableKey struct {
	iflag, oflag, lflag uint32
	cc                  [tm.NCCS]uint8
}

// Recent tables: terminals have few different settings, and a program that opens many
// pairs should not make one for each.
var recent [64]atomic.Pointer[table]

func tableFor(t *tm.Termios) *table {
	key := tableKey{t.Iflag, t.Oflag, t.Lflag, t.Cc}
	h := (key.iflag*31+key.oflag)*31 + key.lflag
	for _, c := range key.cc {
		h = h*31 + uint32(c)
	}
	slot := &recent[(h^h>>15)%uint32(len(recent))]
	if tab := slot.Load(); tab != nil && tab.key == key {
		return tab
	}
	tab := newTable(key)
	slot.Store(tab)
	return tab
}

func newTable(key tableKey) *table {
	tab := &table{key: key}
	iflag, lflag := key.iflag, key.lflag
	iexten := lflag&tm.IEXTEN != 0
	// The kernel asks byte by byte only when one of these is set.
	tab.raw = iflag&(tm.ISTRIP|tm.IUCLC|tm.IGNCR|tm.ICRNL|tm.INLCR|tm.IXON|tm.PARMRK) == 0 &&
		lflag&(tm.ICANON|tm.ISIG|tm.ECHO) == 0 ||
		lflag&tm.EXTPROC != 0 && iflag&tm.ISTRIP == 0 && !(iflag&tm.IUCLC != 0 && iexten)
	tab.spans = iflag&(tm.ISTRIP|tm.PARMRK) == 0 && !(iflag&tm.IUCLC != 0 && iexten) && lflag&tm.EXTPROC == 0
	tab.plain = key.oflag&(tm.OLCUC|tm.OCRNL|tm.ONOCR) == 0 && key.oflag&tm.TABDLY != tm.XTABS
	if tab.raw {
		return tab
	}
	tab.mapInput()
	tab.mapEcho()
	tab.swar = true
	for c, class := range tab.class {
		if class&classSlow != 0 && c >= 0x20 && c != 0x7f {
			tab.swar = false
		}
	}
	return tab
}

// mapInput classes the bytes that mean something.
func (tab *table) mapInput() {
	key := &tab.key
	add := func(class uint8, slots ...int) {
		for _, slot := range slots {
			if c := key.cc[slot]; c != 0 { // 0 disables
				tab.class[c] |= class | classMapped | classSlow
			}
		}
	}
	iexten, canonical := key.lflag&tm.IEXTEN != 0, key.lflag&tm.ICANON != 0
	if canonical {
		add(0, tm.VERASE, tm.VKILL)
		if iexten {
			add(0, tm.VWERASE, tm.VLNEXT)
			if key.lflag&tm.ECHO != 0 {
				add(0, tm.VREPRINT)
			}
		}
	}
	if key.iflag&tm.IXON != 0 {
		add(classHazard, tm.VSTART, tm.VSTOP)
	}
	if key.lflag&tm.ISIG != 0 {
		add(classHazard, tm.VINTR, tm.VQUIT, tm.VSUSP)
	}
	if key.iflag&tm.INLCR != 0 {
		tab.class['\n'] |= classMapped | classSlow
	}
	if canonical && tab.class['\n'] == 0 {
		tab.class['\n'] = classMapped | classLine
	}
	if key.iflag&(tm.IGNCR|tm.ICRNL) != 0 {
		tab.class['\r'] |= classMapped | classSlow
	}
	if canonical {
		if key.cc[tm.VEOF] != '\n' { // NL is asked before these two
			add(0, tm.VEOF)
		}
		if key.cc[tm.VEOL] != '\n' {
			add(0, tm.VEOL)
		}
		tab.class['\n'] |= classMapped
		if iexten && key.cc[tm.VEOL2] != '\n' {
			add(0, tm.VEOL2)
		}
	}
}

// mapEcho classes the bytes whose echo is not the byte itself, one column wide.
func (tab *table) mapEcho() {
	if tab.key.lflag&tm.ECHO == 0 {
		return
	}
	upper := tab.key.oflag&(tm.OPOST|tm.OLCUC) == tm.OPOST|tm.OLCUC
	for c := range tab.class {
		if (control(byte(c)) || upper && toUpper(byte(c)) != byte(c)) && tab.class[c]&classLine == 0 {
			tab.class[c] |= classSlow
		}
	}
}

// The kernel's idea of Latin-1: 0x80 to 0x9f are no controls.

func control(c byte) bool { return c < 0x20 || c == 0x7f }

func upperCase(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 0xc0 && c <= 0xde && c != 0xd7 }

func lowerCase(c byte) bool { return c >= 'a' && c <= 'z' || c >= 0xdf && c != 0xf7 }

func toLower(c byte) byte {
	if upperCase(c) {
		return c + 'a' - 'A'
	}
	return c
}

func toUpper(c byte) byte {
	if lowerCase(c) {
		return c - ('a' - 'A')
	}
	return c
}

// word tells whether ^W takes c for part of a word.
func word(c byte) bool { return upperCase(c) || lowerCase(c) || c >= '0' && c <= '9' || c == '_' }

package sshd

// keyCode is a key that was typed: a character, or one of those below.
type keyCode int

const (
	keyNone keyCode = -iota - 1 // nothing yet, or nothing that has a meaning
	keyUp
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
)

// keyParser makes keys of bytes. Sequences may be cut anywhere.
type keyParser struct {
	state byte // 0, or what began: ESC, '[', 'O' or a string
	param int  // the first number of a sequence
	more  bool // past that number
}

const escape = 0x1b

// Strings (OSC, DCS and the like) are no keys but answers of the client's terminal to
// whatever program was on it before the picker, perhaps with text of that one's choice.
// They last until ST or BEL.
const (
	str    = ']'  // within one
	strEsc = '\\' // after an ESC in it

	bell = 'G' & 0x1f
)

var finals = map[byte]keyCode{'A': keyUp, 'B': keyDown, 'H': keyHome, 'F': keyEnd}

var numbered = map[int]keyCode{1: keyHome, 4: keyEnd, 5: keyPageUp, 6: keyPageDown, 7: keyHome, 8: keyEnd}

// next takes a byte and returns the key that it ends.
func (p *keyParser) next(c byte) keyCode {
	switch {
	case p.state == str || p.state == strEsc:
		switch {
		case c == escape:
			p.state = strEsc
		case c == bell || c == endOfText || p.state == strEsc && c == '\\':
			*p = keyParser{}
		case p.state == strEsc: // it was cut, and this is another sequence
			*p = keyParser{state: escape}
			return p.next(c)
		}
		return keyNone
	case c == escape:
		*p = keyParser{state: escape}
		return keyNone
	case p.state == escape && (c == '[' || c == 'O'):
		p.state = c
		return keyNone
	case p.state == escape && (c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X'):
		p.state = str
		return keyNone
	case p.state == '[' && c >= 0x20 && c < 0x40:
		if c < '0' || c > '9' {
			p.more = true
		} else if !p.more && p.param < 100 {
			p.param = p.param*10 + int(c-'0')
		}
		return keyNone
	case p.state == 0:
		return keyCode(c)
	}
	state, param := p.state, p.param
	*p = keyParser{}
	key, ok := keyNone, false
	switch {
	case state == escape: // with Alt
		return keyNone
	case state == '[' && c == '~':
		key, ok = numbered[param]
	default:
		key, ok = finals[c]
	}
	if !ok {
		return keyNone
	}
	return key
}

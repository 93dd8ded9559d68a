package sshd

// The keys that leave a terminal, as in ptsns attach.
const (
	detachFirst  = 'P' & 0x1f
	detachSecond = 'Q' & 0x1f
)

// detachScanner finds ctrl-p ctrl-q in what is typed. A ctrl-p is held back until the
// next key tells.
type detachScanner struct{ held bool }

// scan looks at the next bytes typed. pass, which may share p's memory, goes on to the
// program; found means that the keys were typed, and the rest of p is not looked at.
func (d *detachScanner) scan(p []byte) (pass []byte, found bool) {
	plain := !d.held
	for _, c := range p {
		plain = plain && c != detachFirst
	}
	if plain {
		return p, false
	}
	for _, c := range p {
		if d.held {
			if c == detachSecond {
				d.held = false
				return pass, true
			}
			pass = append(pass, detachFirst)
		}
		if d.held = c == detachFirst; !d.held {
			pass = append(pass, c)
		}
	}
	return pass, false
}

package termios

import (
	"encoding/binary"
	"fmt"
)

// Opcodes of encoded terminal modes that are not in the tables. Those from 1 to 159
// have a uint32 after them.
const (
	sshEnd       = 0
	sshIspeed    = 128
	sshOspeed    = 129
	sshFirstBare = 160 // the first opcode of which nobody knows what follows
	sshNone      = 255 // the value of a character that is disabled
)

// AppendModes appends the settings to b as the encoded terminal modes of SSH: RFC
// 4254, section 8, and IUTF8 of RFC 8160. They have no room for the rest, as VMIN,
// BRKINT or the delays, and take a character 255 for none.
func (t *Termios) AppendModes(b []byte) []byte {
	mode := func(opcode uint8, value uint32) {
		if opcode != 0 {
			b = binary.BigEndian.AppendUint32(append(b, opcode), value)
		}
	}
	for i := range characters {
		c := &characters[i]
		value := uint32(t.Cc[c.index])
		if value == 0 {
			value = sshNone
		}
		mode(c.ssh, value)
	}
	for i := range settings {
		s := &settings[i]
		value := uint32(0)
		if s.on(t) {
			value = 1
		}
		mode(s.ssh, value)
	}
	in, out := t.Speeds()
	mode(sshIspeed, in)
	mode(sshOspeed, out)
	return append(b, sshEnd)
}

// TakeModes changes the settings as the encoded terminal modes in b say. What they do
// not mention stays; modes that Linux does not have are passed over; of one that comes
// twice the last holds. The list ends at its end mark, at an opcode of 160 or more, of
// which RFC 4254 says that parsing stops, or with b. A list that ends within a mode, or a
// character that is no byte, is an error, and then t is as it was.
func (t *Termios) TakeModes(b []byte) error {
	n := *t
	in, out := n.Speeds()
	for len(b) > 0 && b[0] != sshEnd && b[0] < sshFirstBare {
		if len(b) < 5 {
			return fmt.Errorf("encoded terminal modes: opcode %d has %d bytes after it, want 4", b[0], len(b)-1)
		}
		opcode, value := b[0], binary.BigEndian.Uint32(b[1:])
		b = b[5:]
		switch opcode {
		case sshIspeed:
			in = value
		case sshOspeed:
			out = value
		default:
			if err := n.takeMode(opcode, value); err != nil {
				return err
			}
		}
	}
	n.setBoth(in, out)
	*t = n
	return nil
}

// takeMode sets the character or the flag of an opcode.
func (t *Termios) takeMode(opcode uint8, value uint32) error {
	for i := range characters {
		c := &characters[i]
		if c.ssh != opcode {
			continue
		}
		if value > 255 {
			return fmt.Errorf("encoded terminal modes: character %d for %q", value, c.name)
		}
		if value == sshNone {
			value = 0
		}
		t.Cc[c.index] = uint8(value)
		return nil
	}
	for i := range settings {
		s := &settings[i]
		if s.ssh == opcode && (s.mask == 0 || value != 0) { // the value of a field cannot be unset
			s.set(t, value != 0)
		}
	}
	return nil
}

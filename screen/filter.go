package screen

import (
	"bytes"
	"unicode/utf8"
)

// Filter takes out of a terminal's output what makes a viewer's terminal answer or act on
// the viewer's machine: requests (attributes, status, modes, colours, settings, the name of
// the terminal, ENQ), what asks for reports later (mouse, focus, sizes), the clipboard,
// files, notifications, printing, windows, keys, and everything it does not know. What is
// left moves the cursor, paints, and sets titles and hyperlinks.
//
// Sequences may be cut anywhere; one that is not finished is held back, at most
// some 4 KiB of it. Its zero value is ready. It has no lock.
//
// It is not cast.Filter, nor could either be the other. This one takes output apart exactly as
// Screen does, so that who reads along has the same screen, and lets through what the program
// goes on to rely on: keypad modes, bracketed paste, any character set, tab stops, RIS,
// colours that are set. Behind a recording comes the viewer's own shell: cast.Filter leaves out
// what changes keys, or what could not be undone at the end, and is right for terminals that
// differ about where a string begins or a broken sequence ends.
type Filter struct {
	parser parser
	param  painter
}

// Append appends to dst what is left of output.
func (f *Filter) Append(dst, output []byte) []byte {
	p := &f.parser
	for b := output; len(b) > 0 || p.kept(); {
		n, a := p.next(b)
		b = b[n:]
		switch a {
		case actText:
			dst = append(dst, p.text...)
		case actRune:
			dst = utf8.AppendRune(dst, p.r)
		case actExec:
			if p.final != 0x05 { // ENQ asks for the answerback
				dst = append(dst, p.final)
			}
		case actEscape:
			if p.safeEscape() {
				dst = append(append(append(dst, 0x1B), p.inter[:p.ninter]...), p.final)
			}
		case actCSI:
			dst = f.csi(dst)
		case actOSC:
			if safeOSC(p.str) {
				dst = append(append(append(dst, "\x1b]"...), bytes.ToValidUTF8(p.str, nil)...), "\x1b\\"...)
			}
		}
	}
	return dst
}

// safeEscape says whether an escape sequence only concerns the screen. ESC Z is a request,
// ESC % leaves UTF-8, ESC SP makes controls of bytes.
func (p *parser) safeEscape() bool {
	switch {
	case p.ninter == 0:
		return bytes.IndexByte([]byte("6789=>DEFHMNOcno|}~"), p.final) >= 0
	case p.ninter > 1:
		return p.inter[0] != '%' && p.inter[0] != ' ' && p.inter[0] != '#'
	}
	return bytes.IndexByte([]byte("()*+-./"), p.inter[0]) >= 0 || p.inter[0] == '#' && p.final >= '3' && p.final <= '8'
}

// safeCSI are the control sequences that pass, by prefix, intermediate and final byte.
var safeCSI = map[string]string{
	"":   "@ABCDEFGHIJKLMPSTXZ^`abdefgmrsu",
	"?":  "JK",
	" ":  "@Aq",
	"!":  "p",
	"\"": "q",
	"'":  "}~",
	"$":  "rtvxz{",
}

// safeModes are the modes of DECSET that pass: none that makes the terminal send something
// by itself, and none that resizes it.
var safeModes = []int{1, 5, 6, 7, 12, 25, 45, 47, 66, 69, 1047, 1048, 1049, 2004, 2026, 2027}

func (f *Filter) csi(dst []byte) []byte {
	p := &f.parser
	var key [1 + maxInter]byte
	k := key[:0]
	if p.prefix != 0 {
		k = append(k, p.prefix)
	}
	k = append(k, p.inter[:p.ninter]...)
	switch {
	case p.final == 'h' || p.final == 'l':
		return f.modes(dst, k)
	case p.final == 'T' && p.count() > 1: // mouse tracking of old
		return dst
	case bytes.IndexByte([]byte(safeCSI[string(k)]), p.final) < 0:
		return dst
	}
	dst = append(dst, "\x1b["...)
	if p.prefix != 0 {
		dst = append(dst, p.prefix)
	}
	dst = p.appendParams(dst)
	return append(append(dst, p.inter[:p.ninter]...), p.final)
}

// modes passes on the modes of a list that are safe.
func (f *Filter) modes(dst, key []byte) []byte {
	p := &f.parser
	private := string(key) == "?"
	if !private && len(key) > 0 {
		return dst
	}
	f.param.begin()
	for i := range p.count() {
		n := int(p.params[i])
		if private && !contains(safeModes, n) || !private && n != 4 && n != 20 {
			continue
		}
		if len(f.param.buf) > 0 {
			f.param.add(";")
		}
		f.param.num(n)
	}
	if len(f.param.buf) == 0 {
		return dst
	}
	dst = append(append(append(dst, "\x1b["...), key...), f.param.buf...)
	return append(dst, p.final)
}

// safeOSC passes titles, hyperlinks, marks of prompts, and colours when they are set and not
// asked for.
func safeOSC(b []byte) bool {
	code, rest, _ := bytes.Cut(b, []byte{';'})
	switch string(code) {
	case "0", "1", "2", "133":
		return true
	case "8":
		return printable(rest)
	case "4", "10", "11", "12", "17", "19":
		return bytes.IndexByte(rest, '?') < 0
	case "104", "110", "111", "112", "117", "119":
		return true
	}
	return false
}

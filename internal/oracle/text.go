package oracle

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// longRun is the length from which equal bytes are written as "x"*N.
const longRun = 24

// quote prints bytes as a conversation does: Go-like escapes, and long runs of one byte as
// "x"*4095. Each value has exactly one form.
func quote(b []byte) string {
	if len(b) == 0 {
		return `""`
	}
	var parts []string
	start := 0 // of what is not yet in parts
	flush := func(end int) {
		if end > start {
			parts = append(parts, quotePlain(b[start:end]))
		}
		start = end
	}
	for i := 0; i < len(b); {
		n := 1
		for i+n < len(b) && b[i+n] == b[i] {
			n++
		}
		if n >= longRun {
			flush(i)
			parts = append(parts, fmt.Sprintf("%s*%d", quotePlain(b[i:i+1]), n))
			start = i + n
		}
		i += n
	}
	flush(len(b))
	return strings.Join(parts, " ")
}

// escapes are the bytes that have a letter of their own.
var escapes = map[byte]byte{'\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '"': '"', '\\': '\\'}

func quotePlain(b []byte) string {
	var s strings.Builder
	s.WriteByte('"')
	for _, c := range b {
		switch letter, ok := escapes[c]; {
		case ok:
			s.WriteByte('\\')
			s.WriteByte(letter)
		case c < ' ' || c > '~':
			fmt.Fprintf(&s, `\x%02x`, c)
		default:
			s.WriteByte(c)
		}
	}
	s.WriteByte('"')
	return s.String()
}

// unquote reads what quote prints, from the whole of s. A string may be repeated whatever
// its length: "ab"*3.
func unquote(s string) ([]byte, error) {
	var out []byte
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		part, rest, err := unquotePlain(s)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(rest, "*") {
			number, after, _ := strings.Cut(rest[1:], " ")
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 || n > 1<<20 {
				return nil, fmt.Errorf("%q does not say how often", rest)
			}
			part, rest = bytes.Repeat(part, n), after
		}
		out = append(out, part...)
		s = rest
	}
	return out, nil
}

func unquotePlain(s string) (b []byte, rest string, err error) {
	if s[0] != '"' {
		return nil, "", fmt.Errorf("%q is not a quoted string", s)
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b, s[i+1:], nil
		case '\\':
			i++
			if i < len(s) && s[i] == 'x' && i+2 < len(s) {
				v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
				if err != nil {
					return nil, "", fmt.Errorf("%q: bad \\x", s)
				}
				b = append(b, byte(v))
				i += 2
				continue
			}
			c, ok := byte(0), false
			for k, letter := range escapes {
				if i < len(s) && letter == s[i] {
					c, ok = k, true
				}
			}
			if !ok {
				return nil, "", fmt.Errorf("%q: bad escape", s)
			}
			b = append(b, c)
		default:
			b = append(b, s[i])
		}
	}
	return nil, "", fmt.Errorf("%q is not closed", s)
}

// errnoNames are the errors a terminal gives, by Linux's numbers.
var errnoNames = map[int]string{
	1: "EPERM", 2: "ENOENT", 3: "ESRCH", 4: "EINTR", 5: "EIO", 6: "ENXIO", 9: "EBADF", 10: "ECHILD", 11: "EAGAIN", 12: "ENOMEM", 13: "EACCES",
	14: "EFAULT", 16: "EBUSY", 19: "ENODEV", 22: "EINVAL", 25: "ENOTTY", 28: "ENOSPC", 29: "ESPIPE", 95: "EOPNOTSUPP", 512: "ERESTARTSYS",
}

func errnoName(n int) string {
	if name, ok := errnoNames[n]; ok {
		return name
	}
	return "errno" + strconv.Itoa(n)
}

// signalNumbers are the signals that conversations name, by Linux's numbers.
var signalNumbers = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "TERM": 15, "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "WINCH": 28, "IO": 29,
}

func signalName(n int) string {
	for name, number := range signalNumbers {
		if number == n {
			return name
		}
	}
	return "signal" + strconv.Itoa(n)
}

const (
	echild = 10
	eagain = 11
)

package pts

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxNameLen is the longest name of a namespace in bytes. The name is a directory
// beside a socket whose whole path must fit sockaddr_un (108 bytes).
const MaxNameLen = 48

// MaxIndex is the highest index a terminal can have: minor numbers have 20 bits.
const MaxIndex = 1<<20 - 1

// ID names one terminal: an index means something only together with its
// namespace. It prints and parses as "vs1/0".
type ID struct {
	Namespace string
	Index     int
}

func (id ID) String() string { return id.Namespace + "/" + strconv.Itoa(id.Index) }

// CheckName tells why name cannot name a namespace, or returns nil. A name is 1
// to MaxNameLen letters, digits, '.', '_' and '-' and starts with a letter or a
// digit, so that it is one path element and never looks like a flag.
func CheckName(name string) error {
	if name == "" {
		return fmt.Errorf("a namespace's name is empty")
	}
	if len(name) > MaxNameLen {
		return fmt.Errorf("name %q is longer than %d bytes", name, MaxNameLen)
	}
	for i := range len(name) {
		c := name[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if alnum || i > 0 && (c == '.' || c == '_' || c == '-') {
			continue
		}
		return fmt.Errorf("name %q: %q is not allowed there (letters, digits and, after the first, '.', '_', '-')", name, c)
	}
	return nil
}

// ParseID parses "NAME/N".
func ParseID(s string) (ID, error) {
	name, index, ok := strings.Cut(s, "/")
	if !ok {
		return ID{}, fmt.Errorf("terminal %q: want NAME/N", s)
	}
	if err := CheckName(name); err != nil {
		return ID{}, err
	}
	n, err := strconv.ParseUint(index, 10, 20)
	if err != nil || strconv.FormatUint(n, 10) != index {
		return ID{}, fmt.Errorf("terminal %q: %q is not an index (0 to %d)", s, index, MaxIndex)
	}
	return ID{Namespace: name, Index: int(n)}, nil
}

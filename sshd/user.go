package sshd

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/pts"
)

// pickerUser is who logs in to choose from a list.
const pickerUser = "ptsns"

// target is where a user name leads.
type target struct {
	picker bool
	name   string // of the namespace
	index  int    // of the terminal to join; -1 opens a new one
	serial string // of that terminal; "" for any
}

// parseUser parses NAME, NAME/N and NAME+N, the last for clients that refuse a slash.
// A namespace called like the picker is reached through that, its terminals by name too.
func parseUser(user string) (target, error) {
	if user == pickerUser {
		return target{picker: true}, nil
	}
	name, index, join := user, "", false
	if at := strings.IndexAny(user, "/+"); at >= 0 {
		name, index, join = user[:at], user[at+1:], true
	}
	if err := pts.CheckName(name); err != nil {
		return target{}, fmt.Errorf("user %q: %w", user, err)
	}
	if !join {
		return target{name: name, index: -1}, nil
	}
	id, err := pts.ParseID(name + "/" + index)
	if err != nil {
		return target{}, fmt.Errorf("user %q: %q is not an index (0 to %d)", user, index, pts.MaxIndex)
	}
	return target{name: id.Namespace, index: id.Index}, nil
}

func (t target) String() string {
	switch {
	case t.picker:
		return pickerUser
	case t.index < 0:
		return t.name
	}
	return t.name + "/" + strconv.Itoa(t.index)
}

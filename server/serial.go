//go:build linux

package server

import (
	"crypto/rand"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/hub"
)

// serial is what tells a namespace from every other there is, was or will be.
type serial string

func newSerial() serial { return serial(strings.ToLower(rand.Text())) }

// Serial is what tells a terminal of the namespace from every other there is, was or will
// be.
func (s serial) Serial(t *hub.Terminal) string {
	return string(s) + "-" + strconv.FormatUint(t.Serial(), 10)
}

package devpts

import (
	"syscall"

	"github.com/ptsns/ptsns/pts"
)

// numbered is the system's own error of that number.
func numbered(e pts.Errno) error { return syscall.Errno(e) }

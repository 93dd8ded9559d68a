package pts

import (
	"io/fs"
	"syscall"
)

// Is makes errors.Is(e, syscall.EIO) and errors.Is(e, fs.ErrPermission) hold as they
// do for the system's own number.
func (e Errno) Is(target error) bool {
	if s, ok := target.(syscall.Errno); ok {
		return uint64(s) == uint64(e)
	}
	switch target {
	case fs.ErrPermission, fs.ErrExist, fs.ErrNotExist:
		return syscall.Errno(e).Is(target)
	}
	return false
}

package pts

import (
	"errors"
	"io/fs"
	"syscall"
)

// IsAgain tells whether err, that of an End of any kind, means that the call would have
// had to wait.
func IsAgain(err error) bool { return errors.Is(err, syscall.EAGAIN) }

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

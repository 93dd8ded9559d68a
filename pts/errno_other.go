//go:build !linux

package pts

import (
	"errors"
	"io/fs"
)

// IsAgain tells whether err, that of an End of any kind, means that the call would have
// had to wait.
func IsAgain(err error) bool { return errors.Is(err, EAGAIN) }

// Is makes errors.Is(e, fs.ErrPermission) and the like hold, as they do for the
// system's own errors.
func (e Errno) Is(target error) bool {
	switch target {
	case fs.ErrPermission:
		return e == EPERM || e == EACCES
	case fs.ErrExist:
		return e == EEXIST || e == ENOTEMPTY
	case fs.ErrNotExist:
		return e == ENOENT
	}
	return false
}

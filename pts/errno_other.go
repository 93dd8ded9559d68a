//go:build !linux

package pts

import "io/fs"

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

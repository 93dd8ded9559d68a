package pts

import "strconv"

// Errno is why a terminal refuses: Linux's numbers and names on every OS. Where the
// system itself is Linux, errors.Is(err, syscall.Errno(n)) holds for the same number.
type Errno uint16

const (
	EPERM        Errno = 1
	ENOENT       Errno = 2
	ESRCH        Errno = 3
	EINTR        Errno = 4
	EIO          Errno = 5
	ENXIO        Errno = 6
	EBADF        Errno = 9
	EAGAIN       Errno = 11
	ENOMEM       Errno = 12
	EACCES       Errno = 13
	EFAULT       Errno = 14
	EBUSY        Errno = 16
	EEXIST       Errno = 17
	EXDEV        Errno = 18
	ENODEV       Errno = 19
	ENOTDIR      Errno = 20
	EISDIR       Errno = 21
	EINVAL       Errno = 22
	ENFILE       Errno = 23
	EMFILE       Errno = 24
	ENOTTY       Errno = 25
	ENOSPC       Errno = 28
	ESPIPE       Errno = 29
	EROFS        Errno = 30
	ENAMETOOLONG Errno = 36
	ENOSYS       Errno = 38
	ENOTEMPTY    Errno = 39
	ELOOP        Errno = 40
	EOPNOTSUPP   Errno = 95
	ETIMEDOUT    Errno = 110
)

// ERESTARTSYS says that the caller has been sent a signal instead of being served, a
// background process that reads, say. What its system does with the signal decides: a
// handler without SA_RESTART makes it EINTR, anything else asks again once the
// process runs again. It never reaches a program under its own number.
const ERESTARTSYS Errno = 512

var errnos = map[Errno]struct{ name, text string }{
	EPERM:        {"EPERM", "operation not permitted"},
	ENOENT:       {"ENOENT", "no such file or directory"},
	ESRCH:        {"ESRCH", "no such process"},
	EINTR:        {"EINTR", "interrupted system call"},
	EIO:          {"EIO", "input/output error"},
	ENXIO:        {"ENXIO", "no such device or address"},
	EBADF:        {"EBADF", "bad file descriptor"},
	EAGAIN:       {"EAGAIN", "resource temporarily unavailable"},
	ENOMEM:       {"ENOMEM", "cannot allocate memory"},
	EACCES:       {"EACCES", "permission denied"},
	EFAULT:       {"EFAULT", "bad address"},
	EBUSY:        {"EBUSY", "device or resource busy"},
	EEXIST:       {"EEXIST", "file exists"},
	EXDEV:        {"EXDEV", "invalid cross-device link"},
	ENODEV:       {"ENODEV", "no such device"},
	ENOTDIR:      {"ENOTDIR", "not a directory"},
	EISDIR:       {"EISDIR", "is a directory"},
	EINVAL:       {"EINVAL", "invalid argument"},
	ENFILE:       {"ENFILE", "too many open files in system"},
	EMFILE:       {"EMFILE", "too many open files"},
	ENOTTY:       {"ENOTTY", "inappropriate ioctl for device"},
	ENOSPC:       {"ENOSPC", "no space left on device"},
	ESPIPE:       {"ESPIPE", "illegal seek"},
	EROFS:        {"EROFS", "read-only file system"},
	ENAMETOOLONG: {"ENAMETOOLONG", "file name too long"},
	ENOSYS:       {"ENOSYS", "function not implemented"},
	ENOTEMPTY:    {"ENOTEMPTY", "directory not empty"},
	ELOOP:        {"ELOOP", "too many levels of symbolic links"},
	EOPNOTSUPP:   {"EOPNOTSUPP", "operation not supported"},
	ETIMEDOUT:    {"ETIMEDOUT", "connection timed out"},
	ERESTARTSYS:  {"ERESTARTSYS", "interrupted by a signal, to be restarted"},
}

// Error is Linux's text.
func (e Errno) Error() string {
	if d, ok := errnos[e]; ok {
		return d.text
	}
	return "errno " + itoa(int(e))
}

// Name is Linux's name, as in "EIO".
func (e Errno) Name() string {
	if d, ok := errnos[e]; ok {
		return d.name
	}
	return "errno " + itoa(int(e))
}

// Timeout and Temporary make a net.Error of it, as syscall.Errno is.
func (e Errno) Timeout() bool { return e == EAGAIN || e == ETIMEDOUT }

// Temporary tells whether the same call may succeed later.
func (e Errno) Temporary() bool { return e == EINTR || e == EMFILE || e == ENFILE || e.Timeout() }

func itoa(n int) string { return strconv.Itoa(n) }

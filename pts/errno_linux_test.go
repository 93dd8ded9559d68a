package pts

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestErrnosAreLinuxs(t *testing.T) {
	for e, d := range errnos {
		if e == ERESTARTSYS { // the kernel's own, without a text
			continue
		}
		if got := syscall.Errno(e).Error(); got != d.text {
			t.Errorf("%s: %q is %d's text, the table has %q", d.name, got, e, d.text)
		}
		wrapped := fmt.Errorf("read: %w", e)
		if !errors.Is(wrapped, syscall.Errno(e)) || errors.Is(wrapped, syscall.Errno(e+1)) {
			t.Errorf("%s is not errors.Is to its own number alone", d.name)
		}
		for _, target := range []error{fs.ErrPermission, fs.ErrExist, fs.ErrNotExist} {
			if got, want := errors.Is(e, target), errors.Is(syscall.Errno(e), target); got != want {
				t.Errorf("%s is %q: %v, want %v", d.name, target, got, want)
			}
		}
		if e.Timeout() != syscall.Errno(e).Timeout() || e.Temporary() != syscall.Errno(e).Temporary() {
			t.Errorf("%s: a timeout %v, temporary %v", d.name, e.Timeout(), e.Temporary())
		}
	}
}

func TestErrnoNamesMatchNumbers(t *testing.T) {
	for e, want := range map[Errno]syscall.Errno{
		EPERM: syscall.EPERM, ENOENT: syscall.ENOENT, ESRCH: syscall.ESRCH, EINTR: syscall.EINTR, EIO: syscall.EIO, ENXIO: syscall.ENXIO,
		EBADF: syscall.EBADF, EAGAIN: syscall.EAGAIN, ENOMEM: syscall.ENOMEM, EACCES: syscall.EACCES, EFAULT: syscall.EFAULT,
		EBUSY: syscall.EBUSY, EEXIST: syscall.EEXIST, ENODEV: syscall.ENODEV, ENOTDIR: syscall.ENOTDIR, EISDIR: syscall.EISDIR,
		EINVAL: syscall.EINVAL, ENFILE: syscall.ENFILE, EMFILE: syscall.EMFILE, ENOTTY: syscall.ENOTTY, ENOSPC: syscall.ENOSPC,
		ESPIPE: syscall.ESPIPE, EROFS: syscall.EROFS, ENAMETOOLONG: syscall.ENAMETOOLONG, ENOSYS: syscall.ENOSYS,
		EOPNOTSUPP: syscall.EOPNOTSUPP, ETIMEDOUT: syscall.ETIMEDOUT,
		EXDEV: syscall.EXDEV, ENOTEMPTY: syscall.ENOTEMPTY, ELOOP: syscall.ELOOP,
	} {
		if syscall.Errno(e) != want {
			t.Errorf("%s is %d, want %d", e.Name(), e, want)
		}
	}
	for s, want := range map[Signal]syscall.Signal{
		SIGHUP: syscall.SIGHUP, SIGINT: syscall.SIGINT, SIGQUIT: syscall.SIGQUIT, SIGCONT: syscall.SIGCONT, SIGTSTP: syscall.SIGTSTP,
		SIGTTIN: syscall.SIGTTIN, SIGTTOU: syscall.SIGTTOU, SIGWINCH: syscall.SIGWINCH,
	} {
		if syscall.Signal(s) != want {
			t.Errorf("%s is %d, want %d", s, s, want)
		}
	}
	if got := Errno(9999).Error(); got != "errno 9999" {
		t.Errorf("an unknown number says %q", got)
	}
}

//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fsmount"
)

const (
	fuseDev = "/dev/fuse"
	ptmxPts = "/dev/pts/ptmx"
)

// tap is a FUSE file that is not mounted anywhere yet.
type tap struct {
	dev   *os.File // /dev/fuse
	mount *os.File
}

func (t *tap) close() {
	_ = t.dev.Close() // the server has its own by now, or there is none
	_ = t.mount.Close()
}

// openTap makes the file of the tap. /dev/fuse has to be opened in the user
// namespace that it is then used in.
func openTap() (*tap, error) {
	fd, err := unix.Open(fuseDev, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fuseDev, err)
	}
	dev := os.NewFile(uintptr(fd), fuseDev)
	m, err := fsmount.New("fuse", inert, "source=ptsns", fmt.Sprintf("fd=%d", fd),
		"rootmode=100666", "user_id=0", "group_id=0", "allow_other")
	if err != nil {
		_ = dev.Close() // of no use
		return nil, err
	}
	return &tap{dev: dev, mount: m}, nil
}

// decidePtmx settles what Config.Ptmx is, with the reason why it is not the default.
func decidePtmx(cfg *Config) (t *tap, note string, err error) {
	switch cfg.Ptmx {
	case Symlink, Bind:
		return nil, "", nil
	case Tap:
		if t, err = openTap(); err != nil {
			return nil, "", fmt.Errorf("tapping %s: %w", ptmxDev, err)
		}
		return t, "", nil
	case "":
		t, err = openTap()
		if err != nil {
			cfg.Ptmx = Bind
			return nil, fmt.Sprintf("falling back to --ptmx=bind, so terminals opened inside cannot be joined: %v", err), nil
		}
		cfg.Ptmx = Tap
		return t, "", nil
	}
	return nil, "", fmt.Errorf("unknown redirection of ptmx %q: %w", cfg.Ptmx, unix.EINVAL)
}

// redirect makes /dev/ptmx lead to the instance at /dev/pts. The symlink is made
// with /dev, and where it is there nothing more is needed.
func redirect(cfg Config, t *tap) error {
	switch cfg.Ptmx {
	case Tap:
		return mountTap(t)
	case Bind:
		if linksToPtmx() || cfg.SharePts && reachesShared() {
			return nil
		}
		return bindFrom(unix.AT_FDCWD, ptmxPts, ptmxDev, 0)
	}
	return nil
}

// mountTap puts the tap over both ways to a ptm. Nobody serves it yet, so nothing
// here may ask it anything.
func mountTap(t *tap) error {
	if err := fsmount.Attach(t.mount, ptmxPts); err != nil {
		return err
	}
	if linksToPtmx() {
		return nil
	}
	second, err := cloneOf(t.mount, 0)
	if err != nil {
		return err
	}
	defer second.Close()
	return fsmount.Attach(second, ptmxDev)
}

// reachesShared tells whether the device /dev/ptmx leads to the parent's instance
// for more users than pts/ptmx does, whose mode is 0000 by default. The device uses
// the instance beside it, so a redirection could only take access away.
func reachesShared() bool {
	var dev, inPts unix.Stat_t
	err := errors.Join(unix.Stat(ptmxDev, &dev), unix.Stat(ptmxPts, &inPts))
	return err == nil && dev.Rdev == unix.Mkdev(5, 2) && dev.Mode&0o666&^inPts.Mode != 0
}

//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fsmount"
	"github.com/ptsns/ptsns/kpts"
)

// builder makes the mounts of a namespace.
type builder struct {
	cfg    Config
	note   string
	tap    *tap     // nil without one
	shared *os.File // the parent's /dev/pts; nil without SharePts
	old    *os.File // the old root

	instance, parent *os.File // for the server
}

// build makes every mount of the namespace that this process is in. The mounts of
// the parent are only read.
func (b *builder) build() (err error) {
	if err := makePrivate(b.cfg); err != nil {
		return err
	}
	// From the parent, what is hidden next.
	if b.cfg.SharePts {
		if b.shared, err = sharedPts(); err != nil {
			return err
		}
	}
	if b.tap, b.note, err = decidePtmx(&b.cfg); err != nil {
		return err
	}
	// Nothing of the parent's terminals stays.
	if err := hideDevpts(); err != nil {
		return fmt.Errorf("hiding the parent's terminals: %w", err)
	}
	for _, dir := range b.cfg.Hide {
		if err := hideDir(dir); err != nil {
			return err
		}
	}
	// The new tree.
	if b.old, err = enterRoot(b.cfg.Root); err != nil {
		return err
	}
	if b.cfg.Root != "" {
		if err := ensureProc(b.old); err != nil {
			return fmt.Errorf("making /proc in %q: %w", b.cfg.Root, err)
		}
	}
	if err := prepareDev(b.cfg, b.old); err != nil {
		return fmt.Errorf("preparing /dev: %w", err)
	}
	if err := b.mountPts(); err != nil {
		return err
	}
	if err := redirect(b.cfg, b.tap); err != nil {
		return fmt.Errorf("redirecting /dev/ptmx: %w", err)
	}
	return leaveRoot(b.old, b.cfg.Root)
}

// sharedPts takes hold of the parent's /dev/pts, with what is mounted in it.
func sharedPts() (*os.File, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(ptsDir, &st); err != nil {
		return nil, fmt.Errorf("sharing the parent's %s: %w", ptsDir, err)
	}
	if st.Type != unix.DEVPTS_SUPER_MAGIC {
		return nil, fmt.Errorf("sharing the parent's %s, which is no devpts: %w", ptsDir, unix.ENODEV)
	}
	return cloneMount(unix.AT_FDCWD, ptsDir, unix.AT_RECURSIVE)
}

// mountPts mounts the marker and on it the instance, and takes the copies for the
// server while nothing is mounted in the instance.
func (b *builder) mountPts() error {
	instance, flags := b.shared, uint(unix.AT_RECURSIVE)
	if instance == nil {
		m, err := kpts.Mount("devpts", b.cfg.Options)
		if err != nil {
			return err
		}
		defer m.Close()
		instance, flags = m, 0
	}
	err := mountAt(ptsDir, "tmpfs", inertOnly, "source="+b.cfg.Marker, "size=4k", "mode=755")
	if err != nil {
		return fmt.Errorf("mounting the marker: %w", err)
	}
	if err := fsmount.Attach(instance, ptsDir); err != nil {
		return err
	}
	if b.instance, err = cloneOf(instance, flags); err != nil {
		return err
	}
	if b.cfg.UserNS || b.cfg.SharePts {
		return nil
	}
	b.parent, err = cloneOf(instance, flags)
	return err
}

// answer is what the server is told and given. The files stay b's.
func (b *builder) answer() (*built, []int) {
	a := &built{Config: b.cfg, Note: b.note, PID: os.Getpid(), Instance: true}
	files := []int{int(b.instance.Fd())}
	if b.parent != nil {
		a.Parent = true
		files = append(files, int(b.parent.Fd()))
	}
	if b.tap != nil {
		a.Fuse = true
		files = append(files, int(b.tap.dev.Fd()))
	}
	return a, files
}

// close gives up every file: a descriptor that stayed would keep an instance, or a
// tap that nobody serves, alive.
func (b *builder) close() {
	if b.tap != nil {
		b.tap.close()
	}
	for _, f := range []*os.File{b.shared, b.old, b.instance, b.parent} {
		if f == nil {
			continue
		}
		if err := f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			panic(err) // a bare descriptor of ours
		}
	}
}

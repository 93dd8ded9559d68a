//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// hideDir covers dir, and every place where it or a part of it is mounted too, with
// an empty directory that can be written to: a ptsns inside finds its own place
// there. A dir that does not exist is hidden enough.
func hideDir(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hiding %q: %w", dir, err)
	}
	places, err := placesOf(real)
	if err != nil {
		return fmt.Errorf("hiding %q: %w", dir, err)
	}
	for _, p := range places {
		err := mountAt(p, "tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV,
			"source=ptsns-hidden", "size=4m", "mode=700")
		if err != nil {
			return fmt.Errorf("hiding %q: %w", p, err)
		}
	}
	return nil
}

// placesOf lists the directories that show dir, or something in it, in this mount
// namespace. A mount somewhere in dir itself goes with dir.
func placesOf(dir string) ([]string, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	home, err := mountOf(mounts, dir)
	if err != nil {
		return nil, err
	}
	rest, ok := under(dir, home.point)
	if !ok {
		return nil, fmt.Errorf("%q is not below its mount point %q", dir, home.point)
	}
	inFS := filepath.Join(home.root, rest)
	self, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}

	places := []string{dir}
	for _, m := range mounts {
		if m.dev != home.dev || m.id == home.id {
			continue
		}
		if rest, ok := under(inFS, m.root); ok {
			place := filepath.Join(m.point, rest)
			if st, err := os.Lstat(place); err == nil && os.SameFile(st, self) && place != dir {
				places = append(places, place)
			}
			continue
		}
		if _, ok := under(m.root, inFS); !ok {
			continue
		}
		if _, inside := under(m.point, dir); inside {
			continue
		}
		if top, isDir := m.onTop(); top && isDir {
			places = append(places, m.point) // a part of dir
		}
	}
	return places, nil
}

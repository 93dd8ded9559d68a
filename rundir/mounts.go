//go:build linux

package rundir

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mount is one line of a mountinfo file.
type mount struct {
	id     int
	device string // MAJOR:MINOR
	point  string // where it is mounted
	fstype string
	source string
}

// parseMountinfo reads a mountinfo file (proc_pid_mountinfo(5)). Lines that it does
// not understand are left out.
func parseMountinfo(data []byte) []mount {
	var mounts []mount
	for line := range bytes.Lines(data) {
		// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
		before, after, ok := strings.Cut(string(line), " - ")
		left, right := strings.Split(before, " "), strings.Split(after, " ")
		if !ok || len(left) < 6 || len(right) < 2 {
			continue
		}
		id, err := strconv.Atoi(left[0])
		if err != nil {
			continue
		}
		mounts = append(mounts, mount{id: id, device: left[2], point: unescape(left[4]), fstype: right[0], source: unescape(right[1])})
	}
	return mounts
}

// unescape turns the kernel's \ooo (blanks, newlines, backslashes) into bytes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// detach lazily takes away every mount at or below the entry called name, or only
// those exactly at the given paths in it. A detached mount takes all below it along,
// so the highest goes first: its path leads through no other mount.
func (h *held) detach(name string, only ...string) error {
	entry := filepath.Join(h.path, name)
	tried := map[int]bool{}
	for {
		data, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return fmt.Errorf("look for mounts: %w", err)
		}
		top, found := highest(parseMountinfo(data), func(point string) bool {
			if len(only) == 0 {
				return point == entry || strings.HasPrefix(point, entry+"/")
			}
			for _, path := range only {
				if point == filepath.Join(entry, path) {
					return true
				}
			}
			return false
		})
		if !found {
			return nil
		}
		if tried[top.id] {
			return fmt.Errorf("unmount %q: it does not go away", top.point)
		}
		tried[top.id] = true
		if err := unix.Unmount(top.point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return &os.PathError{Op: "unmount", Path: top.point, Err: err}
		}
	}
}

// highest is the mount nearest to the root among those whose point fits, and of
// several on one point the last, which covers the others.
func highest(mounts []mount, fits func(point string) bool) (top mount, found bool) {
	for _, m := range mounts {
		if fits(m.point) && (!found || len(m.point) <= len(top.point)) {
			top, found = m, true
		}
	}
	return top, found
}

// virtualType is the type of file system that mounts of virtual terminals are.
const virtualType = "fuse.ptsns"

// Detach lazily takes away the mounts of virtual terminals with those device numbers, as in
// an entry's Mounts, that are in our mount namespace.
func Detach(devices []string) error {
	return detachMounts(devices, func(m mount) bool { return m.fstype == virtualType })
}

// detachDead lazily takes away the FUSE mounts with those device numbers whose server is
// dead. A number can have come to mean another mount since: one whose server lives
// answers, and stays.
func detachDead(devices []string) error {
	return detachMounts(devices, func(m mount) bool {
		if !strings.HasPrefix(m.fstype, "fuse") {
			return false
		}
		var st unix.Statfs_t
		err := unix.Statfs(m.point, &st)
		return err == unix.ENOTCONN || err == unix.ECONNABORTED
	})
}

// detachMounts lazily takes away the mounts with those device numbers that fit.
func detachMounts(devices []string, fits func(mount) bool) error {
	if len(devices) == 0 {
		return nil
	}
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("look for mounts: %w", err)
	}
	var errs []error
	for _, m := range parseMountinfo(data) {
		if !slices.Contains(devices, m.device) || !fits(m) {
			continue
		}
		if err := unix.Unmount(m.point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && err != unix.EINVAL {
			errs = append(errs, &os.PathError{Op: "unmount", Path: m.point, Err: err})
		}
	}
	return errors.Join(errs...)
}

//go:build linux

package nsexec

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountEntry is a line of /proc/self/mountinfo.
type mountEntry struct {
	id     int
	dev    string // major:minor
	root   string // what of the file system is mounted
	point  string // where
	fstype string
}

// readMounts returns the mounts of this mount namespace, older ones first.
func readMounts() ([]mountEntry, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	var mounts []mountEntry
	for line := range strings.Lines(string(data)) {
		m, ok := parseMount(strings.TrimSuffix(line, "\n"))
		if !ok {
			return nil, fmt.Errorf("reading the mounts: line %q", line)
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// parseMount mirrors proc_pid_mountinfo(5): the fields up to the mount point, a
// separator after any number of optional ones, then the file system.
func parseMount(line string) (m mountEntry, ok bool) {
	place, fs, ok := strings.Cut(line, " - ")
	if !ok {
		return m, false
	}
	f := strings.Fields(place)
	if len(f) < 5 {
		return m, false
	}
	id, err := strconv.Atoi(f[0])
	if err != nil {
		return m, false
	}
	m = mountEntry{id: id, dev: f[2], root: unescape(f[3]), point: unescape(f[4])}
	m.fstype, _, _ = strings.Cut(fs, " ")
	return m, true
}

// unescape undoes the kernel's \ooo for bytes that would break a line of fields.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// statMount asks for what the kernel knows itself: whoever serves the file system
// there may not answer.
const statMount = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC

// onTop tells whether m is what a lookup of its mount point finds, and whether that
// is a directory.
func (m mountEntry) onTop() (top, dir bool) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, m.point, statMount, unix.STATX_MNT_ID|unix.STATX_TYPE, &st)
	if err != nil || st.Mask&unix.STATX_MNT_ID == 0 || st.Mnt_id != uint64(m.id) {
		return false, false
	}
	return true, st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// mountOf finds the mount that path, free of symlinks, is on.
func mountOf(mounts []mountEntry, path string) (mountEntry, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, statMount, unix.STATX_MNT_ID, &st); err != nil {
		return mountEntry{}, &os.PathError{Op: "finding the mount of", Path: path, Err: err}
	}
	for _, m := range mounts {
		if st.Mask&unix.STATX_MNT_ID != 0 && uint64(m.id) == st.Mnt_id {
			return m, nil
		}
	}
	return mountEntry{}, fmt.Errorf("finding the mount of %q: not in this mount namespace", path)
}

// under tells what has to follow dir to make path; ok is false when path is not
// dir and not below it.
func under(path, dir string) (rest string, ok bool) {
	rest, err := filepath.Rel(dir, path)
	if err != nil || rest == ".." || strings.HasPrefix(rest, "../") {
		return "", false
	}
	return rest, true
}

//go:build linux

package server

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/procfs"
)

// untapped is what /proc tells about a terminal that does not pass through us.
type untapped struct{ opener, foreground Proc }

// untapped looks through all processes for those that hold a ptm of the instance, or
// have one of its terminals as their controlling one. Without the tap there is no
// other way to know.
func (n *Namespace) untapped() map[int]untapped {
	found := make(map[int]untapped)
	dev, err := n.instance.Dev()
	if err != nil {
		return found
	}
	pids, err := procfs.PIDs()
	if err != nil {
		return found
	}
	inside := mountNS(n.sup.PID())
	for _, pid := range pids {
		for _, index := range ptmsOf(pid, dev) {
			t := found[index]
			if t.opener.PID == 0 {
				t.opener = Proc{pid, procfs.Comm(pid)}
				found[index] = t
			}
		}
		s, err := procfs.ReadStat(pid)
		if err != nil || unix.Major(s.TTY) != ptsMajor || s.TPGID <= 0 || mountNS(pid) != inside {
			continue
		}
		index := int(unix.Minor(s.TTY))
		t := found[index]
		t.foreground = Proc{s.TPGID, procfs.Comm(s.TPGID)}
		found[index] = t
	}
	return found
}

const ptsMajor = 136

func mountNS(pid int) string {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	if err != nil {
		return ""
	}
	return link
}

// ptmsOf lists the indices of the ptms that pid holds open, of the instance on device
// dev. The descriptors' own inode is ptmx; fdinfo has the index.
func ptmsOf(pid int, dev uint64) []int {
	base := fmt.Sprintf("/proc/%d/", pid)
	fds, err := os.ReadDir(base + "fd")
	if err != nil {
		return nil
	}
	var indices []int
	for _, fd := range fds {
		link, err := os.Readlink(base + "fd/" + fd.Name())
		if err != nil || !strings.HasSuffix(link, "ptmx") {
			continue
		}
		// Only then stat: a file over a ptmx, of a server that is stopped, would not answer.
		index, ok := ttyIndex(base + "fdinfo/" + fd.Name())
		var st unix.Stat_t
		if ok && unix.Stat(base+"fd/"+fd.Name(), &st) == nil && st.Dev == dev {
			indices = append(indices, index)
		}
	}
	return indices
}

// ttyIndex reads the tty-index line of an fdinfo.
func ttyIndex(path string) (int, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "tty-index:"); ok {
			index, err := strconv.Atoi(strings.TrimSpace(value))
			return index, err == nil
		}
	}
	return 0, false
}
